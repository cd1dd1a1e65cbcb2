package awake_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"rawlogs/internal/awake"
	"rawlogs/internal/testkit"
)

var errTired = errors.New("waited long enough")

// A process that is stopped does not use up the time for which it would wait.
func TestStoppedDoesNotWait(t *testing.T) {
	t.Parallel()
	took := testkit.Standstill(t, 4*time.Second, func(ready func()) {
		ctx, cancel := awake.Timeout(context.Background(), 2*time.Second, errTired)
		defer cancel()
		ready()
		<-ctx.Done()
	})
	if took < 5*time.Second {
		t.Errorf("it gave up %s after it began, of which it was stopped for 4 s; want 2 s of its own", took)
	}
}

// Its other ends are those of any context.
func TestTimeout(t *testing.T) {
	t.Parallel()
	ctx, cancel := awake.Timeout(t.Context(), time.Hour, errTired)
	cancel()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		t.Errorf("cancelled: %v", cause)
	}
	parent, stop := context.WithCancelCause(t.Context())
	ctx, cancel = awake.Timeout(parent, time.Hour, errTired)
	defer cancel()
	stop(errTired)
	<-ctx.Done()
	if cause := context.Cause(ctx); !errors.Is(cause, errTired) {
		t.Errorf("the parent's end: %v", cause)
	}
	ctx, cancel = awake.Timeout(t.Context(), time.Millisecond, errTired)
	defer cancel()
	<-ctx.Done()
	if cause := context.Cause(ctx); !errors.Is(cause, errTired) {
		t.Errorf("after its time: %v", cause)
	}
}
