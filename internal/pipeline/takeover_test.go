package pipeline

import (
	"context"
	"errors"
	"testing"

	"rawlogs/internal/checkpoint/lease"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// A run falls asleep in its recovery. Another one takes its lease over, and the sleeper
// wakes in mid-load: it finds files that are loading and rows that the ledger does not
// vouch for yet, and takes the living run for a dead one. By the time it deletes, the
// ledger vouches for those rows.
func TestRecoveryWakesInMidLoad(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name             string
		leftovers        bool // of a run that died before
		asleep, deleting moment
	}{
		{"as soon as it has the lease", false, moment{"lease", "held", 1}, moment{"delete", "", 1}},
		{"when it has taken back what a dead run left", true, moment{"delete", "", 1}, moment{"delete", "", 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg := testkit.DatabaseConfig(t)
			st := testkit.OpenStore(t, cfg)
			src := newFolder(t).hours(2, 60)
			opts := Options{Network: "acme", Fetchers: 1, Parsers: 1}
			if c.leftovers {
				ctx, die := context.WithCancelCause(t.Context())
				defer die(nil)
				dying := cfg
				dying.Hook = (&saboteur{trap: trap{at: moment{"insert", "", 1}}, fault: dieAfter, die: die}).hook
				if _, err := Run(ctx, testkit.OpenStore(t, dying), src.source(), opts); err == nil {
					t.Fatal("the run that was to die came to its end")
				}
				testkit.ExpireLeases(t, st, "acme")
			}
			wakeInMidLoad(t, cfg, src, opts, c.asleep, c.deleting)
			once(t, st, src.total())
			if report, err := Verify(t.Context(), st, Options{Network: "acme"}); err != nil || len(report.Differences) > 0 || report.Unsettled > 0 {
				t.Errorf("verify: %+v, %v", report, err)
			}
		})
	}
}

// wakeInMidLoad runs two runs: one falls asleep after a moment, and wakes when the other
// has sent rows that the ledger does not vouch for; before another moment it waits until
// the other is over.
func wakeInMidLoad(t *testing.T, cfg store.Config, src *folder, opts Options, asleep, deleting moment) {
	t.Helper()
	slept, sent := make(chan struct{}), make(chan struct{})
	deletes, over := make(chan struct{}), make(chan error)
	falls, waits := trap{at: asleep}, trap{at: deleting}
	hooked := cfg
	hooked.Hook = func(ctx context.Context, op store.Op, do func(context.Context) error) error {
		if waits.caught(op) {
			close(deletes)
			if err := <-over; err != nil {
				t.Errorf("the run that took over: %v", err)
			}
		}
		err := do(ctx)
		if falls.caught(op) {
			close(slept)
			<-sent
		}
		return err
	}
	sleeping := testkit.OpenStore(t, hooked)
	sleeper := make(chan error, 1)
	go func() {
		_, err := Run(t.Context(), sleeping, src.source(), opts)
		sleeper <- err
	}()
	<-slept
	testkit.ExpireLeases(t, testkit.OpenStore(t, cfg), opts.Network)

	writes := trap{at: moment{"ledger", "loaded", 1}}
	other := cfg
	other.Hook = func(ctx context.Context, op store.Op, do func(context.Context) error) error {
		if writes.caught(op) {
			close(sent)
			select {
			case <-deletes:
			case err := <-sleeper: // it found out before it deleted anything
				sleeper <- err
			}
		}
		return do(ctx)
	}
	_, err := Run(t.Context(), testkit.OpenStore(t, other), src.source(), opts)
	select {
	case over <- err:
	case ended := <-sleeper:
		sleeper <- ended
		if err != nil {
			t.Errorf("the run that took over: %v", err)
		}
	}
	if err := <-sleeper; !errors.Is(err, lease.ErrLost) {
		t.Errorf("the sleeper ended with %v", err)
	}
}
