package rows

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Two stray quotes in one column, lines apart, cost their own two lines: what is between
// them is rows, and not a text of one row.
func TestReaderStrayPairs(t *testing.T) {
	t.Parallel()
	const stray, bare = " a stray quote before lines that are records by themselves: ", " quote in a bare field: "
	lines := func(n int, change map[int]string) (text []string) {
		for i := range n {
			line := fmt.Sprintf("a%d,b%d,%d,c%d", i+2, i+2, i+2, i+2)
			if s, ok := change[i+2]; ok {
				line = s
			}
			text = append(text, line)
		}
		return text
	}
	for _, tc := range []struct {
		name     string
		lines    []string // the first is line 2
		ends     string
		rows     []int // their lines
		rejected []string
	}{
		{"in the second column, far apart", lines(120, map[int]string{10: `a10,"cheap flights,10,c10`, 90: `a90,hotels",90,c90`}), "\n", nil,
			[]string{"10" + stray + `a10,"cheap flights,10,c10`, "90" + bare + `a90,hotels",90,c90`}},
		{"in the first column, on neighbouring lines", lines(6, map[int]string{4: `"a4,b4,4,c4`, 5: `a5",b5,5,c5`}), "\n", nil,
			[]string{"4" + stray + `"a4,b4,4,c4`, "5" + bare + `a5",b5,5,c5`}},
		{"in the last column, CR LF", lines(8, map[int]string{3: `a3,b3,3,"c3`, 6: `a6,b6,6,c6"`}), "\r\n", nil,
			[]string{"3" + stray + `a3,b3,3,"c3`, "6" + bare + `a6,b6,6,c6"`}},
		{"lines that end in CR alone, empty quotes between", lines(8, map[int]string{3: `a3,"b3,3,c3`, 4: `"",,4,c4`, 7: `a7,b7",7,c7`}), "\r", nil,
			[]string{"3" + stray + `a3,"b3,3,c3`, "7" + bare + `a7,b7",7,c7`}},
		{"a broken and a blank line among them", lines(10, map[int]string{3: `a3,"b3,3,c3`, 5: "short", 8: "", 9: `a9,b9",9,c9`}), "\n", nil,
			[]string{"3" + stray + `a3,"b3,3,c3`, "5 wrong number of fields: short", "9" + bare + `a9,b9",9,c9`}},
		{"two pairs, one beginning where the other ends", lines(9, map[int]string{3: `a3,"b3,3,c3`, 5: `a5,b5",5,"c5`, 8: `a8,b8,8,c8"`}), "\n", nil,
			[]string{"3" + stray + `a3,"b3,3,c3`, "5" + bare + `a5,b5",5,"c5`, "8" + bare + `a8,b8,8,c8"`}},
		{"a quoted comma beside them", lines(6, map[int]string{3: `"a,3","b3,3,c3`, 5: `a5,b5",5,"c,5"`}), "\n", nil,
			[]string{"3" + stray + `"a,3","b3,3,c3`, "5" + bare + `a5,b5",5,"c,5"`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			text := "a,b,n,c" + tc.ends + strings.Join(tc.lines, tc.ends) + tc.ends
			var rows []string
			for i, line := range tc.lines {
				at := fmt.Sprintf("%d ", i+2)
				if line == "" || strings.Contains("\n"+strings.Join(tc.rejected, "\n"), "\n"+at) {
					continue
				}
				f := strings.Split(strings.ReplaceAll(line, `"`, ""), ",")
				rows = append(rows, fmt.Sprintf("a=%q b=%q n=%s c=%q _line=%d", f[0], f[1], f[2], f[3], i+2))
			}
			r := newReading(t, testTable("a String", "b String", "n UInt32", "c String"), Config{})
			for _, m := range modes() {
				got := r.read(t, m, []byte(text))
				if diff := cmp.Diff(rows, got.Rows); diff != "" {
					t.Errorf("%s: rows (-want +got):\n%s", m.name, diff)
				}
				if diff := cmp.Diff(tc.rejected, got.Rejected); diff != "" || got.Err != "" {
					t.Errorf("%s: %s, rejected (-want +got):\n%s", m.name, got.Err, diff)
				}
			}
		})
	}
}

// A text that somebody typed over several lines is one value, with commas in it, too.
func TestReaderLongTexts(t *testing.T) {
	t.Parallel()
	r := newReading(t, testTable("a String", "b String", "n UInt32", "c String"), Config{})
	for _, field := range []string{"x\ny", "x, y,\nz", "x,y,z\nw", "a,b,c,d\ne,f,g,h\ni,j", "x,y\n\n\nz,w", "x,y\nshort\nz,w,v,u\nt"} {
		text := "a,b,n,c\n1,2,3,4\n5,\"" + field + "\",6,7\n8,9,10,11\n"
		want := []string{`a="1" b="2" n=3 c="4" _line=2`, fmt.Sprintf("a=\"5\" b=%q n=6 c=\"7\" _line=3", field),
			fmt.Sprintf(`a="8" b="9" n=10 c="11" _line=%d`, 4+strings.Count(field, "\n"))}
		for _, m := range modes() {
			if got := r.read(t, m, []byte(text)); cmp.Diff(want, got.Rows) != "" || got.Rejected != nil || got.Err != "" {
				t.Errorf("%q, %s: %q, rejected %q, %s", field, m.name, got.Rows, got.Rejected, got.Err)
			}
		}
	}
	// Three columns are too few for the lines' separators to say anything.
	r = newReading(t, testTable("a String", "b String", "c String"), Config{})
	if got := r.read(t, modes()[0], []byte("a,b,c\n\"x,y,z\nw\",1,2\n")); len(got.Rows) != 1 || got.Rejected != nil {
		t.Errorf("three columns: %q, rejected %q", got.Rows, got.Rejected)
	}
}
