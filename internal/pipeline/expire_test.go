package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/checkpoint/lease"
	"rawlogs/internal/dirs"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// sinceOctober is the lifetime by which October of 2016, in which the later half of the
// folder's hours lie, is the first month that is kept.
func sinceOctober() int {
	now := time.Now().UTC()
	return (now.Year()-2016)*12 + int(now.Month()) - 10
}

// aging is a source with hours in September and October, some rows of which are no rows, and
// with something of this hour, by which the clock is believed.
func aging(t *testing.T) *folder {
	t.Helper()
	src := newFolder(t).hours(6, 50)
	src.write(gen.Spec{Type: rawlog.Clicks, Hour: firstHour.Add(time.Hour), Rows: 40, Broken: 3}) // in the place of one of them
	src.write(gen.Spec{Type: rawlog.Conversions, Hour: time.Now().UTC().Truncate(time.Hour), Rows: 5})
	return src
}

// agedRows counts the clicks of a network, and its rejected lines.
func agedRows(t *testing.T, st *store.Store, network string) [2]uint64 {
	t.Helper()
	return [2]uint64{count(t, st, "SELECT count() FROM clicks WHERE network = ?", network), count(t, st, "SELECT countIf(piece = 0) FROM rejected_rows WHERE network = ?", network)}
}

// expiredFiles counts the files that the ledger calls expired.
func expiredFiles(t *testing.T, st *store.Store, network string) uint64 {
	t.Helper()
	return count(t, st, "SELECT count() FROM ingest_files_current WHERE network = ? AND state = 'expired'", network)
}

func loadAged(t *testing.T, st *store.Store, src *folder, opts Options) Summary {
	t.Helper()
	sum, err := Run(t.Context(), st, src.source(), opts)
	if err != nil || sum.Failed > 0 {
		t.Fatalf("%v, %+v", err, sum)
	}
	return sum
}

// setLife says for how long clicks are kept, as if it had been said long ago.
func setLife(t *testing.T, st *store.Store, network string, months int) {
	t.Helper()
	if err := checkpoint.Open(st, network).SetLifetime(t.Context(), rawlog.Clicks, months, "test"); err != nil {
		t.Fatal(err)
	}
}

func sound(t *testing.T, st *store.Store, network string, expired int) {
	t.Helper()
	if report, err := Verify(t.Context(), st, Options{Network: network}); err != nil || len(report.Differences)+len(report.RollUps) > 0 || report.Unsettled > 0 || report.Expired != expired {
		t.Errorf("verify: %+v, %v", report, err)
	}
}

// counted is a source that counts what is fetched from it.
type counted struct {
	dirs.Source
	opened *atomic.Int64
}

func (c counted) Open(ctx context.Context, f rawlog.File, offset int64, etag string) (*dirs.Body, error) {
	c.opened.Add(1)
	return c.Source.Open(ctx, f, offset, etag)
}

