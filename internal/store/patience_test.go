package store_test

import (
	"context"
	"log/slog"
	"syscall"
	"testing"
	"time"

	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// A process that was stopped in a step that failed tries it again for as long as one
// that was not.
func TestStandstillIsNoWait(t *testing.T) {
	t.Parallel()
	took := testkit.Standstill(t, 4*time.Second, func(ready func()) {
		st := &store.Store{}
		p := store.Patience{Store: st, Wait: 2 * time.Second, Log: slog.New(slog.DiscardHandler)}
		begun := false
		_, _ = store.Persist(context.Background(), p, func() (struct{}, error) {
			if !begun {
				begun = true
				ready()
			}
			return struct{}{}, syscall.ECONNREFUSED
		})
	})
	if took < 5*time.Second {
		t.Errorf("it gave up %s after it began, of which it was stopped for 4 s; want 2 s of its own", took)
	}
}
