package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/checkpoint"
	firehosedir "rawlogs/internal/dirs/firehose"
	diskfolder "rawlogs/internal/dirs/folder"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// events is a folder of files of events.
type events struct {
	testing.TB
	root string
	st   *store.Store
	opts Options
	tick time.Time
}

func newEvents(t testing.TB, st *store.Store, network string) *events {
	return &events{t, t.TempDir(), st, Options{Network: network, Events: true, Log: testLog(t)}, time.Now()}
}

// put writes a file of lines, also in the place of another.
func (e *events) put(name string, lines ...string) {
	e.Helper()
	path := filepath.Join(e.root, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600)); err != nil {
		e.Fatal(err)
	}
	e.tick = e.tick.Add(time.Second)
	if err := os.Chtimes(path, e.tick, e.tick); err != nil {
		e.Fatal(err)
	}
}

func (e *events) run(opts Options) Summary {
	e.Helper()
	opts.Network, opts.Events, opts.Log, opts.Fetchers = e.opts.Network, true, e.opts.Log, 1 // so that files come in order
	sum, err := Run(e.Context(), e.st, firehosedir.New(diskfolder.New(e.root, nil), nil), opts)
	if err != nil {
		e.Fatal(err)
	}
	report, err := Verify(e.Context(), e.st, e.opts)
	if err != nil || len(report.Differences) > 0 {
		e.Fatalf("verify: %+v, %v", report, err)
	}
	return sum
}

// rows are a table's events: id, file, place and payout.
func (e *events) rows(table string) string {
	e.Helper()
	return e.text(`SELECT arrayStringConcat(arraySort(groupArray(concat(tune_event_id, ' ', replaceOne(_file, 'firehose/', ''), ':', toString(_line), ' ', toString(toFloat64(payout_cents))))), '; ') FROM `+table+` WHERE network = ?`, e.opts.Network)
}

func (e *events) text(query string, args ...any) (out string) {
	e.Helper()
	if err := e.st.Conn().QueryRow(context.Background(), query, args...).Scan(&out); err != nil {
		e.Fatal(err)
	}
	return out
}

func (e *events) want(what, got, want string) {
	e.Helper()
	if got != want {
		e.Errorf("%s:\n got %s\nwant %s", what, got, want)
	}
}

// event is one as JSON, with a click's id and an amount in units.
func event(action, id string, payout float64, more ...string) string {
	return fmt.Sprintf(`{"action":%q,"event_id":%q,"transaction_id":"t%s","offer_id":3,"datetime":"2026-11-20 09:10:11","payout":%g%s}`, action, id, id, payout, strings.Join(append([]string{""}, more...), ","))
}

