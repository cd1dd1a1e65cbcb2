package reconcile_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/dirs/hoapi"
	"rawlogs/internal/hasoffers"
	"rawlogs/internal/pipeline"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/reconcile"
	"rawlogs/internal/report"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/sim/simnet"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// world is a network, its client and the store that is loaded from it.
type world struct {
	*testkit.Network
	client *hasoffers.Client
	st     *store.Store
	start  time.Time
}

// newWorld publishes so many hours of some types.
func newWorld(t *testing.T, cfg simnet.Config, start time.Time, hours int, types ...rawlog.Type) *world {
	t.Helper()
	cfg.Clicks, cfg.Limit = 40, 10_000
	w := &world{Network: testkit.Simnet(t, cfg), st: testkit.Database(t), start: start}
	for h := range hours {
		for _, typ := range types {
			w.publish(t, typ, h, gen.Spec{Rows: 7 + (h*h*5)%31})
		}
	}
	var err error
	w.client, err = hasoffers.New(hasoffers.Config{
		NetworkID: w.ID(), Auth: hasoffers.NetworkToken(w.Token()), BaseURL: w.URL, Calls: 10_000, Backoff: time.Millisecond, Attempts: 2,
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) hour(h int) time.Time { return w.start.Add(time.Duration(h) * time.Hour) }

func (w *world) name(typ rawlog.Type, h int) string { return gen.FileName(typ, w.hour(h), 1) }

func (w *world) publish(t *testing.T, typ rawlog.Type, h int, spec gen.Spec) {
	t.Helper()
	spec.Type, spec.Hour = typ, w.hour(h)
	if _, err := w.Publish(t.Context(), w.name(typ, h), spec); err != nil {
		t.Fatal(err)
	}
}

func (w *world) load(t *testing.T, zone *time.Location) {
	t.Helper()
	if _, err := pipeline.Run(t.Context(), w.st, hoapi.New(hoapi.Config{Client: w.client}), pipeline.Options{Network: w.ID(), Zones: rawlog.InZone(zone)}); err != nil {
		t.Fatal(err)
	}
}

func (w *world) reconcile(t *testing.T, period string, cfg reconcile.Config) *reconcile.Report {
	t.Helper()
	p, err := rawlog.ParsePeriod(period)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Network = w.ID()
	r, err := reconcile.Run(t.Context(), w.st, report.New(w.client, report.Config{}), p, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// differences prints the lines that differ: "clicks 2016-09-09 -12: file missing -12 [2016-09-09 05:00]".
func differences(r *reconcile.Report) string {
	var b strings.Builder
	for _, l := range r.Lines {
		if l.Difference == 0 {
			continue
		}
		fmt.Fprintf(&b, "%s %s", l.Type, l.Day)
		if l.Hour != nil {
			fmt.Fprintf(&b, " %02d", *l.Hour)
		}
		if l.Offer != nil {
			fmt.Fprintf(&b, " offer %d", *l.Offer)
		}
		fmt.Fprintf(&b, " %+d:", l.Difference)
		for _, c := range l.Reasons {
			fmt.Fprintf(&b, " %s %+d exact=%v %v %v;", c.Kind, c.Rows, c.Exact, c.Hours, c.Files)
		}
		b.WriteString("\n")
	}
	return b.String()
}

var day0 = time.Date(2016, 9, 9, 0, 0, 0, 0, time.UTC)

func rows(h int) int { return 7 + (h*h*5)%31 }

func TestEverythingAgrees(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simnet.Config{}, day0, 26, rawlog.Clicks, rawlog.Conversions, rawlog.Impressions)
	w.load(t, nil)
	for _, by := range []reconcile.By{reconcile.Day, reconcile.Hour, reconcile.Offer} {
		r := w.reconcile(t, "20160908..20160911", reconcile.Config{By: by})
		if d := differences(r); d != "" || r.Beyond() != 0 {
			t.Errorf("by %s: %d beyond\n%s", by, r.Beyond(), d)
		}
		for _, sum := range r.Totals {
			if sum.Network == 0 || sum.Store != sum.Network || sum.Agree != sum.Lines {
				t.Errorf("by %s: %+v", by, sum)
			}
		}
	}
}

// Each trouble is of one hour of its own, and has to be told from the others.
func TestReasons(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simnet.Config{}, day0, 24, rawlog.Clicks)
	w.Unlist(rawlog.Clicks, w.name(rawlog.Clicks, 2))
	if err := w.Vanish(t.Context(), rawlog.Clicks, w.name(rawlog.Clicks, 4)); err != nil {
		t.Fatal(err)
	}
	w.publish(t, rawlog.Clicks, 6, gen.Spec{Rows: rows(6), Broken: 3})
	twin := gen.FileName(rawlog.Clicks, w.hour(8), 2)
	if _, err := w.Publish(t.Context(), twin, gen.Spec{Type: rawlog.Clicks, Hour: w.hour(8), Rows: rows(8) + 1}); err != nil {
		t.Fatal(err)
	}
	w.Reports.Uncount(rawlog.Clicks, twin)
	w.Reports.Phantom(rawlog.Clicks, w.hour(10), 5, 9)
	w.Reports.Phantom(rawlog.Clicks, w.hour(12), 5, -3)
	w.Reports.Phantom(rawlog.Clicks, w.hour(14), 5, 4)
	w.Reports.Phantom(rawlog.Clicks, w.hour(15), 5, -4)
	w.load(t, nil)
	gone := w.name(rawlog.Clicks, 17)
	if err := w.st.Conn().Exec(t.Context(), "DELETE FROM clicks WHERE _file = ?", gone); err != nil {
		t.Fatal(err)
	}
	// Rows of a file that was begun by a run that died.
	if err := w.st.Conn().Exec(t.Context(), `INSERT INTO ingest_files (network, log_type, file, hour, state, attempt, version)
		SELECT network, log_type, file, hour, 'loading', attempt, version + 1 FROM ingest_files FINAL WHERE file = ?`, w.name(rawlog.Clicks, 19)); err != nil {
		t.Fatal(err)
	}
	if err := w.st.Conn().Exec(t.Context(), "DELETE FROM clicks WHERE _file = ? AND _line > 5", w.name(rawlog.Clicks, 19)); err != nil {
		t.Fatal(err)
	}
	r := w.reconcile(t, "20160909", reconcile.Config{By: reconcile.Hour})
	want := map[int]string{
		2:  fmt.Sprintf("file missing %+d exact=true [2016-09-09 02:00] []", -rows(2)),
		4:  fmt.Sprintf("file failed %+d exact=true [2016-09-09 04:00] [%s]", -rows(4), w.name(rawlog.Clicks, 4)),
		6:  fmt.Sprintf("rejected rows -3 exact=true [2016-09-09 06:00] [%s]", w.name(rawlog.Clicks, 6)),
		8:  fmt.Sprintf("duplicate file %+d exact=true", rows(8)+1),
		10: "not in the raw logs -9 exact=false [2016-09-09 10:00]",
		12: "not in the report +3 exact=false",
		14: "moved between hours -4",
		15: "moved between hours +4",
		17: fmt.Sprintf("rows gone %+d exact=true [2016-09-09 17:00] [%s]", -rows(17), gone),
		19: "file not loaded",
	}
	for _, l := range r.Lines {
		text := differences(&reconcile.Report{Lines: []reconcile.Line{l}})
		switch reason, ok := want[*l.Hour]; {
		case !ok && text != "":
			t.Errorf("not expected: %s", text)
		case ok && (!strings.Contains(text, reason) || len(l.Reasons) != 1):
			t.Errorf("hour %d: %q, want %s", *l.Hour, text, reason)
		}
		for _, c := range l.Reasons {
			if c.Text == "" || c.Kind == reconcile.FailedFile && c.Error == "" {
				t.Errorf("hour %d: no evidence in %+v", *l.Hour, c)
			}
		}
	}
	if r.Beyond() != len(want) {
		t.Errorf("%d lines are beyond the tolerance, want %d", r.Beyond(), len(want))
	}
	// By day they are the reasons of one line, and add up to it.
	day := w.reconcile(t, "20160909", reconcile.Config{Tolerance: tolerance(t, "100%")})
	l := day.Lines[0]
	var sum int64
	seen := map[reconcile.Kind]bool{}
	for _, c := range l.Reasons {
		sum += c.Rows
		seen[c.Kind] = true
	}
	if sum != l.Difference || len(seen) != 9 || day.Beyond() != 0 || !l.Within {
		t.Errorf("the day's reasons add up to %d of %d, %d beyond:\n%s", sum, l.Difference, day.Beyond(), differences(day))
	}
	// By offer: what moved is told from what is lost.
	w.Reports.Phantom(rawlog.Clicks, w.hour(20), 100_001, 6)
	offers := differences(w.reconcile(t, "20160909", reconcile.Config{By: reconcile.Offer}))
	if !strings.Contains(offers, "offer 100001 -6:") || !strings.Contains(offers, "file missing") {
		t.Errorf("by offer:\n%s", offers)
	}
}

func tolerance(t *testing.T, s string) reconcile.Tolerance {
	t.Helper()
	tol, err := reconcile.ParseTolerance(s)
	if err != nil {
		t.Fatal(err)
	}
	return tol
}

func TestConversionsChangeLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simnet.Config{}, day0, 24, rawlog.Conversions)
	w.load(t, nil)
	w.Reports.Phantom(rawlog.Conversions, w.hour(3), 5, -2)
	w.Reports.Phantom(rawlog.Conversions, w.hour(9), 5, 1)
	r := w.reconcile(t, "20160909", reconcile.Config{Types: []rawlog.Type{rawlog.Conversions}})
	l := r.Lines[0]
	if l.Difference != 1 || len(l.Reasons) != 1 || l.Reasons[0].Kind != reconcile.Late || len(l.Reasons[0].Hours) != 2 {
		t.Errorf("late changes: %s", differences(r))
	}
	// Once the changes were fetched, they are counted instead of supposed.
	if err := w.st.Conn().Exec(t.Context(), `INSERT INTO conversion_updates (network, id, ad_id, offer_id, datetime, status, found, valid_from)
		SELECT network, id, transaction_id, offer_id, datetime, 'rejected', 'updated', now64(3) FROM conversions
		WHERE _hour = ? AND status = 'approved' LIMIT 2`, w.hour(3)); err != nil {
		t.Fatal(err)
	}
	known := w.reconcile(t, "20160909", reconcile.Config{Types: []rawlog.Type{rawlog.Conversions}, By: reconcile.Hour})
	if d := differences(known); !strings.Contains(d, "03 +2: late adjustments +2 exact=true") || !strings.Contains(d, "09 -1: late adjustments -1 exact=false") {
		t.Errorf("known changes: %s", d)
	}
	all := w.reconcile(t, "20160909", reconcile.Config{Types: []rawlog.Type{rawlog.Conversions}, AllConversions: true})
	if all.Lines[0].Store != int64(w.Truth().Types[rawlog.Conversions].Rows) {
		t.Errorf("all conversions: %+v", all.Lines[0])
	}
}

