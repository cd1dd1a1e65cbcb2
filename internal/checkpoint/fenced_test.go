package checkpoint

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"rawlogs/internal/checkpoint/lease"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// claimed is a lease that must be had.
func claimed(t *testing.T, st *store.Store, network, run, worker string) *lease.Lease {
	t.Helper()
	share, err := rawlog.ParseShare(worker)
	if err != nil {
		t.Fatal(err)
	}
	l := lease.New(st, network, run, share, slog.New(slog.DiscardHandler))
	if err := l.Claim(t.Context()); err != nil {
		t.Fatalf("%s: %v", run, err)
	}
	return l
}

// A run that slept through a takeover cannot write the ledger, though it last
// asked for its lease when it still had it.
func TestLedgerIsFenced(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	for _, c := range []struct {
		sleeper, taker string // shares of the work
		fenced         bool
	}{{"", "", true}, {"1/2", "", true}, {"", "2/2", true}, {"1/2", "1/2", true}, {"1/2", "1/3", true}, {"1/2", "2/2", false}} {
		network := fmt.Sprintf("net %s?%s'", c.sleeper, c.taker)
		sleeper := claimed(t, st, network, "sleeper", c.sleeper)
		ledger := Open(st, network).Under(sleeper.Fence())
		e := entry("a.zip", noon)
		if err := ledger.Put(t.Context(), []*Entry{e}); err != nil {
			t.Fatal(err)
		}
		testkit.ExpireLeases(t, st, network)
		taker := claimed(t, st, network, "taker", c.taker)
		e.Rows = 99
		err := ledger.Put(t.Context(), []*Entry{e})
		if errors.Is(err, lease.ErrLost) != c.fenced || !c.fenced && err != nil {
			t.Errorf("%q asleep, %q took over: %v", c.sleeper, c.taker, err)
		}
		got, err := ledger.Entries(t.Context(), Filter{})
		if err != nil || len(got) != 1 || (got[0].Rows == 99) == c.fenced {
			t.Errorf("%q asleep, %q took over: the ledger says %+v, %v", c.sleeper, c.taker, got, err)
		}
		if err := Open(st, network).Under(taker.Fence()).Put(t.Context(), []*Entry{e}); err != nil {
			t.Errorf("%q took over: %v", c.taker, err)
		}
	}
}
