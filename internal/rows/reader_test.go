package rows

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rawlogs/internal/parse/csv"
	"rawlogs/internal/rawlog"
)

func TestReader(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		columns  []string
		text     string
		rows     []string
		rejected []string
		err      string
		lines    uint64
	}{
		{name: "empty", columns: []string{"a String"}, text: "", err: csv.ErrEmpty.Error()},
		{name: "byte order mark only", columns: []string{"a String"}, text: "\xef\xbb\xbf", err: csv.ErrEmpty.Error()},
		{name: "blank lines only", columns: []string{"a String"}, text: "\n\r\n\n\r", err: csv.ErrEmpty.Error()},
		{name: "NULs only", columns: []string{"a String"}, text: strings.Repeat("\x00", 500),
			err: `line 1: header: its one name, "` + strings.Repeat(`\x00`, 40) + `", is not a column of clicks: is the header missing?; there are NUL bytes in it: is it UTF-16, or a file with a hole?`},
		{name: "UTF-16", columns: []string{"a String"}, text: "\xff\xfea\x00,\x00b\x00\n\x001\x00",
			err: `line 1: header: none of its 2 names, the first of them "\xff\xfea\x00", is a column of clicks: is the header missing?; the text is UTF-16: convert it to UTF-8`},
		{name: "HTML", columns: []string{"a String"}, text: "<!DOCTYPE html>\n<html>a,b\n",
			err: `line 1: header: its one name, "<!DOCTYPE html>", is not a column of clicks: is the header missing?; the text looks like a page of HTML or XML: it begins with "<!DOCTYPE html>\n<html>a,b\n"`},
		{name: "JSON", columns: []string{"a String"}, text: `{"response":{"status":-1},"a":1}`,
			err: `line 1: header: quote in a bare field; the text looks like JSON: it begins with "{\"response\":{\"status\":-1},\"a\":1}"`},
		{name: "carriage returns alone", columns: []string{"a String", "n UInt32"}, text: "\r\ra,n\rx,1\r\r\"y\rz\nw\",2\rshort\rv,3",
			rows:     []string{`a="x" n=1 _line=4`, `a="y\rz\nw" n=2 _line=6`, `a="v" n=3 _line=9`},
			rejected: []string{"8 wrong number of fields: short"}},
		{name: "carriage returns alone, quoted", columns: []string{"a String", "n UInt32"}, text: "\"a\",\"n\"\r\"x\",\"1\"\r\"\",\"2\"\r",
			rows: []string{`a="x" n=1 _line=2`, `a="" n=2 _line=3`}},
		{name: "a carriage return alone after the header", columns: []string{"a String", "n UInt32"}, text: "a,n\rx,1\ny,2\n",
			err: "line 1: header: it ends in a carriage return alone, and later lines in a line feed: one of the two must end every line"},
		{name: "a carriage return within the header", columns: []string{"a String", "n UInt32"}, text: "a\rb,n\nx,1\n",
			err: "line 1: header: it ends in a carriage return alone, and later lines in a line feed: one of the two must end every line"},
		{name: "LF CR", columns: []string{"a String", "n UInt32"}, text: "a,n\n\rx,1\n\ry,2\n\r",
			err: "line 1: header: it ends in a line feed and a carriage return, in that order, which no reader takes for one line end: write CR LF or LF"},
		{name: "a blank line that ends in CR LF below the header", columns: []string{"a String"}, text: "a\n\r\nx\n", rows: []string{`a="x" _line=3`}},
		{name: "header only, with a carriage return", columns: []string{"a String"}, text: "a\r", lines: 1},
		{name: "CR CR LF", columns: []string{"a String", "n UInt32"}, text: "a,n\r\r\nx,1\r\r\n\r\r\n\"y\r\r\n\",\"2\"\r\r\nshort\r\r\nz,\r\nw,4\r\r",
			rows:     []string{`a="x" n=1 _line=2`, `a="y\r\r\n" n=2 _line=4`, `a="z" n=0 _line=7`, `a="w" n=4 _line=8`},
			rejected: []string{"6 wrong number of fields: short"}},
		{name: "CR CR LF below a header that ends in LF", columns: []string{"a String", "b String"}, text: "a,b\nx,1\r\r\n\r\r\n\"y\",\"2\"\r\r\nz,\r\r\n",
			rows: []string{`a="x" b="1" _line=2`, `a="y" b="2" _line=4`, `a="z" b="" _line=5`}},
		{name: "header only", columns: []string{"a String"}, text: "a\n", lines: 1},
		{name: "header without a line end", columns: []string{"a String"}, text: "a", lines: 1},
		{name: "by name", columns: []string{"a String", "n UInt32"}, text: "n,a\n1,\"x\"\n2,y\n",
			rows: []string{`a="x" n=1 _line=2`, `a="y" n=2 _line=3`}},
		{name: "quoted header, BOM, CRLF, no final line end", columns: []string{"a String", "n UInt32"},
			text: "\xef\xbb\xbf\"a\",\"n\"\r\n\"x\",1\r\n\"y\",2",
			rows: []string{`a="x" n=1 _line=2`, `a="y" n=2 _line=3`}},
		{name: "half a line end at the end", columns: []string{"a String", "n UInt32"}, text: "a,n\nx,1\ny,2\r",
			rows: []string{`a="x" n=1 _line=2`, `a="y" n=2 _line=3`}},
		{name: "half a line end after a quote at the end", columns: []string{"n UInt32", "a String"}, text: "n,a\n1,\"\"\r",
			rows: []string{`n=1 a="" _line=2`}},
		{name: "empty last field", columns: []string{"a String", "n UInt32"}, text: "a,n\nx,\ny,",
			rows: []string{`a="x" n=0 _line=2`, `a="y" n=0 _line=3`}},
		{name: "blank lines between", columns: []string{"a String"}, text: "\n\na\n\nx\n\r\n\ny\n\n",
			rows: []string{`a="x" _line=5`, `a="y" _line=8`}},
		{name: "doubled quotes", columns: []string{"a String", "b LowCardinality(String)", "n UInt32"},
			text: "a,b,n\n\"say \"\"hi\"\"\",\"\"\"\",\"1\"\n\"\"\"\",\"say \"\"hello\"\", then go\",\"\"\"1\"\n",
			rows: []string{`a="say \"hi\"" b="\"" n=1 _line=2`, `a="\"" b="say \"hello\", then go" n=0 _line=3 n~"\"1"`}},
		{name: "line breaks in quotes", columns: []string{"a String", "n UInt32"},
			text: "a,n\n\"x\ny\",1\n\"z\r\n\",2\nw,3\n",
			rows: []string{`a="x\ny" n=1 _line=2`, `a="z\r\n" n=2 _line=4`, `a="w" n=3 _line=6`}},
		{name: "NUL", columns: []string{"a String", "n UInt32"}, text: "a,n\n\"x\x00y\",\x00\n",
			rows: []string{`a="x\x00y" n=0 _line=2 n~"\x00"`}},
		{name: "not UTF-8", columns: []string{"a String", "b LowCardinality(String)"}, text: "a,b\n\xff,ok\nok,\xc3\n",
			rows: []string{`a="�" b="ok" _line=2 a#hex~"FF"`, `a="ok" b="�" _line=3 b#hex~"C3"`}},
		{name: "unknown columns", columns: []string{"n UInt32"}, text: "x,n,y\n1,2,3\n,4,\n\"\",5,\"6\"\n",
			rows: []string{`n=2 _line=2 x~"1" y~"3"`, `n=4 _line=3`, `n=5 _line=4 y~"6"`}},
		{name: "rescued in the header's order", columns: []string{"n UInt32", "m UInt32"}, text: "m,x,n\n-1,b,c\n",
			rows: []string{`n=0 m=0 _line=2 m~"-1" x~"b" n~"c"`}},
		{name: "repeated names", columns: []string{"a String"}, text: "a,a,b,b,a\n1,2,3,4,5\n",
			rows: []string{`a="1" _line=2 a#2~"2" b~"3" b#2~"4" a#3~"5"`}},
		{name: "spelling variants", columns: []string{"u_1 String", "u2 String", "u_3 String"},
			text: "u1,u_2,u_3,u3\na,b,c,d\n",
			rows: []string{`u_1="a" u2="b" u_3="c" _line=2 u3~"d"`}},
		{name: "reserved names", columns: []string{"a String"}, text: "_line,network,a,_loaded_at,_rescued\n7,n,x,now,r\n",
			rows: []string{`a="x" _line=2 _line~"7" network~"n" _loaded_at~"now" _rescued~"r"`}},
		{name: "missing columns", columns: []string{"a String", "n UInt32", "d UInt8 DEFAULT"}, text: "a\nx\n",
			rows: []string{`a="x" n=0 _line=2`}},
		{name: "header repeated", columns: []string{"a String", "n UInt32"}, text: "a,n\nx,1\na,n\ny,2\n\"a\",\"n\"\na,m\n",
			rows:     []string{`a="x" n=1 _line=2`, `a="y" n=2 _line=4`, `a="a" n=0 _line=6 n~"m"`},
			rejected: []string{"3 the header again: a,n", "5 the header again: \"a\",\"n\""}},
		{name: "short and long", columns: []string{"a String", "n UInt32"}, text: "a,n\nx\nx,1\nx,1,2\ny,2\nx,1,\n",
			rows:     []string{`a="x" n=1 _line=3`, `a="y" n=2 _line=5`},
			rejected: []string{"2 wrong number of fields: x", "4 wrong number of fields: x,1,2", "6 wrong number of fields: x,1,"}},
		{name: "stray opening quote", columns: []string{"a String", "n UInt32"}, text: "a,n\nx,1\n\"y,2\n\"z\",3\nw,4\n",
			rows:     []string{`a="x" n=1 _line=2`, `a="z" n=3 _line=4`, `a="w" n=4 _line=5`},
			rejected: []string{"3 text after a closing quote: \"y,2"}},
		{name: "stray quote without another", columns: []string{"a String", "n UInt32"}, text: "a,n\n\"y,2\nz,3\nw,4\n",
			rows:     []string{`a="z" n=3 _line=3`, `a="w" n=4 _line=4`},
			rejected: []string{"2 quotes that do not close: \"y,2"}},
		{name: "quote that opens at a line's end", columns: []string{"a String", "b String"}, text: "a,b\nx,\"\n\"y\",z\nv,w\n",
			rows:     []string{`a="y" b="z" _line=3`, `a="v" b="w" _line=4`},
			rejected: []string{"2 text after a closing quote: x,\""}},
		{name: "wrong number of fields over two lines", columns: []string{"a String", "b String"}, text: "a,b\n\"x\ny\"\n1,2\n",
			rows:     []string{`a="1" b="2" _line=4`},
			rejected: []string{"2 wrong number of fields: \"x", "3 quote in a bare field: y\""}},
		{name: "text after a closing quote", columns: []string{"a String", "b String"}, text: "a,b\n\"x\"y,z\n\"x\" ,z\n1,2\n",
			rows:     []string{`a="1" b="2" _line=4`},
			rejected: []string{"2 text after a closing quote: \"x\"y,z", "3 text after a closing quote: \"x\" ,z"}},
		{name: "quote in a bare field", columns: []string{"a String", "b String"}, text: "a,b\nx\"y,z\r\n1,2\n",
			rows:     []string{`a="1" b="2" _line=3`},
			rejected: []string{"2 quote in a bare field: x\"y,z"}},
		{name: "all rejected", columns: []string{"a String", "b String"}, text: "a,b\nx\n\ny",
			rejected: []string{"2 wrong number of fields: x", "4 wrong number of fields: y"}},
		{name: "another order in mid-text", columns: []string{"a String", "n UInt32", "m UInt32"}, text: "a,n,m\nx,1,2\na,m,n\ny,3,4\nM,\"A\",N\n5,z,6\n",
			rows:     []string{`a="x" n=1 m=2 _line=2`, `a="y" n=4 m=3 _line=4`, `a="z" n=6 m=5 _line=6`},
			rejected: []string{"3 another header, by which the lines after it are read: a,m,n", "5 another header, by which the lines after it are read: M,\"A\",N"}},
		{name: "another width in mid-text", columns: []string{"a String", "n UInt32", "m UInt32"}, text: "a,n\r\nx,1\r\na,payout,n,m\r\nn,a,m\r\n3,y,4\r\na,n\r\nz,5",
			rows: []string{`a="x" n=1 m=0 _line=2`, `a="y" n=3 m=4 _line=5`, `a="z" n=5 m=0 _line=7`},
			rejected: []string{"3 wrong number of fields: a,payout,n,m", "4 another header, by which the lines after it are read: n,a,m",
				"6 another header, by which the lines after it are read: a,n"}},
		{name: "words that are names", columns: []string{"a String", "b String", "c String"}, text: "a,b,c\nb,a,x\nn,a,c\na,a,a\n,,\n",
			rows: []string{`a="b" b="a" c="x" _line=2`, `a="n" b="a" c="c" _line=3`, `a="a" b="a" c="a" _line=4`, `a="" b="" c="" _line=5`}},
		{name: "another header that has a default", columns: []string{"a String", "n UInt32", "d UInt32 DEFAULT"}, text: "a,n\nx,1\na,d\ny,2\n",
			rows:     []string{`a="x" n=1 _line=2`},
			rejected: []string{"3 another header, by which the lines after it are read: a,d"},
			err:      "line 3: header: another header in mid-text, which has or lacks a column with a DEFAULT expression that the first lacks or has: cut the file in two"},
		{name: "no header", columns: []string{"a String", "b UInt8"}, text: "x,1\ny,2\n", err: `line 1: header: none of its 2 names, the first of them "x", is a column of clicks: is the header missing?`},
		{name: "malformed header", columns: []string{"a String"}, text: "a\"b\nx\n", err: "line 1: header: quote in a bare field"},
		{name: "header that does not close", columns: []string{"a String"}, text: "\n\"a\nx\n", err: "line 2: header: quotes that do not close"},
		{name: "line break in the header", columns: []string{"a String"}, text: "\"b\nc\",a\n1,2\n",
			rows: []string{"a=\"2\" _line=3 b\nc~\"1\""}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := newReading(t, testTable(tc.columns...), Config{})
			for _, m := range modes() {
				for range 2 {
					got := r.read(t, m, []byte(tc.text))
					if diff := cmp.Diff(tc.rows, got.Rows); diff != "" {
						t.Errorf("%s: rows (-want +got):\n%s", m.name, diff)
					}
					if diff := cmp.Diff(tc.rejected, got.Rejected); diff != "" {
						t.Errorf("%s: rejected (-want +got):\n%s", m.name, diff)
					}
					if got.Err != tc.err {
						t.Errorf("%s: error %q, want %q", m.name, got.Err, tc.err)
					}
					lines := tc.lines
					if n := len(tc.rows) + len(tc.rejected); n > 0 {
						lines = uint64(1 + n)
					}
					if c := got.Counts; c.Lines != lines || c.Rows != uint64(len(tc.rows)) || c.Rejected != uint64(len(tc.rejected)) {
						t.Errorf("%s: counts %+v, want %d lines", m.name, c, lines)
					}
				}
			}
		})
	}
}