// The events of a file go into the tables of their types, each once, however often and in
// whatever files they come.
func TestEventsOnce(t *testing.T) {
	t.Parallel()
	e := newEvents(t, testkit.Database(t), "once")
	e.put("2026/11/20/09/a.json", event("click", "1", 0.5), event("conversion", "2", 10, `"aff_sub":"x"`, `"is_test":true`), event("click", "1", 0.5), "oops", event("impression", "3", 0))
	e.put("2026/11/20/09/b.json", event("click", "4", 1), event("click", "1", 0.5))
	e.put("2026/11/20/10/c.json", event("click", "1", 0.5), event("conversion", "2", 10))
	sum := e.run(Options{})
	e.want("clicks", e.rows("clicks"), "1 2026/11/20/09/a.json:1 50; 4 2026/11/20/09/b.json:1 100")
	e.want("conversions", e.rows("conversions"), "2 2026/11/20/09/a.json:2 1000")
	e.want("impressions", e.rows("impressions"), "3 2026/11/20/09/a.json:5 0")
	e.want("aliases and the rest", e.text("SELECT concat(affiliate_sub1, ' ', transaction_id, ' ', toString(datetime), ' ', _rescued['is_test']) FROM conversions"), "x t2 2026-11-20 09:10:11 1")
	e.want("put aside", e.text("SELECT concat(log_type, ' ', toString(line), ' ', raw) FROM rejected_rows"), "clicks 4 oops")
	e.want("ledger", e.text(`SELECT arrayStringConcat(arraySort(groupArray(concat(log_type, ' ', file, ' ', toString(rows), ' ', toString(left_out), ' ', arrayStringConcat(leans_on, ',')))), '; ') FROM ingest_files_current WHERE left_out > 0`),
		"clicks firehose/2026/11/20/09/a.json 1 1 ; clicks firehose/2026/11/20/09/b.json 1 1 firehose/2026/11/20/09/a.json; clicks firehose/2026/11/20/10/c.json 0 1 firehose/2026/11/20/09/a.json; conversions firehose/2026/11/20/10/c.json 0 1 firehose/2026/11/20/09/a.json")
	if sum.Loaded != 9 || sum.LeftOut != 4 || sum.Rows != 4 || sum.Rejected != 1 || len(sum.Issues) != 1 || len(sum.Duplicates) > 0 {
		t.Errorf("%+v", sum)
	}
	// A later delivery under another name, packed, and the same files again: nothing new.
	e.put("2026/11/21/09/again.json", event("click", "4", 1), event("click", "5", 2))
	if sum = e.run(Options{}); sum.Loaded != 3 || sum.AlreadyLoaded != 9 || sum.Rows != 1 {
		t.Errorf("%+v", sum)
	}
	// A reload changes nothing.
	before := e.rows("clicks")
	if sum = e.run(Options{Reload: true}); sum.Loaded != 12 || sum.Failed > 0 {
		t.Errorf("%+v", sum)
	}
	e.want("reloaded", e.rows("clicks"), before)
	// Two runs that share the files could not know of each other's events.
	if _, err := Run(t.Context(), e.st, firehosedir.New(diskfolder.New(e.root, nil), nil), Options{Network: "once", Events: true, Share: rawlog.Share{I: 1, N: 2}}); !errors.Is(err, ErrShared) {
		t.Errorf("shared: %v", err)
	}
}

// Adjustments are rows of their own, whose amounts are differences, and count once each.
func TestEventAdjustments(t *testing.T) {
	t.Parallel()
	e := newEvents(t, testkit.Database(t), "adjusted")
	rejected := func(seq string) string {
		return event("conversion", "2", -10, `"adjust_action":2`, `"adjustment_sequence_id":`+seq, `"num":-1`, `"current_payout":0`)
	}
	e.put("a-2026-11-20-09.json", event("conversion", "2", 10), rejected("1"), event("conversion", "9", 4, `"adjust_action":"create"`))
	e.put("b-2026-11-20-10.json", rejected("1"), rejected("2"), event("conversion", "2", 10))
	e.put("c-2026-11-20-11.json", rejected("2"), event("conversion", "9", 4, `"adjust_action":1`))
	e.run(Options{})
	e.want("rows", e.text("SELECT arrayStringConcat(arraySort(groupArray(concat(tune_event_id, ' ', toString(is_adjustment), ' ', toString(toFloat64(payout_cents)), ' ', _rescued['adjustment_sequence_id']))), '; ') FROM conversions"),
		"2 0 1000 ; 2 1 -1000 1; 2 1 -1000 2; 9 1 400 ")
	e.want("as they stand", e.text("SELECT toString(toFloat64(sum(payout))) FROM conversions_current"), "-6")
	// Also where somebody made columns of the keys.
	for _, c := range []string{"adjust_action UInt8", "adjustment_sequence_id UInt64"} {
		if err := testkit.OnShards(t.Context(), e.st, "ALTER TABLE conversions ADD COLUMN "+c); err != nil {
			t.Fatal(err)
		}
	}
	e.put("d-2026-11-20-12.json", rejected("3"))
	e.put("e-2026-11-20-13.json", rejected("3"), rejected("1"), event("conversion", "2", 10))
	e.run(Options{})
	e.want("in columns", e.text("SELECT toString(toFloat64(sum(payout))) FROM conversions_current"), "-16")
}

