package rows

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rawlogs/internal/rawlog"
)

// Texts whose quotes are escaped by a backslash: named line by line where the settings do
// not say so, none of a record's tail becoming a row, and read where they do.
func TestReaderEscapes(t *testing.T) {
	t.Parallel()
	const why = " quotes escaped by a backslash: "
	for _, tc := range []struct {
		name, text        string
		rows, rejected    []string // by RFC 4180
		escaped           uint64
		esRows, esRejects []string // by backslash
	}{
		{"quoted words", "a,n,b\n\"x \\\"y\\\" z\",1,\"w\"\n\"C:\\\\dir\\\\\",2,\"\"\"w\"\"\"\n\"plain\",3,\n",
			[]string{`a="C:\\\\dir\\\\" n=2 b="\"w\"" _line=3`, `a="plain" n=3 b="" _line=4`},
			[]string{"2" + why + `"x \"y\" z",1,"w"`}, 1,
			[]string{`a="x \"y\" z" n=1 b="w" _line=2`, `a="C:\\dir\\" n=2 b="\"w\"" _line=3`, `a="plain" n=3 b="" _line=4`}, nil},
		{"a tail that looks like rows", "a,n,b\n\"x \\\"\n1,2,3\ny\",1,\"w\"\n4,5,6\n",
			[]string{`a="4" n=5 b="6" _line=5`},
			[]string{"2" + why + `"x \"`, "3" + why + "1,2,3", "4" + why + `y",1,"w"`}, 3,
			[]string{`a="x \"\n1,2,3\ny" n=1 b="w" _line=2`, `a="4" n=5 b="6" _line=5`}, nil},
		{"a tail of another width, once the dialect is known", "a,n,b\n\"\\\"\",1,w\n\"x\\\"\n1,2,3\n\",4\n5,6,7\n",
			[]string{`a="5" n=6 b="7" _line=6`},
			[]string{"2" + why + `"\"",1,w`, "3" + why + `"x\"`, "4" + why + "1,2,3", "5" + why + `",4`}, 4,
			[]string{`a="\"" n=1 b="w" _line=2`, `a="1" n=2 b="3" _line=4`, `a="5" n=6 b="7" _line=6`},
			[]string{"3 wrong number of fields: \"x\\\"", "5 quotes that do not close: \",4"}},
		{"a line that ends behind an escaped quote", "a,n,b\n1,2,\"x \\\"\n3,4,5\n\"\n\"y\",6,\"C:\\\"\n\"z\",7,\n",
			[]string{`a="y" n=6 b="C:\\" _line=5`, `a="z" n=7 b="" _line=6`},
			[]string{"2" + why + `1,2,"x \"`, "3" + why + "3,4,5", "4" + why + `"`}, 3,
			[]string{`a="1" n=2 b="x \"\n3,4,5\n" _line=2`, `a="z" n=7 b="" _line=6`}, []string{"5 text after a closing quote: \"y\",6,\"C:\\\""}},
		{"a value that ends in a backslash", "a,n,b\n\"C:\\\",1,\"w\"\n\"y\",2,\n",
			[]string{`a="C:\\" n=1 b="w" _line=2`, `a="y" n=2 b="" _line=3`}, nil, 0,
			[]string{`a="y" n=2 b="" _line=3`}, []string{"2 text after a closing quote: \"C:\\\",1,\"w\""}},
		{"a stray quote is no dialect", "a,n,b\n\"x\"y,1,\"w\"\nz,2,\n",
			[]string{`a="z" n=2 b="" _line=3`}, []string{"2 text after a closing quote: \"x\"y,1,\"w\""}, 0,
			[]string{`a="z" n=2 b="" _line=3`}, []string{"2 text after a closing quote: \"x\"y,1,\"w\""}},
		{"NULL", "a,n,b\n\\N,\\N,\"\\N\"\n", []string{`a="\\N" n=0 b="\\N" _line=2`}, nil, 0, []string{`a="" n=0 b="\\N" _line=2`}, nil},
		{"CR LF", "a,n,b\r\n\"\\\"\",1,\r\n\"\\\\\",2,\"\\\\\\\"\"", []string{}, []string{"2" + why + `"\"",1,`, "3" + why + `"\\",2,"\\\""`}, 2,
			[]string{`a="\"" n=1 b="" _line=2`, `a="\\" n=2 b="\\\"" _line=3`}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, backslash := range []bool{false, true} {
				rows, rejected, escaped := tc.rows, tc.rejected, tc.escaped
				if backslash {
					rows, rejected, escaped = tc.esRows, tc.esRejects, 0
				}
				r := newReading(t, testTable("a String", "n UInt32", "b LowCardinality(String)"), Config{Escapes: rawlog.Escapes{{Backslash: backslash}}})
				for _, m := range modes() {
					got := r.read(t, m, []byte(tc.text))
					if diff := cmp.Diff(strings.Join(rows, "\n"), strings.Join(got.Rows, "\n")); diff != "" {
						t.Errorf("%s, backslash %v: rows (-want +got):\n%s", m.name, backslash, diff)
					}
					if diff := cmp.Diff(strings.Join(rejected, "\n"), strings.Join(got.Rejected, "\n")); diff != "" || got.Err != "" || got.Counts.Escaped != escaped {
						t.Errorf("%s, backslash %v: %s, %d escaped, rejected (-want +got):\n%s", m.name, backslash, got.Err, got.Counts.Escaped, diff)
					}
				}
			}
		})
	}
}