func TestReaderTimes(t *testing.T) {
	t.Parallel()
	zone := func(name string) *time.Location {
		z, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		return z
	}
	for _, tc := range []struct {
		name        string
		zone        *time.Location
		text        string
		first, last string
		out         uint64
		shift       time.Duration
	}{
		{"in its hour", nil, "2016-09-09 09:00:00\n2016-09-09 09:59:59\n", "09:00:00", "09:59:59", 0, 0},
		{"none", nil, "\"\"\nx\n", "", "", 0, 0},
		{"two hours late", nil, "2016-09-09 11:00:01\n2016-09-09 11:30:00\n2016-09-09 11:30:00\n2016-09-09 09:30:00\n", "09:30:00", "11:30:00", 3, 2 * time.Hour},
		{"no majority", nil, "2016-09-09 11:00:01\n2016-09-09 12:30:00\n2016-09-09 09:30:00\n", "09:30:00", "12:30:00", 2, 0},
		{"zone set", zone("Europe/Prague"), "2016-09-09 11:00:01\n2016-09-09 11:30:00\n", "09:00:01", "09:30:00", 0, 0},
		{"zone set but UTC meant", zone("Europe/Prague"), "2016-09-09 09:00:01\n2016-09-09 09:30:00\n", "07:00:01", "07:30:00", 2, -2 * time.Hour},
		{"written in India", nil, "2016-09-09 14:31:00\n2016-09-09 14:59:00\n2016-09-09 15:01:00\n2016-09-09 15:29:00\n", "14:31:00", "15:29:00", 4, 5*time.Hour + 30*time.Minute},
		{"written in Newfoundland", nil, "2016-09-09 06:31:00\n2016-09-09 06:45:00\n2016-09-09 07:10:00\n2016-09-09 07:29:00\n", "06:31:00", "07:29:00", 4, -2*time.Hour - 30*time.Minute},
		{"written in Nepal", nil, "2016-09-09 14:46:00\n2016-09-09 15:05:00\n2016-09-09 15:20:00\n2016-09-09 15:40:00\n", "14:46:00", "15:40:00", 4, 5*time.Hour + 45*time.Minute},
		{"of the day before", nil, "2016-09-08 09:10:00\n2016-09-08 09:20:00\n", "09:10:00", "09:20:00", 2, -24 * time.Hour},
		{"of another year", nil, "2015-09-09 09:10:00\n2015-09-09 09:20:00\n", "09:10:00", "09:20:00", 2, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := newReading(t, testTable("datetime DateTime('UTC')"), Config{Zones: rawlog.InZone(tc.zone)})
			for _, m := range modes() {
				c := r.read(t, m, []byte("datetime\n"+tc.text)).Counts
				clock := func(x time.Time) string {
					if x.IsZero() {
						return ""
					}
					return x.Format(time.TimeOnly)
				}
				if clock(c.First) != tc.first || clock(c.Last) != tc.last || c.OutOfHour != tc.out || c.Shift != tc.shift {
					t.Errorf("%s: got %+v", m.name, c)
				}
			}
		})
	}
}