// What is no longer in a file that was replaced comes back from those that left it out.
func TestEventsMove(t *testing.T) {
	t.Parallel()
	e := newEvents(t, testkit.Database(t), "moved")
	one, two, three := event("click", "1", 1), event("click", "2", 2), event("click", "3", 3)
	clicks := Options{Types: []rawlog.Type{rawlog.Clicks}}
	e.put("a-2026-11-20-10.json", one, two)
	e.run(clicks)
	e.put("b-2026-11-20-09.json", two, three) // of an earlier hour
	e.put("c-2026-11-20-11.json", one)
	e.run(clicks)
	e.want("at first", e.rows("clicks"), "1 a-2026-11-20-10.json:1 100; 2 a-2026-11-20-10.json:2 200; 3 b-2026-11-20-09.json:2 300")
	e.put("a-2026-11-20-10.json", one)
	sum := e.run(clicks)
	e.want("replaced", e.rows("clicks"), "1 a-2026-11-20-10.json:1 100; 2 b-2026-11-20-09.json:1 200; 3 b-2026-11-20-09.json:2 300")
	if sum.Relean != 2 || len(sum.Issues) > 0 {
		t.Errorf("%+v", sum)
	}
	// Where the file that left it out is gone, that is told, run after run.
	e.put("d-2026-11-20-12.json", three)
	e.run(clicks)
	if err := os.Remove(filepath.Join(e.root, "d-2026-11-20-12.json")); err != nil {
		t.Fatal(err)
	}
	e.put("b-2026-11-20-09.json", two)
	for range 2 {
		sum = e.run(clicks)
		told := 0
		for _, i := range sum.Issues {
			if i.Has(checkpoint.LeftOut) || i.Has(checkpoint.Unloaded) {
				told++
			}
		}
		if told != 2 {
			t.Errorf("told of %d: %+v", told, sum.Issues)
		}
	}
	// A file without an hour in its name that is written to later stays where its rows are.
	e.tick = e.tick.Add(-48 * time.Hour)
	e.put("f.json", event("click", "8", 8))
	e.run(clicks)
	e.tick = e.tick.Add(5 * time.Hour)
	e.put("f.json", event("click", "9", 9))
	if sum = e.run(clicks); sum.Replaced != 1 {
		t.Errorf("%+v", sum)
	}
	if err := os.Remove(filepath.Join(e.root, "f.json")); err != nil {
		t.Fatal(err)
	}
	if err := testkit.OnShards(t.Context(), e.st, "DELETE FROM clicks WHERE tune_event_id IN ('8', '9')"); err != nil {
		t.Fatal(err)
	}
	if err := testkit.OnShards(t.Context(), e.st, "DELETE FROM ingest_files WHERE file = 'firehose/f.json'"); err != nil {
		t.Fatal(err)
	}
	// A source of raw logs does not miss files of events, whatever state they are in.
	raw, err := Run(t.Context(), e.st, newFolder(t).hours(1, 5).source(), Options{Network: "moved", RetryFailed: true, Log: testLog(t)})
	if err != nil || len(raw.Missing) > 0 || raw.Loaded != 1 {
		t.Errorf("%+v, %v", raw, err)
	}
	// All of it again at once, by a reload of changed files, in the order of their hours.
	e.put("d-2026-11-20-12.json", three)
	e.put("a-2026-11-20-10.json", event("click", "7", 7))
	if sum = e.run(Options{Types: clicks.Types, Reload: true}); len(sum.Issues) > 0 {
		t.Errorf("%+v", sum.Issues)
	}
	e.want("in the end", strings.Join(strings.Split(e.rows("clicks"), "; ")[5:], "; "), "1 c-2026-11-20-11.json:1 100; 2 b-2026-11-20-09.json:1 200; 3 d-2026-11-20-12.json:1 300; 7 a-2026-11-20-10.json:1 700")
}