func TestWrongZones(t *testing.T) {
	t.Parallel()
	prague := location(t, "Europe/Prague")
	t.Run("of the logs", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, simnet.Config{Zone: prague}, day0, 48, rawlog.Clicks)
		w.load(t, nil) // as if the rows were UTC
		r := w.reconcile(t, "20160909..20160911", reconcile.Config{Zone: prague})
		if d := differences(r); strings.Count(d, "zone shifted") < 2 || strings.Contains(d, "missing") || !strings.Contains(r.Lines[0].Reasons[0].Text, "+2 h from the timezone setting") {
			t.Errorf("%s%+v", d, r.Lines)
		}
	})
	t.Run("of the days", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, simnet.Config{Zone: prague}, day0, 48, rawlog.Clicks)
		w.load(t, prague)
		r := w.reconcile(t, "20160909..20160911", reconcile.Config{})
		if d := differences(r); !strings.Contains(d, "zone shifted") || strings.Contains(d, "not in") || strings.Contains(d, "missing") {
			t.Errorf("%s", d)
		}
	})
}

func location(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// The hours of days on which clocks change, and of zones that are not whole
// hours off, agree, and a lost file is named by its UTC hour.
func TestOddDays(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		zone, day string
		hours     int // of the day
		lost      int // hours after the day's first whole UTC hour
		want      string
	}{
		{"Europe/Prague", "2016-10-30", 25, 2, "2016-10-30 02:00"},     // the second 02:00
		{"Europe/Prague", "2016-03-27", 23, 2, "2016-03-27 03:00"},     // 01:00 UTC, after the gap
		{"America/Sao_Paulo", "2016-10-16", 23, 0, "2016-10-16 01:00"}, // midnight does not exist
		{"America/Havana", "2016-11-06", 25, 0, "2016-11-06 00:00"},    // midnight exists twice
		{"Asia/Kolkata", "2016-09-09", 24, 3, "2016-09-09 03:00"},      // half an hour off: two hours of the wall
	} {
		t.Run(tc.zone+" "+tc.day, func(t *testing.T) {
			t.Parallel()
			zone := location(t, tc.zone)
			day, err := time.Parse(time.DateOnly, tc.day)
			if err != nil {
				t.Fatal(err)
			}
			start := day.Add(-12 * time.Hour)
			w := newWorld(t, simnet.Config{Zone: zone}, start, 48, rawlog.Clicks)
			w.load(t, zone)
			p := day.Format(rawlog.DayLayout)
			for _, by := range []reconcile.By{reconcile.Day, reconcile.Hour} {
				if d := differences(w.reconcile(t, p, reconcile.Config{Zone: zone, By: by})); d != "" {
					t.Errorf("by %s: %s", by, d)
				}
			}
			first := start
			for first.In(zone).Format(time.DateOnly) != tc.day {
				first = first.Add(time.Hour)
			}
			lost := first.Add(time.Duration(tc.lost) * time.Hour)
			name := gen.FileName(rawlog.Clicks, lost, 1)
			for _, table := range []string{"clicks WHERE _file = ?", "ingest_files WHERE file = ?"} {
				if err := w.st.Conn().Exec(t.Context(), "DELETE FROM "+table, name); err != nil {
					t.Fatal(err)
				}
			}
			d := differences(w.reconcile(t, p, reconcile.Config{Zone: zone}))
			if !strings.Contains(d, "file missing") || !strings.Contains(d, tc.want) || strings.Count(d, ";") != 1 {
				t.Errorf("the file of %s is lost: %s", lost, d)
			}
		})
	}
}

