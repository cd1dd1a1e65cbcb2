package pipeline

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"

	"rawlogs/internal/checkpoint/lease"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// listener is a log handler that calls heard once, at a message.
type listener struct {
	slog.Handler
	message string
	heard   func()
}

func (l *listener) Handle(_ context.Context, r slog.Record) error {
	if r.Message == l.message {
		l.heard()
	}
	return nil
}

func (*listener) Enabled(context.Context, slog.Level) bool { return true }

func (l *listener) WithAttrs([]slog.Attr) slog.Handler { return l }

// A run that lost its lease in its sleep says so, instead of taking what the run
// after it changed for a fault of the store.
func TestLostLeaseExplains(t *testing.T) {
	t.Parallel()
	cfg := testkit.DatabaseConfig(t)
	st := testkit.OpenStore(t, cfg)
	for name, at := range map[string]struct {
		message string // asleep when this is logged
		after   moment // or after this write
	}{
		"between ledger and count":       {message: "counting"},
		"before its rows are looked for": {after: moment{"insert", "", 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src := newFolder(t).hours(2, 60)
			opts := Options{Network: name, Fetchers: 1, Parsers: 1, MaxMemory: 2 << 20}
			sleep := sync.OnceFunc(func() {
				testkit.ExpireLeases(t, st, name)
				other := opts
				other.Reload = true
				if _, err := Run(t.Context(), st, src.source(), other); err != nil {
					t.Errorf("the run that took over: %v", err)
				}
			})
			slept := false
			hooked, asleep := cfg, opts
			asleep.Log = slog.New(&listener{message: at.message, heard: func() { slept = true; sleep() }})
			trapped := &trap{at: at.after}
			hooked.Hook = func(ctx context.Context, op store.Op, do func(context.Context) error) error {
				caught := trapped.caught(op)
				err := do(ctx)
				if caught {
					slept = true
					sleep()
				}
				return err
			}
			sum, err := Run(t.Context(), testkit.OpenStore(t, hooked), src.source(), asleep)
			if !slept {
				t.Fatal("the run never fell asleep")
			}
			if !errors.Is(err, lease.ErrLost) || len(sum.Mismatches) > 0 {
				t.Errorf("the sleeper ended with %v, %+v", err, sum.Mismatches)
			}
			if report, err := Verify(t.Context(), st, Options{Network: name}); err != nil || len(report.Differences) > 0 || report.Unsettled > 0 || report.Rows != uint64(src.total()) {
				t.Errorf("verify: %+v, %v", report, err)
			}
		})
	}
}