// What is over goes, of this network and type alone, whoever loaded it; it is neither loaded
// again nor missed, until somebody says that it is to be kept.
func TestExpire(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	src := aging(t)
	opts, other := Options{Network: "acme"}, Options{Network: "other"}
	loadAged(t, st, src, opts)
	loadAged(t, st, src, other)
	all := agedRows(t, st, "acme")
	want := [2]uint64{100, 0}
	// Rows that no ledger knows, and some that are deleted by a mark alone.
	for _, sql := range []string{
		"INSERT INTO " + st.Holding("clicks") + " (network, _file, _hour, _insert) SELECT 'acme', 'stray', toDateTime('2016-08-05 00:00:00'), 7 FROM numbers(9)",
		"DELETE FROM clicks WHERE network = 'acme' AND _file = 'stray' AND _insert = 7 AND rand() % 2 = 0",
	} {
		if err := testkit.OnShards(t.Context(), st, sql); err != nil {
			t.Fatal(err)
		}
	}
	foretold, err := Lifetimes(t.Context(), st, opts, rawlog.Lifetimes{rawlog.Clicks: sinceOctober()})
	if err != nil || len(foretold) != 3 || len(foretold[0].Over) != 2 || foretold[0].Over[1].Files != 4 || foretold[0].Doubt != "" || foretold[0].Former != 0 || foretold[1].Over != nil {
		t.Errorf("foretold: %+v, %v", foretold, err)
	}
	if got := agedRows(t, st, "acme"); got[1] != all[1] || expiredFiles(t, st, "acme") > 0 {
		t.Errorf("a look left %v", got)
	}

	sum, err := SetLifetimes(t.Context(), st, opts, rawlog.Lifetimes{rawlog.Clicks: sinceOctober()})
	if err != nil || len(sum.Undropped) > 0 || len(sum.Dropped) != 2 || sum.Dropped[1].Files != 4 || sum.Dropped[1].Rows != all[0]-want[0] || sum.Dropped[1].Rejected != 3 {
		t.Errorf("%+v, %v", sum, err)
	}
	if got := agedRows(t, st, "acme"); got != want {
		t.Errorf("rows and rejected lines %v, want %v", got, want)
	}
	if got := agedRows(t, st, "other"); got != all {
		t.Errorf("the other network has %v, want %v", got, all)
	}
	parts, database := st.Parts()
	if n := count(t, st, "SELECT count() FROM "+parts+" WHERE active AND database = ? AND table = 'clicks' AND has_lightweight_delete", database); n > 0 {
		t.Errorf("%d parts hold rows that are only marked", n)
	}
	sound(t, st, "acme", 4)
	if n := count(t, st, "SELECT count() FROM ingest_files_current WHERE state = 'expired' AND (rows > 0 OR rejected > 0 OR notEmpty(inserts) OR notEmpty(issues))"); n > 0 {
		t.Errorf("of %d expired files the ledger counts rows", n)
	}

	// A file of September that comes late, and a whole reload, fetch nothing of September.
	src.write(gen.Spec{Type: rawlog.Clicks, Hour: firstHour.Add(-24 * time.Hour), Rows: 30})
	opened := new(atomic.Int64)
	for _, c := range []struct {
		opts             Options
		expired, fetched int
	}{{opts, 5, 0}, {Options{Network: "acme", Reload: true}, 5, 3}, {Options{Network: "acme", DryRun: true}, 5, 0},
		{Options{Network: "acme", RetryFailed: true, Periods: []rawlog.Period{rawlog.DayOf(firstHour.Add(-24 * time.Hour))}}, 1, 0}} {
		opened.Store(0)
		sum, err := Run(t.Context(), st, counted{src.source(), opened}, c.opts)
		if err != nil || sum.Expired != c.expired || int(opened.Load()) != c.fetched || sum.Listed != sum.AlreadyLoaded+sum.Loaded+sum.Expired+sum.Failed+sum.Left || len(sum.Undropped)+len(sum.Missing) > 0 {
			t.Errorf("%d fetched: %+v, %v", opened.Load(), sum, err)
		}
	}
	sound(t, st, "acme", 5)
	if got := agedRows(t, st, "acme"); got != want {
		t.Errorf("rows and rejected lines %v, want %v", got, want)
	}

	if sum, err = SetLifetimes(t.Context(), st, opts, rawlog.Lifetimes{rawlog.Clicks: 0}); err != nil || len(sum.Dropped) > 0 {
		t.Errorf("%+v, %v", sum, err)
	}
	if sum := loadAged(t, st, src, opts); sum.Loaded != 5 || sum.Expired != 0 {
		t.Errorf("%+v", sum)
	}
	if got := agedRows(t, st, "acme"); got != [2]uint64{all[0] + 30, all[1]} {
		t.Errorf("rows and rejected lines %v, want %v and 30 more", got, all)
	}
	sound(t, st, "acme", 0)
}

