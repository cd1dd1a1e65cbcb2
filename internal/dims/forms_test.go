package dims_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"rawlogs/internal/testkit"
)

// What conversions_current says is what its former, plainer statement says, however lines,
// rows of the report and updates name one another. Each network is a case: 300 of them, with
// some six rows of few ids, events, clicks and times.
func TestConversionsCurrentAsBefore(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	former, err := os.ReadFile("testdata/conversions_current_4.sql")
	if err != nil {
		t.Fatal(err)
	}
	const hour = "toDateTime('2016-09-09 00:00:00', 'UTC')"
	pick := func(of, salt string) string {
		return fmt.Sprintf("[%s][1 + cityHash64(number, '%s') %% %d]", of, salt, strings.Count(of, ",")+1)
	}
	keys := func(salt string) string {
		return strings.Join([]string{pick("'', '', 'a', 'b', 'c'", "event"+salt), pick("0, 0, 1, 2, 3", "id"+salt), pick("'', 'x', 'x', 'y'", "click"+salt),
			pick("0, 1", "goal"+salt), hour + " + " + pick("0, 1, 2, 3", "time"+salt), "concat('n', toString(number % 300))", "number"}, ", ")
	}
	const names = "tune_event_id, id, %s, goal_id, datetime, network, affiliate_id"
	for _, statement := range []string{
		"CREATE VIEW former AS " + string(former),
		fmt.Sprintf("INSERT INTO conversions ("+names+", payout_cents, status, _hour, _file, _line) SELECT %s, 100 + number, 'approved', %s, %s, number FROM numbers(750)",
			"transaction_id", keys("log"), hour, pick("'f', 'g'", "file")),
		fmt.Sprintf("INSERT INTO conversion_report ("+names+", payout, status, _hour, _file, _line, _loaded_at) SELECT %s, 1000 + number, 'pending', %s, %s, number, %s + number * 2 FROM numbers(600)",
			"ad_id", keys("report"), hour, "concat('d', toString(intDiv(number, 300)))", hour),
		fmt.Sprintf("INSERT INTO conversion_updates ("+names+", payout, status, found, valid_from) SELECT %s, 2000 + number, 'rejected', %s, %s + number * 2 + 1 FROM numbers(400)",
			"ad_id", keys("update"), pick("'updated', 'added'", "found"), hour),
		fmt.Sprintf("INSERT INTO ingest_files (network, log_type, file, hour, state, version, updated_at) SELECT concat('n', toString(number)), 'conversion_report', 'd0', %[1]s, 'loaded', 1, %[1]s + %[2]s FROM numbers(300)",
			hour, pick("0, 601, 1301", "read")),
	} {
		exec(t, st, statement)
	}
	const row = "toString(tuple(id, tune_event_id, transaction_id, goal_id, affiliate_id, datetime, status, payout, logged_payout, origin, updated_at, _file, _line, told_by))"
	want(t, st, "SELECT count(), sum(length(now)) > 1000, length(groupUniqArrayArray(origins)), groupArrayIf(3)((n, now, before), now != before) FROM "+
		"(SELECT n, arraySort(groupArrayIf(r, w = 1)) AS now, arraySort(groupArrayIf(r, w = 0)) AS before, groupUniqArray(o) AS origins FROM "+
		"(SELECT toString(network) AS n, "+row+" AS r, origin AS o, 1 AS w FROM conversions_current UNION ALL SELECT toString(network), "+row+", origin, 0 FROM former) GROUP BY n)",
		"(300,1,8,[])")
}
