package rows

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// clickColumns are columns of every sort by which a row is told from other lines.
func clickColumns() []string {
	return []string{"transaction_id String", "offer_id UInt32", "affiliate_id UInt32", "datetime DateTime('UTC')", "payout_cents UInt32", "country_code String"}
}

// Another header in mid-text, of another order: rows behind it are read by it, or the text
// fails, and none is read by the order before it.
func TestReaderHeadings(t *testing.T) {
	t.Parallel()
	const (
		h     = "transaction_id,offer_id,affiliate_id,datetime,payout_cents,country_code"
		other = "transaction_id,affiliate_id,offer_id,datetime,payout_cents,country_code"
		again = "the header again: "
		reads = "another header, by which the lines after it are read: "
	)
	lost := func(line int, name, columns string) string {
		return fmt.Sprintf("line %d looks like a header of another layout, in which %q is not the name of a column and none feeds %s: mend the line, or cut the file in two", line, name, columns)
	}
	row := func(head, tail string, ids string) string {
		return head + "a," + ids + ",2016-09-09 09:00:01,5,CZ" + tail + "\n"
	}
	for _, tc := range []struct {
		name       string
		head, tail string // of every row
		first      string // header
		glue       string // what stands before the second one in place of a line end
		second     string
		rejected   string
		err        string
		same       bool // the second has the first's order
		rescued    [2]string
	}{
		{name: "an unknown name, of six", first: h + ",extra_a", second: other + ",extra_b", tail: ",x", rejected: reads + other + ",extra_b", rescued: [2]string{` extra_a~"x"`, ` extra_b~"x"`}},
		{name: "four unknown names, of ten", first: h + ",c1,c2,c3,c4", second: other + ",d1,d2,d3,d4", tail: ",1,,,", rejected: reads + other + ",d1,d2,d3,d4", rescued: [2]string{` c1~"1"`, ` d1~"1"`}},
		{name: "an index without a name", first: "," + h, second: "," + other, head: "7,", rejected: reads + "," + other, rescued: [2]string{` ~"7"`, ` ~"7"`}},
		{name: "a comment's sign", first: h, second: "#" + other, err: lost(3, "#transaction_id", "transaction_id")},
		{name: "a comment's sign, of eight", first: h + ",x,y", second: "#" + other + ",x,y", tail: ",,", err: lost(3, "#transaction_id", "transaction_id")},
		{name: "a comment's sign, in the first's order", first: h, second: "-- " + h, rejected: again + "-- " + h, same: true},
		{name: "a column of another name", first: h, second: strings.Replace(other, "affiliate_id", "publisher", 1), err: lost(3, "publisher", "affiliate_id")},
		{name: "a byte order mark and quotes", first: h, second: "\xef\xbb\xbf\"" + strings.ReplaceAll(other, ",", `","`) + `"`, rejected: reads + "\xef\xbb\xbf\"" + strings.ReplaceAll(other, ",", `","`) + `"`},
		{name: "a byte order mark, in the first's order", first: h, second: "\xef\xbb\xbf" + h, rejected: again + "\xef\xbb\xbf" + h, same: true},
		{name: "a byte order mark before a row", first: h, second: "\xef\xbb\xbf\"b\",17,3,2016-09-09 09:00:02,5,CZ"},
		{name: "in other letters", first: h, second: strings.ToUpper(other), rejected: reads + strings.ToUpper(other)},
		{name: "glued to a row", first: h, glue: "z,17,3,2016-09-09 09:00:02,5,DE", second: other, err: lost(3, "DEtransaction_id", "transaction_id")},
		{name: "glued to a row that was cut", first: h, glue: "z,17", second: other, err: lost(3, "17transaction_id", "transaction_id")},
		{name: "glued to an id that was cut", first: h, glue: "z", second: other, err: lost(3, "ztransaction_id", "transaction_id")},
		{name: "glued to an open quote", first: h, glue: `z,17,3,2016-09-09 09:00:02,5,"D`, second: other, err: lost(3, "Dtransaction_id", "transaction_id")},
		{name: "glued in quotes", first: h, glue: "z,17,3,2016-09-09 09:00:02,5,DE", second: `"` + strings.ReplaceAll(other, ",", `","`) + `"`, err: lost(3, `DE"transaction_id`, "transaction_id")},
		{name: "glued behind an index without a name", first: "," + h, head: "7,", glue: "7,z,17,3,2016-09-09 09:00:02,5,DE", second: "," + other,
			rejected: reads + "7,z,17,3,2016-09-09 09:00:02,5,DE," + other, rescued: [2]string{` ~"7"`, ` DE~"7"`}},
		{name: "glued in the first's order", first: h, glue: "z,17,3,2016-09-09 09:00:02,5,DE", second: h, rejected: "wrong number of fields: z,17,3,2016-09-09 09:00:02,5,DE" + h, same: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			ids := "3,17"
			if tc.same || strings.Contains(tc.second, "17,3") {
				ids = "17,3"
			}
			text := tc.first + "\n" + row(tc.head, tc.tail, "17,3") + tc.glue + tc.second + "\n" + row(tc.head, tc.tail, ids)
			read := func(id string, line int, rescued string) string {
				return fmt.Sprintf(`transaction_id=%q offer_id=17 affiliate_id=3 datetime=2016-09-09T09:00:0%dZ payout_cents=5 country_code="CZ" _line=%d%s`, id, id[0]-'a'+1, line, rescued)
			}
			want := []string{read("a", 2, tc.rescued[0])}
			var rejected []string
			switch {
			case tc.err != "":
				rejected = []string{"3 " + reads + tc.glue + tc.second}
			case tc.rejected != "":
				rejected = []string{"3 " + tc.rejected}
				want = append(want, read("a", 4, tc.rescued[1]))
			default:
				want = append(want, read("b", 3, ""), read("a", 4, ""))
			}
			r := newReading(t, testTable(clickColumns()...), Config{})
			for _, m := range modes() {
				got := r.read(t, m, []byte(text))
				if diff := cmp.Diff(want, got.Rows); diff != "" {
					t.Errorf("%s: rows (-want +got):\n%s", m.name, diff)
				}
				if diff := cmp.Diff(rejected, got.Rejected); diff != "" || got.Err != tc.err {
					t.Errorf("%s: error %q, want %q; rejected (-want +got):\n%s", m.name, got.Err, tc.err, diff)
				}
			}
		})
	}
}

// Values that are names of columns by chance make no header of a row.
func TestReaderNamesAsValues(t *testing.T) {
	t.Parallel()
	r := newReading(t, testTable(clickColumns()...), Config{})
	for _, line := range []string{
		"offer_id,17,3,2016-09-09 09:00:01,5,affiliate_id",
		"transaction_id,17,3,2016-09-09 09:00:01,payout,country_code",
		"offer_id,17,affiliate_id,\"2016-09-09 09:00:01\",5,datetime",
		"a,17,offer_id,0000-00-00 00:00:00,offer_id,datetime",
	} {
		for _, m := range modes() {
			text := "transaction_id,offer_id,affiliate_id,datetime,payout_cents,country_code\n" + line + "\n"
			if got := r.read(t, m, []byte(text)); len(got.Rows) != 1 || got.Rejected != nil || got.Err != "" {
				t.Errorf("%s, %s: %q, rejected %q, %s", line, m.name, got.Rows, got.Rejected, got.Err)
			}
		}
	}
}
