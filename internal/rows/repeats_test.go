package rows

import (
	"fmt"
	"strings"
	"testing"

	"rawlogs/internal/rawlog"
)

// A text whose first rows come once more is one that is in its file twice; single rows
// may repeat. An id of all rows identifies none.
func TestRepeats(t *testing.T) {
	t.Parallel()
	many := func(n int, id string) []string {
		return strings.Split(strings.TrimSuffix(strings.Repeat(id+"\n", n), "\n"), "\n")
	}
	var unlike []string
	for i := range 300 {
		unlike = append(unlike, fmt.Sprintf("102%06x", i))
	}
	twice := func(ids []string, more ...string) []string {
		return append(append(append([]string(nil), ids...), ids...), more...)
	}
	for _, c := range []struct {
		name  string
		ids   []string
		again uint64
		one   string
	}{
		{"none", nil, 0, ""},
		{"one row", []string{"a"}, 0, ""},
		{"one row twice", []string{"a", "a"}, 0, ""},
		{"two rows twice", []string{"a", "b", "a", "b"}, 4, ""},
		{"two rows, another order", []string{"a", "b", "b", "a"}, 0, ""},
		{"three rows twice", twice([]string{"a", "b", "c"}), 5, ""},
		{"many rows twice", twice(unlike), 302, ""},
		{"a part and all", twice(unlike[:150], unlike[150:]...), 152, ""},
		{"all and a part", append(twice(unlike[:0], unlike...), unlike[:3]...), 302, ""},
		{"all and two rows", append(twice(unlike[:0], unlike...), unlike[:2]...), 0, ""},
		{"the first row now and then", []string{"a", "b", "a", "c", "a", "a", "b", "d"}, 0, ""},
		{"a false start, then once more", []string{"a", "b", "c", "a", "b", "a", "b", "c"}, 7, ""},
		{"an empty id in between", []string{"a", "b", "c", "a", "", "b", "c"}, 0, ""},
		{"no ids", many(30, `""`), 0, ""},
		{"no id but the first", append([]string{"a"}, many(30, `""`)...), 0, ""},
		{"one id", many(12, "1.00E+31"), 0, "1.00E+31"},
		{"one id of a few", many(9, "1.00E+31"), 0, ""},
		{"one id of nearly all", append(many(12, "a"), "b"), 0, ""},
		{"a long one", many(400, strings.Repeat("x", 90)), 0, strings.Repeat("x", mostShown)},
		{"with quotes", many(10, `"a""b"`), 0, `a""b`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text := "offer_id,transaction_id\n"
			for i, id := range c.ids {
				text += fmt.Sprintf("%d,%s\n", i, id)
			}
			for _, typ := range rawlog.Types() {
				table := testTable("transaction_id String", "offer_id UInt32")
				table.Name = string(typ)
				r := newReading(t, table, Config{})
				for _, m := range modes() {
					got := r.read(t, m, []byte(text))
					again, one := c.again, c.one
					if typ == rawlog.Conversions {
						again, one = 0, ""
					}
					if got.Counts.Again != again || got.Counts.OneID != one {
						t.Errorf("%s, %s: once more on line %d, one id %q; want %d, %q", typ, m.name, got.Counts.Again, got.Counts.OneID, again, one)
					}
				}
			}
		})
	}
}
