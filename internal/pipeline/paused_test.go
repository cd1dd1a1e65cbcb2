package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"rawlogs/internal/checkpoint/lease"
	"rawlogs/internal/load/insert"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// sleeper is a store hook that lets a run sleep just before a write, past
// the last moment at which it can ask for its lease itself.
type sleeper struct {
	trap
	sleep func()
}

func (s *sleeper) hook(ctx context.Context, op store.Op, do func(context.Context) error) error {
	if s.caught(op) {
		s.sleep()
	}
	return do(ctx)
}

// TestPausedMatrix lets a run fall asleep before each of its writes, deletions
// and ledger writes included, and wake after another run took its lease over,
// loaded all that the source has, and ended. Nothing that the other run holds as
// loaded may be touched, and nothing of the sleeper's may stay. Each kind of run has a
// database, as deletions look at all parts of the month.
func TestPausedMatrix(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		large  bool
		reload bool
		gone   bool // the source has nothing left when the other run comes
	}{{"changed", false, false, false}, {"large", true, true, false}, {"gone", false, true, true}} {
		cfg := testkit.DatabaseConfig(t)
		st := testkit.OpenStore(t, cfg)
		opts := Options{Reload: c.reload, Fetchers: 1, Parsers: 1}
		if c.large {
			opts.MaxMemory = 2 << 20
		}
		prepare := func(t *testing.T, network string) (*folder, Options) {
			t.Helper()
			before, after := season(t)
			o := opts
			o.Network, o.Reload = network, false
			if c.large {
				before.hours(1, 3000)
			}
			if sum, err := Run(t.Context(), st, before.source(), o); err != nil || sum.Failed > 0 {
				t.Fatalf("%v, %+v", err, sum.Failures)
			}
			if !c.reload {
				after.later()
			}
			after.rows = before.rows
			o.Reload = c.reload
			return after, o
		}
		asleep := func(t *testing.T, network string, at moment, sleep func()) (*sleeper, error) {
			t.Helper()
			src, o := prepare(t, network)
			s := &sleeper{trap: trap{at: at}, sleep: func() {
				if c.gone {
					for name := range src.rows {
						if err := os.Remove(filepath.Join(src.root, name)); err != nil {
							t.Error(err)
						}
					}
				}
				sleep()
				o := o
				o.Reload = false
				if _, err := Run(t.Context(), st, src.source(), o); err != nil {
					t.Errorf("the run that took over: %v", err)
				}
			}}
			hooked := cfg
			hooked.Hook = s.hook
			hookedStore, err := store.Open(t.Context(), hooked)
			if err != nil {
				t.Fatal(err)
			}
			defer hookedStore.Close()
			_, err = Run(t.Context(), hookedStore, src.source(), o)
			return s, err
		}
		clean := "clean " + c.name
		before := ""
		counting := func() []moment {
			src, o := prepare(t, clean)
			before = fingerprint(t, st, clean)
			s := new(sleeper)
			hooked := cfg
			hooked.Hook = s.hook
			if _, err := Run(t.Context(), testkit.OpenStore(t, hooked), src.source(), o); err != nil {
				t.Fatal(err)
			}
			return s.all
		}
		writes := counting()
		want := fingerprint(t, st, clean)
		if c.gone {
			want = before
		}
		for _, at := range writes {
			if at.kind == "lease" && at.state != "released" {
				continue // before the lease is held there is nothing to lose
			}
			t.Run(fmt.Sprintf("%s/%s", c.name, at), func(t *testing.T) {
				t.Parallel()
				network := fmt.Sprintf("%s-%s", c.name, at)
				s, err := asleep(t, network, at, func() { testkit.ExpireLeases(t, st, network) })
				op, fired := s.op.Load().(store.Op)
				if !fired {
					t.Fatal("the run never fell asleep")
				}
				// Only a run that had nothing left to write but its lease's end may end well.
				if !errors.Is(err, lease.ErrLost) && (op.Kind != "lease" || err != nil) {
					t.Errorf("%v: the sleeper ended with %v", op, err)
				}
				if got := fingerprint(t, st, network); !c.gone && got != want || c.gone && rowsOf(got) != rowsOf(want) && !lostByName(t, st, network) {
					t.Errorf("asleep before %v:\n got %s\nwant %s", op, got, want)
				}
				if report, err := Verify(t.Context(), st, Options{Network: network}); err != nil || len(report.Differences) > 0 || report.Unsettled > 0 {
					t.Errorf("asleep before %v: verify: %+v, %v", op, report, err)
				}
			})
		}
	}
}

// An INSERT of a run that slept through its end, and was killed before it could
// take it back, is found by its id on the next night, though its file is loaded.
func TestOrphansAreSwept(t *testing.T) {
	t.Parallel()
	cfg := testkit.DatabaseConfig(t)
	st := testkit.OpenStore(t, cfg)
	src := newFolder(t).hours(2, 60)
	opts := Options{Network: "acme", Fetchers: 1, Parsers: 1}
	ctx, die := context.WithCancelCause(t.Context())
	defer die(nil)
	hooked := cfg
	hooked.Hook = (&saboteur{trap: trap{at: moment{"insert", "", 1}}, fault: dieFirst, die: die}).hook
	dead, err := Run(ctx, testkit.OpenStore(t, hooked), src.source(), opts)
	if err == nil {
		t.Fatal("the run that was to die came to its end")
	}
	testkit.ExpireLeases(t, st, "acme")
	if _, err := Run(t.Context(), st, src.source(), opts); err != nil {
		t.Fatal(err)
	}
	ids, ok := insert.IDs(dead.Run)
	if !ok {
		t.Fatalf("run %q names no INSERTs", dead.Run)
	}
	late := fmt.Sprintf("INSERT INTO "+st.Holding("clicks")+" SELECT * REPLACE (%d AS _insert) FROM clicks WHERE _hour = (SELECT max(_hour) FROM clicks)", ids.First+3)
	if err := st.Conn().Exec(t.Context(), late); err != nil {
		t.Fatal(err)
	}
	if report, err := Verify(t.Context(), st, opts); err != nil || len(report.Differences) != 1 || report.Differences[0].Orphans != 60 {
		t.Errorf("verify: %+v, %v", report, err)
	}
	if _, err := Run(t.Context(), st, src.source(), opts); err != nil {
		t.Fatal(err)
	}
	once(t, st, src.total())
	// The same where the dead run had sent rows of more files than one statement can name.
	many := fmt.Sprintf("INSERT INTO "+st.Holding("clicks")+" (network, _file, _hour, _insert) SELECT 'acme', concat(repeat('x', 100), toString(number)), toDateTime('2016-09-30 20:00:00', 'UTC'), %d FROM numbers(5000)", ids.First+4)
	if err := st.Conn().Exec(t.Context(), many); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), st, src.source(), opts); err != nil {
		t.Errorf("after a dead run of many files: %v", err)
	}
}

// lostByName reports whether the ledger names files whose rows are gone, and
// vouches for whole rows of all others.
func lostByName(t *testing.T, st *store.Store, network string) bool {
	t.Helper()
	return count(t, st, "SELECT countIf(state = 'failed' AND rows = 0 AND error LIKE '%died while replacing%') FROM ingest_files FINAL WHERE network = ?", network) > 0
}
