package rows

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	cutter "rawlogs/internal/parse/csv"
)

// FuzzReader checks on any text that all ways of reading it agree, that every
// line is accounted for, and that encoding/csv reads the same out of a text
// that it can read.
func FuzzReader(f *testing.F) {
	for _, name := range seeds(f) {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("a,n,l\n\"x\ny\",1,\"\"\n\"\"\"\",,z\nx"))
	f.Add([]byte("a,n\rx,1\r\"y\r\",2\r\nz,3\r"))
	f.Add([]byte("a,n\r\r\nx,1\r\r\n\"y\"\r\r\n\r\r\n,2\r\r"))
	// Dialects: quotes escaped by a backslash, headers in mid-text, blanks around quotes,
	// quotes in mid-field, NUL, a byte order mark, blank lines, no final line end.
	f.Add([]byte("a,n\n\"x \\\"y\\\"\",1\n\"\\\"\n2,3\nz\",4\n\"C:\\\",5\n"))
	f.Add([]byte("a,n,l\n1,2,\"x \\\"\n3,4,5\n\"\n6,7,\"C:\\\"\n"))
	f.Add([]byte("a,n\nx,1\nn,a\n2,y\na,n,l\nz,3,w\nl,payout\nv,1\n"))
	f.Add([]byte("\xef\xbb\xbfa,n\n\n \"x\" ,1\n\"x\"\" y\",2\nx\"y,3\n\x00,4\n\"\n\n\",5\n\n6,7"))
	f.Add([]byte("\r\r"))
	f.Add([]byte("a,datetime,offer_id\nx,2016-09-09 09:00:01,1\nTotal,,\n\"x\n1,2,3\",1970-01-01,0\n,,\n---,---,---\ny,0,7\n"))
	f.Add([]byte("n,a,datetime\n1,x,2016-09-09 09:00:01\n\xef\xbb\xbf\"n\",\"datetime\",\"a\"\n1,2016-09-09 09:00:01,x\n2,2016-09-09 09:00:01,yn,a,datetime\n3,z,\n"))
	f.Add([]byte("a,n\r\n\"y,2\r\n\"z\",3\r\n\r\n\r"))
	f.Add([]byte("A ,\x000"))
	f.Add([]byte("0\r,a"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r := newReading(t, testTable("a String", "n UInt32", "l LowCardinality(String)", "datetime DateTime", "offer_id UInt32"), Config{MaxLine: 200})
		var first result
		for i, m := range modes() {
			got := r.read(t, m, text)
			if i == 0 {
				first = got
			} else if diff := cmp.Diff(first, got); diff != "" {
				t.Fatalf("%s reads otherwise (-bytes +it):\n%s", m.name, diff)
			}
		}
		c := first.Counts
		if first.Err == "" && c.Lines != 1+c.Rows+c.Rejected || c.Rows != uint64(len(first.Rows)) || c.Rejected != uint64(len(first.Rejected)) {
			t.Fatalf("counts %+v, %d rows, %d rejected, %s", c, len(first.Rows), len(first.Rejected), first.Err)
		}
		for _, x := range r.rejected {
			if !bytes.Contains(text, x.Raw) {
				t.Fatalf("rejected %q, which is not in the text", x.Raw)
			}
		}
		against(t, text, first)
	})
}

// against compares with encoding/csv where that reads the whole text.
func against(t *testing.T, text []byte, got result) {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	oracle := csv.NewReader(bytes.NewReader(text))
	records, err := oracle.ReadAll() // wants as many fields everywhere as in the first record
	if err != nil || len(records) == 0 || len(text) > 200 {
		return
	}
	known := func(name string) bool { return slices.Contains([]string{"a", "n", "l", "datetime", "offer_id"}, name) }
	// By a carriage return alone, the header is shorter than encoding/csv has it.
	short := bytes.Count(text, []byte("\r")) > bytes.Count(text, []byte("\r\n"))
	if strings.Contains(got.Err, "is the header missing?") && (short || !slices.ContainsFunc(records[0], known)) {
		return
	}
	if strings.Contains(got.Err, "carriage return alone") || strings.Contains(got.Err, "in that order") || len(bytes.Trim(text, "\r\n")) == 0 { // to encoding/csv, it is a letter like others
		return
	}
	binary := func(name string) bool { return strings.ContainsRune(name, 0) || strings.Contains(name, "PK\x03\x04") }
	if strings.Contains(got.Err, "it holds bytes that are not text") && slices.ContainsFunc(records[0], binary) {
		return
	}
	if strings.Contains(got.Err, "looks like a header of another layout") { // see csv.Cutter
		return
	}
	if got.Err != "" {
		t.Fatalf("encoding/csv reads this: %s", got.Err)
	}
	header := fmt.Sprintf("%q", records[0])
	rows := 0
	for _, rec := range records[1:] {
		rec[0] = strings.TrimPrefix(rec[0], "\xef\xbb\xbf") // of a text that was put behind another
		if fmt.Sprintf("%q", rec) != header {
			rows++
		}
	}
	// A header in mid-text, records that are not rows, and quotes that a backslash escapes:
	// see csv.Cutter.
	if slices.ContainsFunc(got.Rejected, func(s string) bool {
		return strings.Contains(s, " another header, ") || strings.Contains(s, " neither a time nor an id")
	}) || got.Counts.Escaped > 0 {
		return
	}
	// A carriage return is where the two differ on purpose: encoding/csv takes
	// it out of quoted line ends, and so may see the header where it is not.
	if bytes.IndexByte(text, '\r') < 0 && rows != len(got.Rows) {
		t.Fatalf("encoding/csv finds %d rows: %q\ngot %q", rows, records, got.Rows)
	}
}

