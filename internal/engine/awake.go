//go:build linux && amd64

package engine

import (
	"context"
	"time"
)

// step is how often a wait looks at the clock. What is missing between two looks beyond
// twice that is time in which this process did not run.
const step = 250 * time.Millisecond

// awake ends a context after a time in which this process ran, with that cause. A
// process that is stopped (SIGSTOP, a debugger, a machine that starves it) does not wait
// meanwhile: what did not answer was not asked.
func awake(ctx context.Context, patience time.Duration, cause error) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancelCause(ctx)
	ticker := time.NewTicker(step)
	go func() {
		defer ticker.Stop()
		last := time.Now()
		for left := patience; left > 0; {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			now := time.Now()
			left -= ran(now.Sub(last))
			last = now
		}
		end(cause)
	}()
	return ctx, func() { end(context.Canceled) }
}

// ran is how much of the time between two looks this process may have waited in.
func ran(between time.Duration) time.Duration {
	return min(between, 2*step) //guard:stopped-does-not-wait
}