// A run drops what is over at its end, and open files of it are open no more; in doubt of the
// clock, or where nothing would be left, it says why it does not.
func TestRunExpires(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	for _, c := range []struct {
		name    string
		change  func(*folder, *Options)
		dropped int
		why     string
	}{
		{"due", func(*folder, *Options) {}, 4, ""},
		{"a share", func(_ *folder, o *Options) { o.Share = rawlog.Share{I: 1, N: 2} }, 0, ""},
		{"clock ahead", func(_ *folder, o *Options) { o.Now = func() time.Time { return time.Now().Add(50 * time.Hour) } }, 0, "clock and this machine's are 50h0m0s apart"},
		{"clock behind", func(_ *folder, o *Options) { o.Now = func() time.Time { return time.Now().Add(-50 * time.Hour) } }, 0, "apart: set them right"},
		{"nothing new", func(f *folder, _ *Options) { f.rows = map[string]int{} }, 0, "so the clock may be ahead"},
		{"nothing else", func(f *folder, _ *Options) { f.rows = nil }, 0, "nothing of clicks would be left"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			src, opts := aging(t), Options{Network: c.name}
			switch c.change(src, &opts); {
			case src.rows == nil: // September alone
				src = newFolder(t).hours(3, 50)
				src.write(gen.Spec{Type: rawlog.Conversions, Hour: time.Now().UTC().Truncate(time.Hour), Rows: 5})
			case len(src.rows) == 0:
				src = newFolder(t).hours(6, 50)
			}
			first := Options{Network: c.name}
			loadAged(t, st, src, first)
			all := agedRows(t, st, c.name)
			// One that failed, and is open.
			broken := src.write(gen.Spec{Type: rawlog.Clicks, Hour: firstHour.Add(-24 * time.Hour), Rows: 30})
			if err := checkpoint.Open(st, c.name).Put(t.Context(), []*checkpoint.Entry{{
				File: rawlog.File{Type: rawlog.Clicks, Name: broken, Hour: firstHour.Add(-24 * time.Hour), Size: -1}, State: checkpoint.Failed, Error: "broken",
				Issues: []checkpoint.Issue{{Kind: checkpoint.Unloaded, Text: "broken"}}, Since: time.Now(),
			}}); err != nil {
				t.Fatal(err)
			}
			setLife(t, st, c.name, sinceOctober())
			opts.Periods = []rawlog.Period{rawlog.DayOf(time.Now())}
			sum, err := Run(t.Context(), st, src.source(), opts)
			if err != nil {
				t.Fatal(err)
			}
			dropped := 0
			for _, d := range sum.Dropped {
				dropped += d.Files
			}
			if dropped != c.dropped || !strings.Contains(strings.Join(sum.Undropped, "; "), c.why) || (c.why == "") != (len(sum.Undropped) == 0) {
				t.Errorf("%d files dropped: %+v", dropped, sum)
			}
			if got := agedRows(t, st, c.name); (got == all) != (c.dropped == 0) {
				t.Errorf("rows and rejected lines %v of %v", got, all)
			}
			if n := expiredFiles(t, st, c.name); c.dropped == 0 && n > 0 || c.dropped > 0 && n != uint64(c.dropped+1) {
				t.Errorf("%d files are expired", n)
			}
			if c.why == "" || strings.Contains(c.why, "nothing") {
				return
			}
			// What is listed of the months in doubt is neither loaded nor given up.
			opts.Periods = nil
			sum, err = Run(t.Context(), st, src.source(), opts)
			if err != nil || sum.Expired == 0 || expiredFiles(t, st, c.name) > 0 || !slices.ContainsFunc(sum.Undropped, func(s string) bool { return strings.Contains(s, "neither loaded nor recorded") }) {
				t.Errorf("%+v, %v", sum, err)
			}
		})
	}
}