func TestHoursThatAreNotDue(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simnet.Config{}, day0, 12, rawlog.Clicks)
	w.Unlist(rawlog.Clicks, w.name(rawlog.Clicks, 10))
	w.Unlist(rawlog.Clicks, w.name(rawlog.Clicks, 11))
	w.load(t, nil)
	now := func() time.Time { return w.hour(11).Add(20 * time.Minute) }
	r := w.reconcile(t, "20160909", reconcile.Config{Now: now})
	if l := r.Lines[0]; !l.Open || r.Beyond() != 0 || len(l.Reasons) != 1 || l.Reasons[0].Kind != reconcile.NotDue || len(l.Reasons[0].Hours) != 2 {
		t.Errorf("%+v", l)
	}
	later := w.reconcile(t, "20160909", reconcile.Config{})
	if l := later.Lines[0]; l.Open || later.Beyond() != 1 || !strings.Contains(l.Reasons[0].Text, "2016-09-09 10:00–11:00") {
		t.Errorf("%+v", l)
	}
	// Once the month is over nothing is missing.
	if err := w.st.Conn().Exec(t.Context(), "INSERT INTO ingest_ttl (network, log_type, months, version) SELECT any(network), 'clicks', 1, 1 FROM ingest_files"); err != nil {
		t.Fatal(err)
	}
	over := w.reconcile(t, "20160909", reconcile.Config{})
	if l := over.Lines[0]; !l.Expired || over.Beyond() != 0 || over.Totals[0].Expired != 1 || len(l.Reasons) != 1 || l.Reasons[0].Kind != reconcile.Expired {
		t.Errorf("%+v", l)
	}
}

func TestTolerance(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		tolerance           string
		difference, network int64
		want                bool
	}{
		{"", 0, 10, true}, {"0", 1, 10, false}, {"5", -5, 10, true}, {"5", 6, 10, false},
		{"0.1%", 1, 1000, true}, {"0.1%", -2, 1999, false}, {"0.1%", 1, 999, false}, {"10%", 1, 0, false}, {"0%", 0, 0, true},
	} {
		if got := tolerance(t, tc.tolerance).Allows(tc.difference, tc.network); got != tc.want {
			t.Errorf("%q: %d of %d: %v", tc.tolerance, tc.difference, tc.network, got)
		}
	}
	for _, bad := range []string{"-1", "x", "1.5", "%", "-1%", "1/2%", "1e3%", "5 rows"} {
		if _, err := reconcile.ParseTolerance(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
