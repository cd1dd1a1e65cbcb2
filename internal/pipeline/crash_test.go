package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"rawlogs/internal/dirs"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// fault is what befalls one write of a run.
type fault int

const (
	lost     fault = iota // not done, and an error says so
	unknown               // done, but its answer is lost
	dieFirst              // the process ends before it
	dieAfter              // the process ends after it, before the answer
)

func (f fault) String() string { return [...]string{"lost", "unknown", "die-before", "die-after"}[f] }

var errDead = errors.New("the process is dead")

// moment is the n-th write of a kind in a run, from 1. How many INSERTs a run
// sends, and so what its n-th write is, may differ between runs.
type moment struct {
	kind, state string // of the Op, and how its Detail begins
	nth         int
}

func (m moment) String() string {
	return strings.TrimSpace(m.kind+" "+m.state) + "/" + fmt.Sprint(m.nth)
}

// trap waits for a moment. It is safe for concurrent use.
type trap struct {
	at   moment
	mu   sync.Mutex
	seen map[moment]int
	all  []moment
	op   atomic.Value // the store.Op that it caught
}

// caught reports whether this write is the one.
func (t *trap) caught(op store.Op) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seen == nil {
		t.seen = make(map[moment]int)
	}
	state, _, _ := strings.Cut(op.Detail, " ")
	if op.Kind != "ledger" && op.Kind != "lease" {
		state = ""
	}
	kind := moment{kind: op.Kind, state: state}
	t.seen[kind]++
	kind.nth = t.seen[kind]
	t.all = append(t.all, kind)
	if kind != t.at {
		return false
	}
	t.op.Store(op)
	return true
}

// saboteur is a store hook that lets a fault befall a write.
type saboteur struct {
	trap
	fault fault
	die   context.CancelCauseFunc
	dead  atomic.Bool
}

// run runs through a store of its own whose writes the saboteur watches.
func (s *saboteur) run(t *testing.T, cfg store.Config, src dirs.Source, opts Options) error {
	t.Helper()
	cfg.Hook = s.hook
	ctx, die := context.WithCancelCause(t.Context())
	defer die(nil)
	s.die = die
	st, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	_, err = Run(ctx, st, src, opts)
	return err
}

func (s *saboteur) hook(ctx context.Context, op store.Op, do func(context.Context) error) error {
	if s.dead.Load() {
		return errDead
	}
	if !s.caught(op) {
		return do(ctx)
	}
	switch s.fault {
	case unknown, dieAfter:
		if err := do(ctx); err != nil {
			return err
		}
	}
	if s.fault == dieFirst || s.fault == dieAfter {
		s.dead.Store(true)
		s.die(errDead)
		return errDead
	}
	return fmt.Errorf("injected: %w", syscall.ECONNRESET)
}

// season is a source in two states: what was loaded first, and what is there
// later: files replaced, late, partly broken, in two partitions.
func season(t *testing.T) (before, after *folder) {
	before = newFolder(t).hours(3, 60)
	after = newFolder(t)
	after.root = before.root
	return before, after
}

func (f *folder) later() {
	f.hours(2, 60) // as they were
	f.write(gen.Spec{Type: rawlog.Clicks, Hour: firstHour.Add(2 * time.Hour), Rows: 75})
	f.write(gen.Spec{Type: rawlog.Clicks, Hour: firstHour.Add(3 * time.Hour), Rows: 40, Broken: 3})
	f.write(gen.Spec{Type: rawlog.Clicks, Hour: firstHour.Add(4 * time.Hour), Rows: 50}) // October
	f.write(gen.Spec{Type: rawlog.Conversions, Hour: firstHour, Rows: 20})
}

// fingerprint is a hash over every row of a network in every table that a load
// fills, blind to what differs between runs.
func fingerprint(t testing.TB, st *store.Store, network string) string {
	t.Helper()
	var out string
	for _, table := range []string{"clicks", "conversions", "rejected_rows"} {
		where := " FROM " + table + " WHERE network = ?"
		out += fmt.Sprintf("%s %d %x; ", table, count(t, st, "SELECT count()"+where, network),
			count(t, st, "SELECT sum(cityHash64(* EXCEPT (network, _insert, _loaded_at)))"+where, network))
	}
	return out + fmt.Sprintf("ledger %x", count(t, st, `
		SELECT sum(cityHash64(log_type, file, hour, state, lines, rows, rescued, rejected, ifNull(first_time, 0), ifNull(last_time, 0), error))
		FROM ingest_files FINAL WHERE network = ?`, network))
}

// TestCrashMatrix lets each fault befall every write of a run that loads new
// files, replaces one and puts lines aside; then it runs again and compares the
// whole. Each case is a network of its own. Each fault has a database: a deletion looks at
// all parts of the month, whoever's they are.
func TestCrashMatrix(t *testing.T) {
	t.Parallel()
	// One fetcher and one loader make the same writes in the same order each time.
	options := func(network string) Options { return Options{Network: network, Fetchers: 1, Parsers: 1} }
	load := func(t *testing.T, st *store.Store, network string, src *folder) {
		t.Helper()
		if sum, err := Run(t.Context(), st, src.source(), options(network)); err != nil || sum.Failed > 0 {
			t.Fatalf("%v, %+v", err, sum.Failures)
		}
	}
	hooked := func(t *testing.T, cfg store.Config, s *saboteur, network string, src *folder) error {
		return s.run(t, cfg, src.source(), options(network))
	}

	cfg := testkit.DatabaseConfig(t)
	st := testkit.OpenStore(t, cfg)
	before, after := season(t)
	load(t, st, "clean", before)
	after.later()
	counting := new(saboteur)
	if err := hooked(t, cfg, counting, "clean", after); err != nil {
		t.Fatal(err)
	}
	want := fingerprint(t, st, "clean")
	if len(counting.all) < 10 {
		t.Fatalf("only %d writes; the matrix would prove little", len(counting.all))
	}

	for _, f := range []fault{lost, unknown, dieFirst, dieAfter} {
		cfg := testkit.DatabaseConfig(t)
		st := testkit.OpenStore(t, cfg)
		for _, at := range counting.all {
			t.Run(fmt.Sprintf("%s/%s", f, at), func(t *testing.T) {
				t.Parallel()
				network := fmt.Sprintf("%s-%s", f, at)
				before, after := season(t)
				load(t, st, network, before)
				after.later()
				s := &saboteur{trap: trap{at: at}, fault: f}
				err := hooked(t, cfg, s, network, after)
				if s.op.Load() == nil {
					t.Fatal("the fault never struck")
				}
				if err != nil && f != dieFirst && f != dieAfter {
					t.Errorf("write %v: the run did not mend it: %v", s.op.Load(), err)
				}
				testkit.ExpireLeases(t, st, network)
				load(t, st, network, after)
				if got := fingerprint(t, st, network); got != want {
					t.Errorf("write %v:\n got %s\nwant %s", s.op.Load(), got, want)
				}
				if report, err := Verify(t.Context(), st, options(network)); err != nil || len(report.Differences) > 0 {
					t.Errorf("write %v: verify: %+v, %v", s.op.Load(), report, err)
				}
			})
		}
	}
}