// TestEventsCrashMatrix kills a run after each of its writes, while it loads new files of
// events, replaces one and so has another loaded again; then it runs again and compares.
func TestEventsCrashMatrix(t *testing.T) {
	t.Parallel()
	cfg := testkit.DatabaseConfig(t)
	st := testkit.OpenStore(t, cfg)
	begin := func(t *testing.T, network string) *events {
		e := newEvents(t, st, network)
		e.opts.Types = []rawlog.Type{rawlog.Clicks}
		e.put("a-2026-11-20-10.json", event("click", "1", 1), event("click", "2", 2))
		e.put("b-2026-11-20-11.json", event("click", "2", 2), event("click", "3", 3))
		e.run(Options{Types: e.opts.Types})
		e.put("a-2026-11-20-10.json", event("click", "1", 1))
		e.put("c-2026-12-01-00.json", event("click", "3", 3), event("click", "4", 4), "oops")
		return e
	}
	hooked := func(t *testing.T, e *events, s *saboteur) error {
		opts := e.opts
		opts.Fetchers = 1
		return s.run(t, cfg, firehosedir.New(diskfolder.New(e.root, nil), nil), opts)
	}
	clean := begin(t, "clean")
	counting := new(saboteur)
	if err := hooked(t, clean, counting); err != nil {
		t.Fatal(err)
	}
	want := clean.rows("clicks")
	clean.want("without a fault", want, "1 a-2026-11-20-10.json:1 100; 2 b-2026-11-20-11.json:1 200; 3 b-2026-11-20-11.json:2 300; 4 c-2026-12-01-00.json:2 400")
	// That a write is lost or its answer, is for TestCrashMatrix: here it is what a death
	// between two of them leaves.
	for _, at := range counting.all {
		if at.kind == "lease" {
			continue
		}
		t.Run(at.String(), func(t *testing.T) {
			t.Parallel()
			name := at.String()
			e := begin(t, name)
			s := &saboteur{trap: trap{at: at}, fault: dieAfter}
			if err := hooked(t, e, s); err == nil || s.op.Load() == nil {
				t.Errorf("the fault never struck: %v", err)
			}
			testkit.ExpireLeases(t, st, name)
			sum := e.run(Options{Types: e.opts.Types})
			e.want(name, e.rows("clicks"), want)
			if len(sum.Issues) != 1 { // the line that was put aside
				t.Errorf("%+v", sum.Issues)
			}
		})
	}
}

// A run about single files loads these, and neither misses nor loads others of their hour.
func TestNamedAlone(t *testing.T) {
	t.Parallel()
	e := newEvents(t, testkit.Database(t), "alone")
	e.put("2026/11/20/09/a.json", event("click", "1", 1))
	e.put("2026/11/20/09/b.json", event("click", "2", 1))
	hour := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	src := firehosedir.New(diskfolder.New(e.root, nil), nil)
	of := func(name string) (Summary, error) {
		var files []rawlog.File
		for _, typ := range rawlog.Types() {
			files = append(files, rawlog.File{Type: typ, Name: "firehose/" + name, Hour: hour, Size: -1})
		}
		return Run(e.Context(), e.st, src.These(files), Options{
			Network: "alone", Events: true, Log: e.opts.Log, Files: []string{"firehose/" + name}, Periods: []rawlog.Period{{From: hour, To: hour.Add(time.Hour)}},
		})
	}
	// One that is not there fails, and is open from then on.
	if sum, err := of("2026/11/20/09/gone.json"); err != nil || sum.Failed != 3 || sum.Loaded != 0 {
		t.Errorf("%+v, %v", sum, err)
	}
	if sum, err := of("2026/11/20/09/a.json"); err != nil || sum.Loaded != 3 || sum.Rows != 1 || len(sum.Missing) > 0 || len(sum.Issues) > 0 {
		t.Errorf("%+v, %v", sum, err)
	}
	e.want("clicks", e.rows("clicks"), "1 2026/11/20/09/a.json:1 100")
	// The same again is nothing new.
	if sum, err := of("2026/11/20/09/a.json"); err != nil || sum.AlreadyLoaded != 3 || sum.Loaded != 0 {
		t.Errorf("%+v, %v", sum, err)
	}
}
