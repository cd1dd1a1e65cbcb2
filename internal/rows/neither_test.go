package rows

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Lines of the header's width that are not rows: what tools write around a table.
func TestReaderNeither(t *testing.T) {
	t.Parallel()
	const h, why = "transaction_id,offer_id,affiliate_id,datetime,payout_cents,country_code", "neither a time nor an id: a total, a unit or an empty line of a table?: "
	for _, tc := range []struct {
		name, header string // h where empty
		line         string
		lines        int // that it takes, 1 where 0
		row          bool
	}{
		{name: "a total", line: "Total,,,,4900,"},
		{name: "a total, in quotes", line: `"Total (2 rows)","","","","4,900",""`},
		{name: "a total over two lines", line: "\"Total\n17,17,3,2016-09-09 09:00:02,5,CZ\",,,,4900,", lines: 2},
		{name: "ClickHouse's totals", line: `"",0,0,"1970-01-01 00:00:00",4900,""`},
		{name: "a zero time of SQL Server", line: "Sum,0,0,1900-01-01 00:00:00.000,4900,"},
		{name: "MySQL's rollup", line: `\N,\N,\N,0000-00-00 00:00:00,4900,\N`},
		{name: "a count where the time is", line: "Count,,,200,,"},
		{name: "a spreadsheet's empty line", line: ",,,,,"},
		{name: "an empty line in quotes", line: `"","","","","",""`},
		{name: "a line of blanks", line: " , , , , , "},
		{name: "a rule below the header", line: "---,---,---,---,---,---"},
		{name: "a rule of pluses", line: "+---,+---,+---,+---,+---,+"},
		{name: "types", line: `"String","UInt32","UInt32","DateTime","Decimal(18, 4)","String"`},
		{name: "units", line: "id,id,id,UTC,USD cents,"},
		{name: "an error", header: "transaction_id,offer_id,affiliate_id", line: "ERROR: canceling statement due to statement timeout, SQLSTATE 57014, COPY clicks"},
		{name: "a warning", header: "offer_id,affiliate_id", line: "PHP Warning:  Division by zero, in report.php on line 3"},
		{name: "an empty line without a time", header: "transaction_id,offer_id,affiliate_id", line: ",,"},

		{name: "no ids", line: "a,,,2016-09-09 09:00:01,5,CZ", row: true},
		{name: "an id and no time", line: "a,17,,,5,CZ", row: true},
		{name: "an id of one digit, a zero time", line: "a,0,3,0000-00-00 00:00:00,5,CZ", row: true},
		{name: "an id in another spelling", line: "a, +017 ,,,5,CZ", row: true},
		{name: "an id that does not fit", line: `a,"1,234",,09/09/2016,5,CZ`, row: true},
		{name: "a time since 1970", line: "a,,,1473411601,5,CZ", row: true},
		{name: "a time with blanks", line: "a,,, 2016-09-09 09:00:01,5,CZ", row: true},
		{name: "a time of 1999", line: "a,,,1999-12-31 23:59:59,5,CZ", row: true},
		{name: "the second day", line: "a,,,1970-01-02 00:00:00,5,CZ", row: true},
		{name: "a time of the next century", line: "a,,,2106-02-07 06:28:15,5,CZ", row: true},
		{name: "no ids, and no time in the header", header: "transaction_id,offer_id,affiliate_id", line: "a,,", row: true},
		{name: "ids that are words", header: "transaction_id,offer_id,affiliate_id", line: "a,none,unknown", row: true},
		{name: "no ids in the header", header: "transaction_id,datetime,country_code", line: "Total,,", row: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			header, good := tc.header, "a,17,3,2016-09-09 09:00:01,5,CZ"
			if header == "" {
				header = h
			} else {
				good = map[string]string{"transaction_id,offer_id,affiliate_id": "a,17,3", "offer_id,affiliate_id": "17,3", "transaction_id,datetime,country_code": "a,,CZ"}[header]
			}
			text := strings.Join([]string{header, good, tc.line, "", tc.line, good, ""}, "\n")
			lines := max(tc.lines, 1)
			var rejected []string
			rows := []int{2, 4 + 2*lines}
			if tc.row {
				rows = []int{2, 3, 5, 6}
			} else {
				for _, at := range []int{3, 4 + lines} {
					for i, line := range strings.Split(tc.line, "\n") {
						rejected = append(rejected, fmt.Sprintf("%d %s%s", at+i, why, line))
					}
				}
			}
			r := newReading(t, testTable(clickColumns()...), Config{})
			for _, m := range modes() {
				got := r.read(t, m, []byte(text))
				var at []int
				for _, row := range got.Rows {
					_, line, _ := strings.Cut(row, " _line=")
					var n int
					_, _ = fmt.Sscan(line, &n)
					at = append(at, n)
				}
				if diff := cmp.Diff(rows, at); diff != "" {
					t.Errorf("%s: lines of rows (-want +got):\n%s\n%q", m.name, diff, got.Rows)
				}
				if diff := cmp.Diff(rejected, got.Rejected); diff != "" || got.Err != "" {
					t.Errorf("%s: %s, rejected (-want +got):\n%s", m.name, got.Err, diff)
				}
			}
		})
	}
}
