package rows

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// FuzzDifferential reads any bytes below a header of text columns, and compares every
// value, every line number and every rejected line with encoding/csv and two rules on
// top: a record that is malformed or of another width costs its first line, and so does
// one of which a field, k of four, has 3-k commas before its first line break, k behind its
// last, and 3 in three quarters of the lines between them. A byte order mark before a
// record's first field is not part of it.
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
	f.Add([]byte("1,2,3,4\n\"x\ny\",\"say \"\"hi\"\"\",,\n\n\"open,5,6,\n7,8,9,\n\"\",,\"\",\nx\"y,1,2,\n\"x\"y,1,2,\n1,2\n1,2,3,4,5\n\xff,\x00,\\N,\n \"a\" ,b, ,\nlast,one,\"\","))
	f.Add([]byte("1,\"x,3,4\n5,6,7,8\n,,\n9,y\",10,11\n\"1,2,3,4\n\n\"\",6,7,8\n9\",10,11,12\n\"a,b\n\",\"c\n,d\",\"e,\nf,g\",h\n"))
	f.Add([]byte("\xef\xbb\xbf\"1\",2,3,\n\xef\xbb\xbf\n\xef\xbb\xbf5,6\n\xef\xbb\xbf,\xef\xbb\xbf,7,8\n\xef\xbb\xbf"))
	f.Add([]byte(",\",,\n,\",,"))
	f.Add([]byte("\"a\n\"b\n\"c\nd,e,f,g\n\"\"\"\",\"\n\",\",\",\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		if bytes.IndexByte(body, '\r') >= 0 || bytes.Contains(body, []byte(`\"`)) {
			return
		}
		wantRows, wantRejected := split(body)
		if len(wantRows) > 900 {
			return
		}
		r := newReading(t, testTable("a String", "b String", "c LowCardinality(String)", "d String"), Config{})
		for _, m := range modes() {
			got := r.read(t, m, append([]byte("a,b,c,d\n"), body...))
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

// split reads records of four fields below a header, as decode shows them, and the
// lines that are none.
func split(body []byte) (rows, rejected []string) {
	for line := 2; len(body) > 0; {
		if body[0] == '\n' { // a blank line is none
			body = body[1:]
			line++
			continue
		}
		mark := 0
		if rest, ok := bytes.CutPrefix(body, []byte("\xef\xbb\xbf")); ok && len(rest) > 0 && rest[0] != '\n' {
			mark = 3
		}
		reader := csv.NewReader(bytes.NewReader(body[mark:]))
		reader.FieldsPerRecord = -1
		fields, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return rows, rejected
		}
		if err != nil || len(fields) != 4 || slices.ContainsFunc([]int{0, 1, 2, 3}, func(k int) bool { return torn(fields[k], k) }) {
			first, rest, _ := bytes.Cut(body, []byte("\n"))
			rejected = append(rejected, fmt.Sprintf("%d %s", line, first))
			body = rest
			line++
			continue
		}
		row := fmt.Sprintf("a=%q b=%q c=%q d=%q _line=%d", valid(fields[0]), valid(fields[1]), valid(fields[2]), valid(fields[3]), line)
		for i, v := range fields {
			if !utf8.ValidString(v) {
				row += fmt.Sprintf(" %s#hex~\"%X\"", "abcd"[i:i+1], v)
			}
		}
		rows = append(rows, row)
		end := int64(mark) + reader.InputOffset()
		line += bytes.Count(body[:end], []byte("\n"))
		body = body[end:]
	}
	return rows, rejected
}

// torn reports whether field k of four is other records.
func torn(field string, k int) bool {
	commas := func(s string) int { return strings.Count(s, ",") }
	lines := strings.Split(field, "\n")
	last := len(lines) - 1
	if last == 0 || commas(lines[0]) != 3-k || commas(lines[last]) != k {
		return false
	}
	inner := slices.DeleteFunc(lines[1:last], func(s string) bool { return s == "" })
	broken := 0
	for _, s := range inner {
		if commas(s) != 3 {
			broken++
		}
	}
	return 4*broken <= len(inner)
}

// valid is a text as a column holds it: what is not UTF-8 is U+FFFD.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
