package pipeline

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/dirs/convreport"
	"rawlogs/internal/hasoffers"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/sim/simnet"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// reported is a network without files, whose report is loaded.
type reported struct {
	testing.TB
	*simnet.Network
	cfg  store.Config // of st
	st   *store.Store
	src  *convreport.Source
	opts Options
}

func reportConfig() simnet.Config { return simnet.Config{Limit: 100_000, Token: "NETtoken"} }

func newReported(t testing.TB, at store.Config, st *store.Store, network string, cfg simnet.Config) *reported {
	t.Helper()
	n := simnet.WithoutFiles(cfg)
	server := httptest.NewServer(n)
	t.Cleanup(server.Close)
	client, err := hasoffers.New(hasoffers.Config{NetworkID: n.ID(), Auth: hasoffers.NetworkToken(n.Token()), BaseURL: server.URL + simnet.APIPath, Calls: 100_000, Backoff: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return time.Date(2016, 9, 12, 12, 0, 0, 0, time.UTC) }
	src := convreport.New(convreport.Config{Client: client, Zone: cfg.Zone, Limit: 25, Spool: t.TempDir(), Now: now, Log: testLog(t)})
	opts := Options{Network: network, Types: []rawlog.Type{rawlog.ConversionReport}, Now: now, Log: testLog(t), Fetchers: 1, Parsers: 1}
	if cfg.Zone != nil {
		opts.Zones = rawlog.InZone(cfg.Zone)
	}
	return &reported{t, n, at, st, src, opts}
}

func aloneReported(t testing.TB, network string, cfg simnet.Config) *reported {
	at := testkit.DatabaseConfig(t)
	return newReported(t, at, testkit.OpenStore(t, at), network, cfg)
}

// happen makes conversions of an hour.
func (r *reported) happen(hour time.Time, rows int) (ids []int) {
	spec := gen.Spec{Type: rawlog.Conversions, Hour: hour, Rows: rows}
	r.Happen(hour.String(), spec)
	for _, record := range r.Logs().Records(spec, []string{"id"}) {
		id, err := strconv.Atoi(record[0])
		if err != nil {
			r.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}

func (r *reported) load(period string, change ...func(*Options)) Summary {
	r.Helper()
	opts := r.opts
	p, err := rawlog.ParsePeriod(period)
	if err != nil {
		r.Fatal(err)
	}
	opts.Periods = []rawlog.Period{p}
	for _, c := range change {
		c(&opts)
	}
	sum, err := Run(r.Context(), r.st, r.src, opts)
	if err != nil {
		r.Fatal(err)
	}
	if report, err := Verify(r.Context(), r.st, opts); err != nil || len(report.Differences) > 0 {
		r.Fatalf("verify: %+v, %v", report, err)
	}
	return sum
}

func (r *reported) want(query, want string) {
	r.Helper()
	var got string
	if err := r.st.Conn().QueryRow(r.Context(), query, r.opts.Network).Scan(&got); err != nil {
		r.Fatal(err)
	}
	if got != want {
		r.Errorf("%s:\n got %s\nwant %s", query, got, want)
	}
}

// nine is an hour in the middle of the 9th.
var nine = time.Date(2016, 9, 9, 9, 0, 0, 0, time.UTC)

// A day is loaded as it stands, and again where it has changed: its rows are there once.
func TestReportReplaced(t *testing.T) {
	t.Parallel()
	r := aloneReported(t, "replaced", reportConfig())
	ids := r.happen(nine, 60)
	r.happen(nine.Add(24*time.Hour), 40)
	sum := r.load("20160908..20160910")
	if sum.Listed != 3 || sum.Loaded != 3 || sum.Rows != 100 || len(sum.Issues) > 0 || len(sum.Shifts) > 0 {
		t.Errorf("%+v", sum)
	}
	r.want("SELECT toString((count(), uniqExact(id), uniqExact(tune_event_id), countIf(ad_id = ''), countIf(affiliate_company = ''), countIf(offer_name = ''), sum(length(_rescued)))) FROM conversion_report WHERE network = ?",
		"(100,100,100,0,0,0,0)")
	r.want("SELECT toString(groupUniqArray((_file, _hour, date))) FROM conversion_report WHERE network = ? AND _hour < '2016-09-10 00:00:00'", "[('report/conversions-20160909.csv','2016-09-09 00:00:00','2016-09-09')]")
	// The ledger speaks of three days, one of them without rows.
	r.want("SELECT toString(arraySort(groupArray((log_type, file, toString(state), rows, shift_hours)))) FROM ingest_files_current WHERE network = ?",
		"[('conversion_report','report/conversions-20160908.csv','loaded',0,0),('conversion_report','report/conversions-20160909.csv','loaded',60,0),('conversion_report','report/conversions-20160910.csv','loaded',40,0)]")
	// Nothing has changed.
	if sum = r.load("20160908..20160910"); sum.AlreadyLoaded != 3 || sum.Loaded+sum.Replaced+sum.Inserts > 0 {
		t.Errorf("%+v", sum)
	}
	// One conversion is rejected, one is new, one is gone.
	r.Set("Conversion", ids[3], map[string]any{"status": "rejected", "payout": "0.00000"})
	r.Set("Conversion", 7, map[string]any{"tune_event_id": "by-hand", "datetime": "2016-09-09 23:59:59", "offer_id": "5", "is_adjustment": "1", "payout": "-3.25000"})
	r.Conversions.Delete(ids[4])
	if sum = r.load("20160908..20160910"); sum.AlreadyLoaded != 2 || sum.Replaced != 1 || sum.Changed != 1 || sum.Rows != 60 {
		t.Errorf("%+v", sum)
	}
	r.want("SELECT toString((count(), uniqExact(id), countIf(id = "+strconv.Itoa(ids[4])+"), anyIf(status, id = "+strconv.Itoa(ids[3])+"), sumIf(payout, id IN (7, "+strconv.Itoa(ids[3])+")), anyIf(toString(datetime), id = 7))) FROM conversion_report WHERE network = ?",
		"(100,100,0,'rejected',-3.25,'2016-09-09 23:59:59')")
	// A reload brings the same.
	if sum = r.load("20160909", func(o *Options) { o.Reload = true }); sum.Replaced != 1 || sum.Changed != 0 {
		t.Errorf("%+v", sum)
	}
	// An answer without rows takes nothing away, unless somebody says so.
	for _, id := range append(ids, 7) {
		r.Conversions.Delete(id)
	}
	if sum = r.load("20160909"); sum.Failed != 1 || !strings.Contains(sum.Failures[0].Err, "60: they are kept") {
		t.Errorf("%+v", sum)
	}
	r.want("SELECT toString(count()) FROM conversion_report WHERE network = ?", "100")
	if sum = r.load("20160909", func(o *Options) { o.Reload = true }); sum.Loaded != 1 || sum.Rows != 0 {
		t.Errorf("%+v", sum)
	}
	r.want("SELECT toString(count()) FROM conversion_report WHERE network = ?", "40")
}

// Twins, numbers for texts, refused fields, hours of a slow day and a count that does not
// fit: the rows are the same.
func TestReportOdd(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Australia/Sydney")
	if err != nil {
		t.Fatal(err)
	}
	cfg := reportConfig()
	cfg.Zone = zone
	r := aloneReported(t, "odd", cfg)
	r.happen(nine, 60)
	r.happen(time.Date(2016, 9, 9, 20, 0, 0, 0, time.UTC), 30) // the 10th in Sydney
	r.Conversions.Refuse(true, "Stat.ip", "Stat.id")
	r.Conversions.Currencies("EUR", "USD")
	r.Conversions.Numbers(true)
	r.Conversions.Slow(40)
	r.Conversions.Miscount(2)
	sum := r.load("20160909..20160910")
	if sum.Rows != 90 || sum.Loaded != 2 || sum.Rescued != 90 || len(sum.Issues) != 2 || sum.Issues[0].Issues[0].Kind != checkpoint.Unsteady || len(sum.Shifts) > 0 {
		t.Errorf("%+v", sum)
	}
	r.want("SELECT toString((count(), uniqExact(tune_event_id), max(id), countIf(ip != toIPv6('::')), countIf(_rescued['Stat.payout@EUR'] = ''), countIf(toDate(datetime, 'Australia/Sydney') != date))) FROM conversion_report WHERE network = ?",
		"(90,90,0,0,0,0)")
	r.want("SELECT toString(arraySort(groupUniqArray(toString(_hour)))) FROM conversion_report WHERE network = ?", "['2016-09-09 00:00:00','2016-09-10 00:00:00']")
	if got := r.src.Refused(); !slices.Equal(got, []string{"Stat.id", "Stat.ip"}) {
		t.Errorf("%q", got)
	}
	// The count is right again: what was said of it is withdrawn.
	r.Conversions.Miscount(0)
	if sum = r.load("20160909..20160910"); sum.AlreadyLoaded != 2 || len(sum.Issues) > 0 {
		t.Errorf("%+v", sum)
	}
	// Rows that come while pages are read.
	r.happen(nine.Add(-time.Hour), 50)
	r.Conversions.Arriving(20)
	r.load("20160909..20160910")
	r.load("20160909..20160910")
	r.want("SELECT toString((count(), uniqExact(tune_event_id))) FROM conversion_report WHERE network = ?", "(140,140)")
}

// A run of raw logs neither sees nor harms days that a dead load of the report left
// loading; the next load of the report recovers them.
func TestReportDiesBesideLogs(t *testing.T) {
	t.Parallel()
	at := testkit.DatabaseConfig(t)
	st := testkit.OpenStore(t, at)
	r := newReported(t, at, st, "beside", reportConfig())
	r.happen(nine, 60)
	r.load("20160909")
	r.happen(nine.Add(time.Hour), 20)
	r.opts.Periods = []rawlog.Period{rawlog.DayOf(nine)}
	die(t, r, moment{kind: "insert", nth: 1}, dieAfter)
	testkit.ExpireLeases(t, st, "beside")
	files := newFolder(t).hours(2, 30)
	if sum, err := Run(t.Context(), st, files.source(), Options{Network: "beside"}); err != nil || sum.Failed > 0 || sum.Loaded != 2 || sum.Listed != 2 {
		t.Fatalf("%v, %+v", err, sum)
	}
	sum := r.load("20160909")
	if sum.Recovered != 1 || sum.Loaded != 1 {
		t.Errorf("%+v", sum)
	}
	r.want("SELECT toString((count(), uniqExact(id))) FROM conversion_report WHERE network = ?", "(80,80)")
	r.want("SELECT toString(count()) FROM clicks WHERE network = ?", "60")
}

// die runs the report into a fault that ends the process.
func die(t testing.TB, r *reported, at moment, f fault) *saboteur {
	t.Helper()
	s := &saboteur{trap: trap{at: at}, fault: f}
	if err := r.hooked(s); err == nil {
		t.Fatal("it lives")
	}
	return s
}

// hooked loads through a store of its own whose writes a saboteur watches.
func (r *reported) hooked(s *saboteur) error {
	r.Helper()
	cfg := r.cfg
	cfg.Hook = s.hook
	ctx, die := context.WithCancelCause(r.Context())
	defer die(nil)
	s.die = die
	st, err := store.Open(r.Context(), cfg)
	if err != nil {
		r.Fatal(err)
	}
	defer st.Close()
	_, err = Run(ctx, st, r.src, r.opts)
	return err
}

// Each fault befalls every write of a load that replaces a day and brings a new one; then it
// runs again.
func TestReportCrashMatrix(t *testing.T) {
	t.Parallel()
	cfg := testkit.DatabaseConfig(t)
	st := testkit.OpenStore(t, cfg)
	season := func(network string) *reported {
		r := newReported(t, cfg, st, network, reportConfig())
		r.opts.Periods = []rawlog.Period{{From: rawlog.DayOf(nine).From, To: rawlog.DayOf(nine).From.AddDate(0, 0, 3)}}
		ids := r.happen(nine, 30)
		r.happen(nine.AddDate(0, 0, 1), 10)
		r.load("20160909..20160910")
		r.Set("Conversion", ids[3], map[string]any{"status": "rejected"})
		r.happen(nine.AddDate(0, 0, 2), 20)
		return r
	}
	r := season("report-clean")
	counting := new(saboteur)
	if err := r.hooked(counting); err != nil {
		t.Fatal(err)
	}
	prints := func(network string) string {
		return fmt.Sprintf("%x %x", count(t, st, "SELECT sum(cityHash64(* EXCEPT (network, _insert, _loaded_at))) FROM conversion_report WHERE network = ?", network),
			count(t, st, "SELECT sum(cityHash64(log_type, file, hour, state, lines, rows, rescued, rejected, error)) FROM ingest_files FINAL WHERE network = ?", network))
	}
	want := prints("report-clean")
	if n := count(t, st, "SELECT count() FROM conversion_report WHERE network = ?", "report-clean"); n != 60 || len(counting.all) < 6 {
		t.Fatalf("%d rows, %d writes", n, len(counting.all))
	}
	for _, f := range []fault{lost, unknown, dieFirst, dieAfter} {
		for _, at := range counting.all {
			t.Run(fmt.Sprintf("%s/%s", f, at), func(t *testing.T) {
				t.Parallel()
				network := "report-" + f.String() + "-" + strings.ReplaceAll(at.String(), " ", "-")
				r := season(network)
				r.TB = t
				s := &saboteur{trap: trap{at: at}, fault: f}
				err := r.hooked(s)
				if s.op.Load() == nil {
					t.Fatal("the fault never struck")
				}
				if err != nil && !errors.Is(err, errDead) && f != dieFirst && f != dieAfter {
					t.Errorf("write %v: the run did not mend it: %v", s.op.Load(), err)
				}
				testkit.ExpireLeases(t, st, network)
				r.load("20160909..20160911")
				if got := prints(network); got != want {
					t.Errorf("write %v:\n got %s\nwant %s", s.op.Load(), got, want)
				}
			})
		}
	}
}
