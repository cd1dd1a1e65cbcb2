package rows

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// FuzzDifferential reads any bytes below a header of text columns, and compares every
// value, every line number and every rejected line with encoding/csv and one rule on
// top: a record that is malformed or of another width costs its first line.
//
// Left out is what the two differ in by the rules of csv.Cutter: carriage returns, quotes
// that a backslash escapes, and headers in mid-text.
func FuzzDifferential(f *testing.F) {
	for _, name := range seeds(f) {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("1,2,3\n\"x\ny\",\"say \"\"hi\"\"\",\n\n\"open,5,6\n7,8,9\n\"\",,\"\"\nx\"y,1,2\n\"x\"y,1,2\n1,2\n1,2,3,4\n\xff,\x00,\\N\n \"a\" ,b, \nlast,one,\"\""))
	f.Add([]byte("\"a\n\"b\n\"c\nd,e,f\n\"\"\"\",\"\n\",\",\"\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		if bytes.IndexByte(body, '\r') >= 0 || bytes.Contains(body, []byte(`\"`)) {
			return
		}
		wantRows, wantRejected := split(body)
		if len(wantRows) > 900 {
			return
		}
		r := newReading(t, testTable("a String", "b String", "c LowCardinality(String)"), Config{})
		for _, m := range modes() {
			got := r.read(t, m, append([]byte("a,b,c\n"), body...))
			if strings.Contains(strings.Join(got.Rejected, ""), "header") {
				return
			}
			if got.Err != "" {
				t.Fatalf("%s: %s", m.name, got.Err)
			}
			if diff := cmp.Diff(wantRows, got.Rows); diff != "" {
				t.Fatalf("%s: rows (-encoding/csv +ours):\n%s", m.name, diff)
			}
			if len(got.Rejected) != len(wantRejected) {
				t.Fatalf("%s: rejected %q, want %q", m.name, got.Rejected, wantRejected)
			}
			for i, x := range got.Rejected {
				line, rest, _ := strings.Cut(x, " ")
				if _, raw, _ := strings.Cut(rest, ": "); line+" "+raw != wantRejected[i] {
					t.Fatalf("%s: rejected %q, want %q", m.name, x, wantRejected[i])
				}
			}
		}
	})
}

// split reads records of three fields below a header, as decode shows them, and the
// lines that are none.
func split(body []byte) (rows, rejected []string) {
	for line := 2; len(body) > 0; {
		if body[0] == '\n' { // a blank line is none
			body = body[1:]
			line++
			continue
		}
		reader := csv.NewReader(bytes.NewReader(body))
		reader.FieldsPerRecord = -1
		fields, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return rows, rejected
		}
		if err != nil || len(fields) != 3 {
			first, rest, _ := bytes.Cut(body, []byte("\n"))
			rejected = append(rejected, fmt.Sprintf("%d %s", line, first))
			body = rest
			line++
			continue
		}
		row := fmt.Sprintf("a=%q b=%q c=%q _line=%d", valid(fields[0]), valid(fields[1]), valid(fields[2]), line)
		for i, v := range fields {
			if !utf8.ValidString(v) {
				row += fmt.Sprintf(" %s#hex~\"%X\"", "abc"[i:i+1], v)
			}
		}
		rows = append(rows, row)
		end := reader.InputOffset()
		line += bytes.Count(body[:end], []byte("\n"))
		body = body[end:]
	}
	return rows, rejected
}

// valid is a text as a column holds it: what is not UTF-8 is U+FFFD.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