// Each fault befalls every write by which a month goes; the next run ends what was begun, or
// finds out what is left where the month is to be kept after all.
func TestExpireCrashes(t *testing.T) {
	t.Parallel()
	cfg := testkit.DatabaseConfig(t)
	st := testkit.OpenStore(t, cfg)
	src := aging(t)
	options := func(network string) Options { return Options{Network: network, Fetchers: 1, Parsers: 1} }
	prepare := func(t *testing.T, network string) {
		t.Helper()
		loadAged(t, st, src, options(network))
		setLife(t, st, network, sinceOctober())
	}
	prepare(t, "clean")
	before := fingerprint(t, st, "clean")
	counting := new(saboteur)
	if err := counting.run(t, cfg, src.source(), options("clean")); err != nil {
		t.Fatal(err)
	}
	want := fingerprint(t, st, "clean")
	var moments []moment
	for _, m := range counting.all {
		if m.kind == "delete" || m.kind == "ledger" {
			moments = append(moments, m)
		}
	}
	if len(moments) != 4 || want == before {
		t.Fatalf("the writes are %v", counting.all)
	}
	for _, f := range []fault{unknown, dieAfter} {
		for i, at := range moments {
			for _, kept := range []bool{false, true} {
				if f == unknown && (kept || i > 1) || kept && i%2 == 1 {
					continue
				}
				t.Run(fmt.Sprintf("%s/%s/%v", f, at, kept), func(t *testing.T) {
					t.Parallel()
					network := fmt.Sprintf("%s-%s-%v", f, at, kept)
					prepare(t, network)
					s := &saboteur{trap: trap{at: at}, fault: f}
					if err := s.run(t, cfg, src.source(), options(network)); err != nil && f == unknown || s.op.Load() == nil {
						t.Errorf("%v: %v", s.op.Load(), err)
					}
					if report, err := Verify(t.Context(), st, options(network)); err != nil || len(report.Differences)+len(report.RollUps) > 0 {
						t.Errorf("verify takes rows for lost: %+v, %v", report, err)
					}
					if f == dieAfter {
						testkit.ExpireLeases(t, st, network)
						if kept {
							setLife(t, st, network, 0)
						}
						loadAged(t, st, src, options(network))
					}
					got, expired := fingerprint(t, st, network), 4
					if kept {
						expired = 0
					}
					if kept && rowsOf(got) != rowsOf(before) || !kept && got != want {
						t.Errorf("\n got %s\nwant %s\n  or %s", got, want, before)
					}
					sound(t, st, network, expired)
				})
			}
		}
	}
}

// Files that a dead run had called expired, and that are to be kept after all, count again by
// what is there of them, also where the source has them no more.
func TestKeptAfterAll(t *testing.T) {
	t.Parallel()
	cfg := testkit.DatabaseConfig(t)
	st := testkit.OpenStore(t, cfg)
	src, opts := aging(t), Options{Network: "acme", Fetchers: 1, Parsers: 1}
	loadAged(t, st, src, opts)
	want := agedRows(t, st, "acme")
	setLife(t, st, "acme", sinceOctober())
	s := &saboteur{trap: trap{at: moment{"ledger", "expired", 1}}, fault: dieAfter}
	if err := s.run(t, cfg, src.source(), opts); err == nil || expiredFiles(t, st, "acme") != 4 {
		t.Fatalf("%v, %d files are expired", err, expiredFiles(t, st, "acme"))
	}
	testkit.ExpireLeases(t, st, "acme")
	setLife(t, st, "acme", 0)
	loadAged(t, st, newFolder(t), opts)
	if got := agedRows(t, st, "acme"); got != want || expiredFiles(t, st, "acme") != 0 {
		t.Errorf("rows and rejected lines %v, want %v; %d files are expired", got, want, expiredFiles(t, st, "acme"))
	}
	sound(t, st, "acme", 0)
}

