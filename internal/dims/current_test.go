package dims_test

import (
	"fmt"
	"strings"
	"testing"

	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// What the log, the report of conversions and later updates say of the same conversions
// becomes one row for each, whatever any of them lacks. Each case is a network: they share
// their ids.
func TestConversionsCurrentOfAllSources(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	const day = "toDateTime('2016-09-09 00:00:00', 'UTC')"
	// Payouts are 1 in the log, 2 to 9 in the report and 20 in updates.
	cases := map[string]string{}
	for name, c := range map[string]struct {
		lines   string // id, event, click, goal, second of the day
		report  string // the same, payout, when its row was stored
		updates string // id, event, click, goal, when it was first seen
		want    string
	}{
		"report alone":             {report: "(1, 'a', 'x', 3, 5, 2, 100)", want: "(1,'a','x',3,5,'2','report','report')"},
		"report and update":        {report: "(1, 'a', 'x', 3, 5, 2, 100)", updates: "(1, 'a', 'x', 3, 200)", want: "(1,'a','x',3,5,'20','update and report','update')"},
		"update, then report":      {report: "(1, 'a', 'x', 3, 5, 2, 200)", updates: "(1, 'a', 'x', 3, 100)", want: "(1,'a','x',3,5,'2','update and report','report')"},
		"log and report":           {lines: "(1, 'a', 'x', 3, 5)", report: "(1, 'a', 'x', 3, 5, 2, 100)", want: "(1,'a','x',3,5,'2','log and report','report')"},
		"all, the report last":     {lines: "(1, 'a', 'x', 3, 5)", report: "(1, 'a', 'x', 3, 5, 2, 200)", updates: "(1, 'a', 'x', 3, 100)", want: "(1,'a','x',3,5,'2','log, update and report','report')"},
		"all, the update last":     {lines: "(1, 'a', 'x', 3, 5)", report: "(1, 'a', 'x', 3, 5, 2, 100)", updates: "(1, 'a', 'x', 3, 200)", want: "(1,'a','x',3,5,'20','log, update and report','update')"},
		"an update of each time":   {report: "(1, 'a', 'x', 3, 5, 2, 150)", updates: "(1, 'a', 'x', 3, 100), (1, 'a', 'x', 3, 200)", want: "(1,'a','x',3,5,'20','update and report','update')"},
		"a day that was left":      {report: "(1, 'a', 'x', 3, 5, 2, 100), (1, 'a', 'x', 3, 6, 7, 300)", want: "(1,'a','x',3,6,'7','report','report')"},
		"log without event":        {lines: "(1, '', 'x', 3, 5)", report: "(1, 'a', 'x', 3, 5, 2, 100)", want: "(1,'a','x',3,5,'2','log and report','report')"},
		"report without event":     {lines: "(1, 'a', 'x', 3, 5)", report: "(1, '', 'x', 3, 5, 2, 100)", want: "(1,'a','x',3,5,'2','log and report','report')"},
		"report without id":        {lines: "(1, 'a', 'x', 3, 5)", report: "(0, 'a', 'x', 3, 5, 2, 100)", want: "(1,'a','x',3,5,'2','log and report','report')"},
		"another event":            {lines: "(1, 'a', 'x', 3, 5)", report: "(1, 'b', 'x', 3, 5, 2, 100)", want: "(1,'a','x',3,5,'1','log','log')\n(1,'b','x',3,5,'2','report','report')"},
		"another id":               {lines: "(1, '', 'x', 3, 5)", report: "(2, '', 'x', 3, 5, 2, 100)", want: "(1,'','x',3,5,'1','log','log')\n(2,'','x',3,5,'2','report','report')"},
		"ids of three kinds":       {lines: "(1, 'a', 'x', 3, 5)", report: "(0, 'a', 'x', 3, 5, 2, 100)", updates: "(1, '', 'x', 3, 200)", want: "(1,'a','x',3,5,'20','log, update and report','update')"},
		"the log by id alone":      {lines: "(1, '', 'x', 3, 5)", report: "(0, 'a', 'x', 3, 5, 2, 100)", updates: "(1, 'a', 'x', 3, 200)", want: "(1,'a','x',3,5,'20','log, update and report','update')"},
		"nothing but the click":    {lines: "(0, '', 'x', 3, 5)", report: "(0, '', 'x', 3, 5, 2, 100)", want: "(0,'','x',3,5,'2','log and report','report')"},
		"no ids in the log":        {lines: "(0, '', 'x', 3, 5)", report: "(1, 'a', 'x', 3, 5, 2, 100)", updates: "(1, 'a', 'x', 3, 200)", want: "(1,'a','x',3,5,'20','log, update and report','update')"},
		"three by the click":       {lines: "(0, '', 'x', 3, 5)", report: "(0, 'a', 'x', 3, 5, 2, 100)", updates: "(1, '', 'x', 3, 200)", want: "(1,'a','x',3,5,'20','log, update and report','update')"},
		"by id, then by click":     {lines: "(1, '', 'x', 3, 5)", report: "(0, 'a', 'x', 3, 5, 2, 300)", updates: "(1, '', 'x', 3, 200)", want: "(1,'a','x',3,5,'2','log, update and report','report')"},
		"no log, by click":         {report: "(0, 'a', 'x', 3, 5, 2, 100)", updates: "(1, '', 'x', 3, 200)", want: "(1,'a','x',3,5,'20','update and report','update')"},
		"another goal":             {lines: "(0, '', 'x', 3, 5)", report: "(0, '', 'x', 4, 5, 2, 100)", want: "(0,'','x',3,5,'1','log','log')\n(0,'','x',4,5,'2','report','report')"},
		"another click":            {lines: "(0, '', 'x', 3, 5)", report: "(0, '', 'y', 3, 5, 2, 100)", want: "(0,'','x',3,5,'1','log','log')\n(0,'','y',3,5,'2','report','report')"},
		"no click":                 {lines: "(0, '', '', 3, 5)", report: "(0, '', '', 3, 5, 2, 100)", want: "(0,'','',3,5,'1','log','log')\n(0,'','',3,5,'2','report','report')"},
		"two of a click":           {lines: "(0, '', 'x', 3, 9), (0, '', 'x', 3, 5)", report: "(1, 'a', 'x', 3, 5, 2, 100), (2, 'b', 'x', 3, 9, 3, 100)", want: "(1,'a','x',3,5,'2','log and report','report')\n(2,'b','x',3,9,'3','log and report','report')"},
		"two of a second":          {lines: "(0, '', 'x', 3, 5), (0, '', 'x', 3, 5)", report: "(1, 'a', 'x', 3, 5, 2, 100), (2, 'b', 'x', 3, 5, 2, 100)", want: "(1,'a','x',3,5,'2','log and report','report')\n(2,'b','x',3,5,'2','log and report','report')"},
		"an hour off":              {lines: "(0, '', 'x', 3, 5), (0, '', 'x', 3, 9)", report: "(1, 'a', 'x', 3, 3605, 2, 100), (2, 'b', 'x', 3, 3609, 3, 100)", want: "(1,'a','x',3,5,'2','log and report','report')\n(2,'b','x',3,9,'3','log and report','report')"},
		"one more in the report":   {lines: "(0, '', 'x', 3, 9)", report: "(1, 'a', 'x', 3, 5, 2, 100), (2, 'b', 'x', 3, 9, 3, 100)", want: "(1,'a','x',3,5,'2','report','report')\n(2,'b','x',3,9,'3','log and report','report')"},
		"one more in the log":      {lines: "(0, '', 'x', 3, 5), (0, '', 'x', 3, 9)", report: "(2, 'b', 'x', 3, 9, 3, 100)", want: "(0,'','x',3,5,'1','log','log')\n(2,'b','x',3,9,'3','log and report','report')"},
		"one more of a second":     {lines: "(0, '', 'x', 3, 5)", report: "(1, 'a', 'x', 3, 5, 2, 100), (2, 'b', 'x', 3, 5, 2, 100)", want: "(1,'a','x',3,5,'2','log and report','report')\n(2,'b','x',3,5,'2','report','report')"},
		"two lines, one update":    {lines: "(0, '', 'x', 3, 5), (0, '', 'x', 3, 9)", updates: "(1, 'a', 'x', 3, 200)", want: "(0,'','x',3,5,'1','log','log')\n(0,'','x',3,9,'1','log','log')"},
		"the update by the report": {lines: "(0, '', 'x', 3, 5), (0, '', 'x', 3, 9)", report: "(1, 'a', 'x', 3, 5, 2, 100), (2, 'b', 'x', 3, 9, 3, 100)", updates: "(2, 'b', 'x', 3, 200)", want: "(1,'a','x',3,5,'2','log and report','report')\n(2,'b','x',3,9,'20','log, update and report','update')"},
		"one id on two lines":      {lines: "(1, 'a', 'x', 3, 5), (1, 'a', 'x', 3, 9)", report: "(1, 'a', 'x', 3, 9, 2, 100)", want: "(1,'a','x',3,5,'0','repeated','report')\n(1,'a','x',3,9,'2','log and report','report')"},
		"two headers of an hour":   {lines: "(1, 'a', 'x', 3, 5), (1, '', 'x', 3, 9)", report: "(1, 'a', 'x', 3, 9, 2, 100)", want: "(1,'a','x',3,5,'0','repeated','report')\n(1,'a','x',3,9,'2','log and report','report')"},
		"strangers of a click":     {lines: "(0, 'a', 'x', 3, 5), (9, '', 'z', 3, 7)", report: "(0, 'c', 'x', 3, 6, 2, 100)", want: "(0,'a','x',3,5,'1','log','log')\n(0,'c','x',3,6,'2','report','report')\n(9,'','z',3,7,'1','log','log')"},
		"two strangers of a click": {lines: "(0, 'a', 'x', 3, 1), (0, 'b', 'x', 3, 2), (9, '', 'z', 3, 7)", report: "(0, 'c', 'x', 3, 3, 2, 100), (0, 'd', 'x', 3, 4, 2, 100)",
			want: "(0,'a','x',3,1,'1','log','log')\n(0,'b','x',3,2,'1','log','log')\n(0,'c','x',3,3,'2','report','report')\n(0,'d','x',3,4,'2','report','report')\n(9,'','z',3,7,'1','log','log')"},
		"its event at another click": {lines: "(2, 'b', 'y', 3, 5), (0, '', 'x', 3, 6), (9, '', 'z', 3, 7)", report: "(0, 'b', 'x', 3, 6, 2, 100)",
			want: "(2,'b','y',3,5,'2','log and report','report')\n(0,'','x',3,6,'1','log','log')\n(9,'','z',3,7,'1','log','log')"},
		"an id beside the nameless": {lines: "(1, 'a', 'x', 3, 5), (0, '', 'x', 3, 9)", report: "(1, 'a', 'x', 3, 5, 2, 100), (2, 'b', 'x', 3, 9, 3, 100)",
			want: "(1,'a','x',3,5,'2','log and report','report')\n(2,'b','x',3,9,'3','log and report','report')"},
	} {
		put := func(table, columns, types, more, rows string) {
			if rows != "" {
				exec(t, st, fmt.Sprintf("INSERT INTO %s (network, id, tune_event_id, %s) SELECT '%s', c1, c2, c3, c4, %s FROM values('c1 UInt64, c2 String, c3 String, c4 UInt32, %s', %s)", table, columns, name, more, types, rows))
			}
		}
		put("conversions", "transaction_id, goal_id, datetime, payout_cents, _hour, _file, _line", "c5 UInt32", day+" + c5, 100, "+day+", 'f', rowNumberInAllBlocks() + 2", c.lines)
		put("conversion_report", "ad_id, goal_id, datetime, payout, _loaded_at, _hour, _file, _line", "c5 UInt32, c6 UInt32, c7 UInt32",
			day+" + c5, c6, "+day+" + c7, "+day+", concat('report/conversions-', toString(c7)), rowNumberInAllBlocks() + 2", c.report)
		put("conversion_updates", "ad_id, goal_id, payout, found, valid_from", "c5 UInt32", "20, 'updated', "+day+" + c5", c.updates)
		cases[name] = c.want
	}
	wantEach(t, st, "id, tune_event_id, transaction_id, goal_id, dateDiff('second', "+day+", datetime), toString(payout), origin, told_by", "datetime, id, tune_event_id, payout", cases)
}

// A day that is read again without a change is later knowledge than an update in between,
// unless all that happened is that somebody ignored its issues.
func TestConversionsCurrentByWhenTheDayWasRead(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	const hour = "toDateTime('2016-09-09 10:00:00', 'UTC')"
	exec(t, st, "INSERT INTO conversion_report (network, id, ad_id, status, payout, datetime, _file, _hour, _loaded_at) VALUES ('acme', 1, 'x', 'approved', 3, "+hour+", 'd', "+hour+", "+hour+")")
	exec(t, st, "INSERT INTO conversion_updates (network, id, ad_id, status, found, valid_from) VALUES ('acme', 1, 'x', 'rejected', 'updated', "+hour+" + 60)")
	ledger := func(version int, state, ignored string, after int) {
		t.Helper()
		exec(t, st, fmt.Sprintf("INSERT INTO ingest_files (network, log_type, file, hour, state, ignored, version, updated_at) VALUES ('acme', 'conversion_report', 'd', %s, '%s', '%s', %d, %s + %d)", hour, state, ignored, version, hour, after))
	}
	const query = "SELECT status, told_by, updated_at = " + hour + " + 60 FROM conversions_current"
	want(t, st, query, "('rejected','update',1)")
	ledger(1, "loaded", "", 1)
	want(t, st, query, "('rejected','update',1)")
	ledger(2, "loaded", "known", 100)
	want(t, st, query, "('rejected','update',1)")
	ledger(3, "failed", "", 100)
	want(t, st, query, "('rejected','update',1)")
	ledger(4, "loaded", "", 100)
	want(t, st, query, "('approved','report',0)")
}

// wantEach asks conversions_current for the rows of all networks at once, and compares those
// of each. An analyst's profile does not change the answer.
func wantEach(t *testing.T, st *store.Store, columns, order string, cases map[string]string) {
	t.Helper()
	for _, settings := range []string{"", " SETTINGS join_use_nulls = 1, prefer_column_name_to_alias = 1"} {
		got := map[string][]string{}
		for _, row := range strings.Split(rows(t, st, "SELECT network, "+columns+" FROM conversions_current ORDER BY network, "+order+settings), "\n") {
			name, rest, _ := strings.Cut(strings.TrimPrefix(row, "('"), "',")
			got[name] = append(got[name], "("+rest)
		}
		for name, answer := range cases {
			if have := strings.Join(got[name], "\n"); have != answer {
				t.Errorf("%s%s:\n got %s\nwant %s", name, settings, have, answer)
			}
		}
		if len(got) != len(cases) {
			t.Errorf("%d networks, want %d", len(got), len(cases))
		}
	}
	longest := "" // a network of its own: what is known of the others must not come in
	for name, answer := range cases {
		if len(answer) > len(cases[longest]) || len(answer) == len(cases[longest]) && name < longest {
			longest = name
		}
	}
	want(t, st, "SELECT "+columns+" FROM conversions_current WHERE network = '"+longest+"' ORDER BY "+order, cases[longest])
}
