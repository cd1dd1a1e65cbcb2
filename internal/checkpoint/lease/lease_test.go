package lease

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

var silent = slog.New(slog.DiscardHandler)

func share(t *testing.T, text string) rawlog.Share {
	t.Helper()
	s, err := rawlog.ParseShare(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// claimed is a lease that must be had.
func claimed(t *testing.T, st *store.Store, network, run, worker string) *Lease {
	t.Helper()
	l := New(st, network, run, share(t, worker), silent)
	if err := l.Claim(t.Context()); err != nil {
		t.Fatalf("%s: %v", run, err)
	}
	return l
}

// refused claims what another holds, and says who does.
func refused(t *testing.T, st *store.Store, network, run, worker string) *HeldError {
	t.Helper()
	var held *HeldError
	if err := New(st, network, run, share(t, worker), silent).Claim(t.Context()); !errors.As(err, &held) {
		t.Fatalf("%s: %v, want a HeldError", run, err)
	}
	return held
}

func release(t *testing.T, l *Lease) {
	t.Helper()
	if err := l.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// foreign is a lease held by a process of another machine, of which nothing can
// be known here, for the seconds to come.
func foreign(t *testing.T, st *store.Store, network, run, process string, seconds int) {
	t.Helper()
	for i, state := range []string{stateClaim, stateHeld} {
		err := st.Conn().Exec(t.Context(), `
			INSERT INTO `+st.Holding("ingest_leases")+` (network, run, worker, owner, process, state, since, expires, seq)
			SELECT ?, ?, '', 'elsewhere pid 7', ?, ?, now64(3), now64(3) + ?, ?`, network, run, process, state, seconds, uint64(i+1))
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestLeaseIsExclusive(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	l := claimed(t, st, "net", "first", "")
	held := refused(t, st, "net", "second", "")
	if held.Run != "first" || !strings.Contains(held.Error(), fmt.Sprint(self().owner)) {
		t.Errorf("held by %v", held)
	}
	release(t, claimed(t, st, "other-net", "third", "")) // another network is another lease
	release(t, l)
	release(t, claimed(t, st, "net", "second again", ""))
}

// Of many that claim at once never two win; and a loser's claim is withdrawn,
// so that the next one is not in its way.
func TestClaimsAtOnce(t *testing.T) {
	t.Parallel()
	claimAtOnce(t, 8, 5, testkit.Database(t))
}

// claimAtOnce has runs that speak to the stores in turn claim a network's lease at the same moment,
// round after round: at most one gets it, and another one later.
func claimAtOnce(t *testing.T, rounds, runs int, stores ...*store.Store) {
	t.Helper()
	won := 0
	for round := range rounds {
		network := fmt.Sprintf("net%d", round)
		var wg sync.WaitGroup
		var mu sync.Mutex
		var winners []*Lease
		for i := range runs {
			wg.Go(func() {
				l := New(stores[i%len(stores)], network, fmt.Sprintf("run%d", i), rawlog.Share{}, silent)
				err := l.Claim(t.Context())
				var held *HeldError
				if err != nil && !errors.As(err, &held) {
					t.Error(err)
				}
				if err == nil {
					mu.Lock()
					defer mu.Unlock()
					winners = append(winners, l)
				}
			})
		}
		wg.Wait()
		if len(winners) > 1 {
			t.Errorf("round %d: %d hold the lease at once", round, len(winners))
		}
		won += len(winners)
		for _, l := range winners {
			release(t, l)
		}
		release(t, claimed(t, stores[len(stores)-1], network, "later", ""))
	}
	if won == 0 {
		t.Error("nobody ever won")
	}
}

func TestWorkersShare(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	first := claimed(t, st, "net", "w1", "1/3")
	second := claimed(t, st, "net", "w2", "2/3")
	for _, worker := range []string{"1/3", "", "1/2", "2/4", "3/4"} {
		held := refused(t, st, "net", "x"+worker, worker)
		if held.Worker == "" || !strings.Contains(held.Error(), "worker "+held.Worker) {
			t.Errorf("%q: held by %v", worker, held)
		}
	}
	for _, l := range []*Lease{first, second} {
		if err := l.Confirm(t.Context()); err != nil {
			t.Error(err)
		}
		release(t, l)
	}
	alone := claimed(t, st, "net", "alone", "")
	refused(t, st, "net", "w3", "3/3")
	release(t, alone)
}

// A lease ends by the store's clock, unless it is renewed.
func TestLeaseExpires(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	foreign(t, st, "net", "dead host's", "", 60)
	if held := refused(t, st, "net", "new", ""); held.Owner != "elsewhere pid 7" {
		t.Errorf("held by %v", held)
	}
	foreign(t, st, "net2", "dead host's", "", 0)
	release(t, claimed(t, st, "net2", "new", ""))
}

// A process that is gone from this machine needs no minute's wait; one that
// merely has the same id, or ran under another boot, tells nothing.
func TestDeadProcessIsFreedAtOnce(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	cmd := exec.CommandContext(t.Context(), "true")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	dead := fmt.Sprintf("%s %d 12345", kernelID(), cmd.Process.Pid)
	foreign(t, st, "net", "dead", dead, 60)
	release(t, claimed(t, st, "net", "new", ""))

	foreign(t, st, "net2", "another boot's", fmt.Sprintf("00000000-0000/pid:[1] %d 12345", cmd.Process.Pid), 60)
	refused(t, st, "net2", "new", "")
	foreign(t, st, "net3", "alive", self().process, 60)
	refused(t, st, "net3", "new", "")
}

// A run that was asleep for longer than its lease learns that another took it,
// even if that one is done by now, and stops.
func TestConfirmSeesATakeover(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	sleeper := claimed(t, st, "net", "sleeper", "")
	if err := sleeper.Confirm(t.Context()); err != nil {
		t.Fatal(err)
	}
	testkit.ExpireLeases(t, st, "net")
	taker := claimed(t, st, "net", "taker", "")
	for range 2 {
		if err := sleeper.Confirm(t.Context()); !errors.Is(err, ErrLost) || !strings.Contains(err.Error(), "taker") {
			t.Errorf("confirmed: %v", err)
		}
	}
	if err := sleeper.renew(t.Context()); !errors.Is(err, ErrLost) {
		t.Errorf("renewed: %v", err)
	}
	if err := taker.Confirm(t.Context()); err != nil {
		t.Errorf("the taker: %v", err)
	}
	release(t, taker)
	late := claimed(t, st, "net3", "late", "")
	testkit.ExpireLeases(t, st, "net3")
	release(t, claimed(t, st, "net3", "came and went", ""))
	if err := late.Confirm(t.Context()); !errors.Is(err, ErrLost) {
		t.Errorf("after one that came and went: %v", err)
	}
}

// Renewals lengthen the lease, and a run that had run out but was not replaced goes on.
func TestRenew(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	l := claimed(t, st, "net", "run", "")
	l.seq += 2000 // beyond what ExpireLeases writes
	testkit.ExpireLeases(t, st, "net")
	if err := l.renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	refused(t, st, "net", "other", "")
	release(t, l)
	release(t, claimed(t, st, "net", "other", ""))
}

// A claim whose answer was lost is the run's own when it claims again.
func TestClaimAgain(t *testing.T) {
	t.Parallel()
	cfg := testkit.DatabaseConfig(t)
	testkit.OpenStore(t, cfg)
	for _, lost := range []string{stateClaim, stateHeld} {
		for _, done := range []bool{false, true} {
			broken := errors.New("no answer")
			once := false
			hooked := cfg
			hooked.Hook = func(ctx context.Context, op store.Op, do func(context.Context) error) error {
				if op.Kind != "lease" || op.Detail != lost || once {
					return do(ctx)
				}
				once = true
				if done {
					return errors.Join(do(ctx), broken)
				}
				return broken
			}
			st := testkit.OpenStore(t, hooked)
			l := New(st, "net", fmt.Sprint(lost, done), rawlog.Share{}, silent)
			if err := l.Claim(t.Context()); !errors.Is(err, broken) {
				t.Fatalf("%s, done %v: %v", lost, done, err)
			}
			if err := l.Claim(t.Context()); err != nil {
				t.Errorf("%s, done %v: again: %v", lost, done, err)
			}
			release(t, l)
		}
	}
}

// A run that died is named until its lease is buried; one of which nothing is
// known, for as long as it might come back.
func TestDead(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	cmd := exec.CommandContext(t.Context(), "true")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	foreign(t, st, "net", "gone", fmt.Sprintf("%s %d 12345", kernelID(), cmd.Process.Pid), 0)
	foreign(t, st, "net", "elsewhere", "", 0)
	foreign(t, st, "net", "long ago", "", -3*24*3600)
	release(t, claimed(t, st, "net", "came to its end", ""))
	l := claimed(t, st, "net", "new", "")
	for _, want := range []string{"[elsewhere gone]", "[elsewhere]"} {
		dead, err := l.Dead(t.Context())
		if err != nil || fmt.Sprint(dead) != want {
			t.Errorf("dead: %v, %v; want %s", dead, err, want)
		}
		if err := l.Bury(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Confirm(t.Context()); err != nil {
		t.Error(err)
	}
}