func TestReaderLongLines(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("0123456789", 300_000) // 3 MB
	text := "a,n\nx,1\n" + long + ",2\r\ny,3\n\"" + long + "\nz,4\n" + long
	r := newReading(t, testTable("a String", "n UInt32"), Config{MaxLine: 2 << 20})
	for _, m := range modes() {
		got := r.read(t, m, []byte(text))
		want := []string{`a="x" n=1 _line=2`, `a="y" n=3 _line=4`, `a="z" n=4 _line=6`}
		if diff := cmp.Diff(want, got.Rows); diff != "" {
			t.Errorf("%s: rows (-want +got):\n%s", m.name, diff)
		}
		why := "longer than the longest allowed record: "
		rejected := []string{"3 " + why + long + ",2", "5 " + why + "\"" + long, "7 " + why + long}
		if diff := cmp.Diff(rejected, got.Rejected); diff != "" {
			t.Errorf("%s: rejected (-want +got):\n%.200s", m.name, diff)
		}
		for _, x := range r.rejected {
			if len(x.Raw) > csv.PieceBytes {
				t.Errorf("%s: line %d has a piece of %d bytes", m.name, x.Line, len(x.Raw))
			}
		}
		if c := got.Counts; c.Rejected != 3 || c.Lines != 7 {
			t.Errorf("%s: counts %+v", m.name, c)
		}
		if n := r.rd.csv.Held(); n > 3<<20 {
			t.Errorf("%s: the window grew to %d bytes", m.name, n)
		}
	}
}

// A line feed far behind carriage returns costs its line.
func TestReaderMixedEnds(t *testing.T) {
	t.Parallel()
	const rows = 50
	long := strings.Repeat("x", csv.Window/rows)
	r := newReading(t, testTable("a String", "n UInt32"), Config{})
	for _, m := range modes() {
		got := r.read(t, m, []byte("a,n\r"+strings.Repeat(long+",1\r", rows)+"y,2\ny,3\rz,4\r"))
		rejected := []string{"52 a line feed among lines that end in carriage returns: y,2\ny,3"}
		if diff := cmp.Diff(rejected, got.Rejected); diff != "" || len(got.Rows) != rows+1 || got.Rows[rows] != `a="z" n=4 _line=53` {
			t.Errorf("%s: %d rows, rejected (-want +got):\n%s", m.name, len(got.Rows), diff)
		}
	}
}