// A run falls asleep when it has called files expired. Another one takes over, by whose
// settings they are kept: the sleeper deletes none of them.
func TestExpireWakesTooLate(t *testing.T) {
	t.Parallel()
	cfg := testkit.DatabaseConfig(t)
	st := testkit.OpenStore(t, cfg)
	src, opts := aging(t), Options{Network: "acme"}
	loadAged(t, st, src, opts)
	want := agedRows(t, st, "acme")
	setLife(t, st, "acme", sinceOctober())
	slept := trap{at: moment{"delete", "", 1}}
	hooked := cfg
	hooked.Hook = func(ctx context.Context, op store.Op, do func(context.Context) error) error {
		if slept.caught(op) {
			testkit.ExpireLeases(t, st, "acme")
			setLife(t, st, "acme", 0)
			if sum, err := Run(context.WithoutCancel(t.Context()), st, src.source(), opts); err != nil || sum.Recovered != 4 {
				t.Errorf("the run that took over: %+v, %v", sum, err)
			}
		}
		return do(ctx)
	}
	if _, err := Run(t.Context(), testkit.OpenStore(t, hooked), src.source(), opts); !errors.Is(err, lease.ErrLost) {
		t.Errorf("the sleeper ended with %v", err)
	}
	if got := agedRows(t, st, "acme"); got != want {
		t.Errorf("rows and rejected lines %v, want %v", got, want)
	}
	sound(t, st, "acme", 0)
}

// While a run is at work nobody drops anything, and a worker of a share is one.
func TestExpireBesideARun(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	src, opts := aging(t), Options{Network: "acme"}
	loadAged(t, st, src, opts)
	want := agedRows(t, st, "acme")
	for _, share := range []rawlog.Share{{}, {I: 2, N: 3}} {
		l := lease.New(st, "acme", "20161001t000000-0000000"+fmt.Sprint(share.N), share, testLog(t))
		if err := l.Claim(t.Context()); err != nil {
			t.Fatal(err)
		}
		var held *lease.HeldError
		if _, err := SetLifetimes(t.Context(), st, opts, rawlog.Lifetimes{rawlog.Clicks: sinceOctober()}); !errors.As(err, &held) {
			t.Errorf("beside %q: %v", share, err)
		}
		if lives, err := checkpoint.Open(st, "acme").Lifetimes(t.Context()); err != nil || len(lives) > 0 {
			t.Errorf("beside %q: %v, %v", share, lives, err)
		}
		if err := l.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := agedRows(t, st, "acme"); got != want {
		t.Errorf("rows and rejected lines %v, want %v", got, want)
	}
}

// A name that says an hour of years to come does not vouch for the clock.
func TestHorizonOfNames(t *testing.T) {
	t.Parallel()
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC) // a clock that is ahead
	h := horizon{lives: rawlog.Lifetimes{rawlog.Clicks: 1}, now: now}
	for _, c := range []struct {
		hour    time.Time
		trusted bool
	}{{now.AddDate(-3, 0, 0), false}, {now.AddDate(1, 0, 0), false}, {now.AddDate(0, 0, -62), true}, {now.AddDate(0, 0, 1), true}} {
		if h.reach([]rawlog.File{{Hour: c.hour}}); (h.doubt() == "") != c.trusted {
			t.Errorf("with a file of %s: %q", c.hour, h.doubt())
		}
	}
}

// A copy that the source listed no more when its original's month was over is no loss.
func TestCopiesExpire(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	src := newFolder(t)
	opts := Options{Network: "acme", Types: []rawlog.Type{rawlog.Clicks}}
	src.write(gen.Spec{Type: rawlog.Clicks, Hour: time.Now().UTC().Truncate(time.Hour), Rows: 5})
	_, second := src.copied(st, opts)
	if err := os.Remove(filepath.Join(src.root, second)); err != nil {
		t.Fatal(err)
	}
	setLife(t, st, "acme", sinceOctober())
	if sum := loadAged(t, st, src, opts); len(sum.Missing) > 0 {
		t.Errorf("%+v", sum)
	}
	if n := count(t, st, "SELECT count() FROM clicks"); n != 5 {
		t.Errorf("%d rows, want 5", n)
	}
	sound(t, st, "acme", 2)
	if sum := loadAged(t, st, src, opts); len(sum.Missing) > 0 {
		t.Errorf("the next night: %+v", sum)
	}
	sound(t, st, "acme", 2)
}
