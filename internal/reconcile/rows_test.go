package reconcile_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/reconcile"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/sim/simnet"
)

// reportIs makes the report of a day what a query of the conversions gives, and loads it as
// far as the ledger is concerned.
func (w *world) reportIs(t *testing.T, day, columns, where string) {
	t.Helper()
	for _, statement := range []string{
		// The part of the table that matters here, in a store that has none.
		`CREATE TABLE IF NOT EXISTS conversion_report (tune_event_id String, id UInt64, ad_id String, goal_id UInt32, offer_id UInt32, datetime DateTime('UTC'), is_adjustment UInt8,
			network LowCardinality(String), _file LowCardinality(String), _line UInt32, _hour DateTime('UTC')) ENGINE = MergeTree ORDER BY datetime`,
		"ALTER TABLE conversion_report DELETE WHERE toDate(_hour) = '" + day + "' SETTINGS mutations_sync = 1",
		`INSERT INTO conversion_report (tune_event_id, id, ad_id, goal_id, offer_id, datetime, is_adjustment, network, _file, _line, _hour)
			SELECT ` + columns + `, transaction_id, goal_id, offer_id, datetime, is_adjustment, network, 'report/conversions-` + day + `.csv', 2, toDateTime('` + day + ` 00:00:00', 'UTC')
			FROM conversions WHERE toDate(datetime) = '` + day + "' AND " + where,
		`INSERT INTO ingest_files (network, log_type, file, hour, state, attempt, version) SELECT '` + w.ID() + `', 'conversion_report', 'report/conversions-` + day + `.csv', toDateTime('` + day + ` 00:00:00', 'UTC'), 'loaded', 1,
			toUnixTimestamp64Milli(now64(3))`,
	} {
		if err := w.st.Conn().Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

func (w *world) exec(t *testing.T, statement string, args ...any) {
	t.Helper()
	if err := w.st.Conn().Exec(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

// byRow prints what only one side has: "log: 2 unknown; report: 1 file not loaded".
func byRow(d reconcile.RowDay) string {
	var sides []string
	for _, of := range []struct {
		side string
		only []reconcile.Only
	}{{"log", d.OnlyLog}, {"report", d.OnlyReport}} {
		var parts []string
		for _, o := range of.only {
			parts = append(parts, fmt.Sprintf("%d %s", o.Rows, o.Why))
		}
		slices.Sort(parts)
		if len(parts) > 0 {
			sides = append(sides, of.side+": "+strings.Join(parts, ", "))
		}
	}
	return strings.Join(sides, "; ")
}

// Conversions of the log and of the report find each other by event, then id, then click
// and goal, whatever either of them lacks; what only one has is named.
func TestRowByRow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simnet.Config{}, day0, 0)
	for h := range 24 {
		w.publish(t, rawlog.Conversions, h, gen.Spec{Rows: 10})
	}
	w.load(t, nil)
	event := "concat('event-', toString(id))"
	day := func() (reconcile.RowDay, *reconcile.Report) {
		t.Helper()
		r := w.reconcile(t, "20160908..20160910", reconcile.Config{Types: []rawlog.Type{rawlog.Conversions}, Tolerance: tolerance(t, "100")})
		if len(r.Rows) != 1 || r.Rows[0].Day != "2016-09-09" {
			t.Fatalf("days that were compared: %+v", r.Rows)
		}
		return r.Rows[0], r
	}
	if r := w.reconcile(t, "20160909", reconcile.Config{}); len(r.Rows) != 0 {
		t.Errorf("without a report: %+v", r.Rows)
	}
	number := "toUInt64(id)"
	for _, of := range []struct{ name, log, report string }{
		{"both have both", "tune_event_id = " + event, event + ", " + number},
		{"events in both", "tune_event_id = " + event, event + ", 0"},
		{"ids in both", "tune_event_id = ''", "'', " + number},
		{"events in the report", "tune_event_id = ''", event + ", " + number},
		{"events in the log", "tune_event_id = " + event, "'', " + number},
		{"no id in the report", "tune_event_id = ''", "'', 0"},
		{"events in the report alone", "tune_event_id = ''", event + ", 0"},
	} {
		w.exec(t, "ALTER TABLE conversions UPDATE "+of.log+" WHERE 1 SETTINGS mutations_sync = 1")
		w.reportIs(t, "2016-09-09", of.report, "1")
		if d, r := day(); byRow(d) != "" || d.Log != 240 || d.Report != 240 || !d.Within || r.Beyond() != 0 {
			t.Errorf("%s: %s (%+v)", of.name, byRow(d), d)
		}
		// Three rows are in the log alone, and two more after the report has lost others.
		w.reportIs(t, "2016-09-09", of.report, "_line > 4 OR toHour(datetime) != 7")
		if d, _ := day(); byRow(d) != "log: 3 unknown" || len(d.OnlyLog[0].Examples) != 3 || !strings.Contains(d.OnlyLog[0].Examples[0], w.name(rawlog.Conversions, 7)) {
			t.Errorf("%s: %s (%+v)", of.name, byRow(d), d)
		}
	}
	// Other ids in both: nothing is the same, however alike.
	w.reportIs(t, "2016-09-09", "'', "+number+" + 1000000000", "1")
	d, r := day()
	if byRow(d) != "log: 240 unknown; report: 240 unknown" || d.Within || r.Beyond() != 1 || len(d.OnlyReport[0].Examples) != 5 {
		t.Errorf("other ids: %s", byRow(d))
	}
	var printed strings.Builder
	if err := r.Print(&printed, false); err != nil || !strings.Contains(printed.String(), "conversions 2016-09-09, row by row: only the raw log has 240 rows (unknown): id ") {
		t.Errorf("%v: %s", err, &printed)
	}
}

// What is known of a row that only one side has: its file, its kind, its time.
func TestRowByRowReasons(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simnet.Config{}, day0, 0)
	for h := range 24 {
		w.publish(t, rawlog.Conversions, h, gen.Spec{Rows: 10})
	}
	w.load(t, nil)
	number := "toUInt64(id)"
	w.reportIs(t, "2016-09-09", "'', "+number, "1")
	// The file of an hour is lost; somebody enters two conversions by hand; one is nobody's.
	lost := w.name(rawlog.Conversions, 5)
	w.exec(t, "DELETE FROM conversions WHERE _file = ?", lost)
	w.exec(t, "DELETE FROM ingest_files WHERE file = ?", lost)
	for i, adjusted := range []int{1, 1, 0} {
		w.exec(t, `INSERT INTO conversion_report (tune_event_id, id, ad_id, goal_id, offer_id, datetime, is_adjustment, network, _file, _line, _hour)
			VALUES ('', ?, 'abc', 0, 5, '2016-09-09 12:00:00', ?, ?, 'report/conversions-20160909.csv', ?, '2016-09-09 00:00:00')`, 7_000_000_000+i, adjusted, w.ID(), 900+i)
	}
	r := w.reconcile(t, "20160909", reconcile.Config{Types: []rawlog.Type{rawlog.Conversions}, Tolerance: tolerance(t, "50%")})
	if got := byRow(r.Rows[0]); got != "report: 1 unknown, 10 file not loaded, 2 adjustment" || !r.Rows[0].Within {
		t.Errorf("%s", got)
	}
	// The report was read in the evening.
	w.reportIs(t, "2016-09-09", "'', "+number, "toHour(datetime) < 20")
	w.exec(t, "ALTER TABLE ingest_files UPDATE updated_at = '2016-09-09 20:00:00' WHERE log_type = 'conversion_report' SETTINGS mutations_sync = 1")
	r = w.reconcile(t, "20160909", reconcile.Config{Types: []rawlog.Type{rawlog.Conversions}})
	if got := byRow(r.Rows[0]); got != "log: 40 after the report was read" {
		t.Errorf("%s", got)
	}
	// A day whose log is not there at all is told by the totals alone.
	w.exec(t, "DELETE FROM ingest_files WHERE log_type = 'conversions'")
	if r := w.reconcile(t, "20160909", reconcile.Config{Types: []rawlog.Type{rawlog.Conversions}}); len(r.Rows) != 0 {
		t.Errorf("without a log: %+v", r.Rows)
	}
}
