package pipeline

import (
	"os"
	"path/filepath"
	"testing"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// monthLater is a night of the days that come a month after firstHour's, in which files that an
// earlier run left open are looked for, and no others of that time.
func monthLater(network string) Options { return nightly(network, 30) }

// A run that dies at any of its writes, as it replaces a file that has a copy, leaves nothing that
// counts as loaded without rows: a night that looks at other days loads the copy, or says that
// it is lost.
func TestCopiesCrashMatrix(t *testing.T) {
	t.Parallel()
	first, second := hourly("AAAAAA"), hourly("BBBBBB")
	for _, c := range []struct {
		name   string
		change func(*Options)
		gone   bool // the source lists the copy no more
	}{
		{name: "the original alone", change: func(o *Options) { o.Files, o.Reload = []string{first}, true }},
		{name: "a reload of both", change: func(o *Options) { o.Reload = true }},
		{name: "the copy is gone", change: func(*Options) {}, gone: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg := testkit.DatabaseConfig(t)
			st := testkit.OpenStore(t, cfg)
			replace := func(t *testing.T, network string, s *saboteur) (*folder, error) {
				src, opts := newFolder(t), Options{Network: network, Fetchers: 1, Parsers: 1}
				src.copied(st, opts)
				src.put(first, export(ids(101, 170)...))
				if c.gone {
					if err := os.Remove(filepath.Join(src.root, second)); err != nil {
						t.Fatal(err)
					}
				}
				c.change(&opts)
				return src, s.run(t, cfg, src.source(), opts)
			}
			counting := new(saboteur)
			if _, err := replace(t, "clean", counting); err != nil {
				t.Fatal(err)
			}
			if len(counting.all) < 8 {
				t.Fatalf("only %d writes; the matrix would prove little", len(counting.all))
			}
			for _, at := range counting.all {
				t.Run(at.String(), func(t *testing.T) {
					s := &saboteur{trap: trap{at: at}, fault: dieAfter}
					src, _ := replace(t, at.String(), s)
					if s.op.Load() == nil {
						t.Fatal("the fault never struck")
					}
					testkit.ExpireLeases(t, st, at.String())
					sum, err := Run(t.Context(), st, src.source(), monthLater(at.String()))
					if err != nil || sum.Failed > 0 {
						t.Fatalf("write %v: %+v, %v", s.op.Load(), sum, err)
					}
					notSilentlyGone(t, st, at.String(), second, c.gone)
				})
			}
		})
	}
}

// notSilentlyGone checks that the former text's 60 rows are there, under whichever name, or that the copy is
// told as lost where it may be.
func notSilentlyGone(t *testing.T, st *store.Store, network, copied string, mayBeLost bool) {
	t.Helper()
	if report, err := Verify(t.Context(), st, Options{Network: network}); err != nil || len(report.Differences) > 0 {
		t.Errorf("verify: %+v, %v", report, err)
	}
	n := count(t, st, "SELECT uniqExact(transaction_id) FROM clicks WHERE network = ? AND toUInt32(substring(transaction_id, 2)) <= 60", network)
	e := entryOf(t, st, Options{Network: network}, copied)
	lost := mayBeLost && e.State == checkpoint.Planned && e.Has(checkpoint.Lost)
	if n != 60 && !lost {
		t.Errorf("%d rows of the former text, and the copy is %+v", n, e)
	}
}

// A copy whose original is another worker's is loaded by its own, once that has another text.
func TestCopyOfAnotherWorkersFile(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	src := newFolder(t)
	opts := Options{Network: "acme"}
	ones, others := share(t, "1/2"), share(t, "2/2")
	var first, second string
	for seed := 'A'; first == "" || second == ""; seed++ {
		switch name := hourly("AAAAA" + string(seed)); {
		case first == "" && ones.Has(name):
			first = name
		case second == "" && others.Has(name):
			second = name
		}
	}
	for _, name := range []string{first, second} {
		src.put(name, export(ids(1, 60)...))
		_ = src.night(st, opts)
	}
	src.put(first, export(ids(101, 170)...))
	opts.Share = ones
	if sum, err := Run(t.Context(), st, src.source(), opts); err != nil || sum.Loaded != 1 {
		t.Errorf("%+v, %v", sum, err)
	}
	night := monthLater(opts.Network)
	night.Share = others
	if sum, err := Run(t.Context(), st, src.source(), night); err != nil || sum.Failed > 0 || sum.Loaded != 1 {
		t.Errorf("%+v, %v", sum, err)
	}
	notSilentlyGone(t, st, opts.Network, second, false)
}