// FuzzRecords writes records with encoding/csv and by quoting everything, and
// expects every field back.
func FuzzRecords(f *testing.F) {
	f.Add("x", "1", "say \"hi\"", "a\nb")
	f.Add("", "00000000012", "\xff", ",")
	f.Add(strings.Repeat("long ", 40), "4294967296", "\r\n", "\"")
	f.Fuzz(func(t *testing.T, a, b, c, d string) {
		fields := []string{a, b, c, d, "end", "0"}
		if strings.ContainsRune(a+b+c+d, '\r') { // encoding/csv's writer changes them
			return
		}
		var text bytes.Buffer
		w := csv.NewWriter(&text)
		_ = w.Write([]string{"a", "b", "c", "d", "e", "nothing"})
		_ = w.Write(fields)
		w.Flush()
		for i, v := range fields {
			if i > 0 {
				text.WriteByte(',')
			}
			text.WriteString(`"` + strings.ReplaceAll(v, `"`, `""`) + `"`)
		}
		r := newReading(t, testTable("nothing UInt8"), Config{})
		var want []string
		for i, v := range fields[:5] {
			if v != "" {
				want = append(want, fmt.Sprintf("%s~%q", "abcde"[i:i+1], strings.ToValidUTF8(v, "\uFFFD")))
				if !utf8.ValidString(v) {
					want = append(want, fmt.Sprintf("%s#hex~\"%X\"", "abcde"[i:i+1], v))
				}
			}
		}
		for _, m := range modes() {
			got := r.read(t, m, text.Bytes())
			if len(got.Rows) != 2 || got.Err != "" {
				t.Fatalf("%s: got %q, rejected %q, %s", m.name, got.Rows, got.Rejected, got.Err)
			}
			for i, row := range got.Rows {
				line := 2 + i*(1+strings.Count(strings.Join(fields, ""), "\n"))
				if full := fmt.Sprintf("nothing=0 _line=%d %s", line, strings.Join(want, " ")); row != full {
					t.Fatalf("%s: got %q, want %q", m.name, row, full)
				}
			}
		}
	})
}

func seeds(t testing.TB) []string {
	t.Helper()
	names, err := filepath.Glob("testdata/*.csv")
	if err != nil || len(names) == 0 {
		t.Fatalf("no seeds in testdata: %v", err)
	}
	return names
}

// TestLinear counts the bytes that reading looks at, on texts that are made to
// be read again and again: each line opens a quote that the next one closes,
// or that nothing closes.
func TestLinear(t *testing.T) {
	t.Parallel()
	const lines = 4000
	texts := map[string]string{
		"one open quote":      "a,b\n\"x\n" + strings.Repeat("1,2\n", lines),
		"every line opens":    "a,b\n" + strings.Repeat("\"x,1\n", lines),
		"opens at the end":    "a,b\n" + strings.Repeat("x,\"\n", lines),
		"closes and opens":    "a,b\n" + strings.Repeat("x\",\"y\n", lines),
		"quoted and open":     "a,b\n" + strings.Repeat("\"x\",\"y\n", lines),
		"doubled":             "a,b\n" + strings.Repeat("\"\"\"\n", lines),
		"open, then doubled":  "a,b\n\"x\n" + strings.Repeat("\"\"\n", lines),
		"open among doubled":  "a,b\n" + strings.Repeat("\"x\n"+strings.Repeat("\"\",\"\"\n", 50), lines/50),
		"too few over lines":  "a,b\n" + strings.Repeat("\"x\n\"\n", lines),
		"too many over lines": "a,b\n" + strings.Repeat("\"x\n\",\"\n\",\"\n\"\n", lines),
		"swallowing":          "a,b,c,d\n" + strings.Repeat("\"x,1,2,3\ny\",1,2,3\n", lines),
		"swallowing, nested":  "a,b,c,d\n" + strings.Repeat("x,\"1,2,3\n\"\",\"\",2,3\nx,y\",2,3\n", lines),
		"open, long lines":    "a,b\n" + strings.Repeat("\"x"+strings.Repeat("y", 2000)+"\n"+strings.Repeat("1,2\n", 100), lines/100),
	}
	r := newReading(t, testTable("a String", "b String"), Config{MaxLine: 64 << 10})
	for name, text := range texts {
		for _, m := range modes()[:3:3] {
			r.read(t, m, []byte(text))
			if most := int64(3*len(text) + 4*cutter.Window); r.rd.csv.Scanned() > most {
				t.Errorf("%s, %s: %d bytes of text, %d looked at", name, m.name, len(text), r.rd.csv.Scanned())
			}
		}
	}
}
