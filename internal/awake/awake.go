// Package awake counts the time in which this process ran. A process that is stopped
// (SIGSTOP, a debugger, a machine that starves it) does not wait meanwhile: what did not
// answer was not asked, and what failed was not tried again.
package awake

import (
	"context"
	"sync/atomic"
	"time"
)

// step is how often the clock is looked at. What is missing between two looks beyond
// twice that is time in which this process did not run.
const step = 250 * time.Millisecond

// Clock counts from Start to Stop; the caller that started it stops it.
type Clock struct {
	ran  atomic.Int64 // in nanoseconds
	stop chan struct{}
}

// Start begins to count.
func Start() *Clock {
	c := &Clock{stop: make(chan struct{})}
	go c.count(0, nil)
	return c
}

// Ran is the time counted so far, to within a quarter of a second.
func (c *Clock) Ran() time.Duration { return time.Duration(c.ran.Load()) }

// Stop ends the counting. It is called once.
func (c *Clock) Stop() { close(c.stop) }

// count looks at the clock until it is stopped or, where there is something to do at
// its end, has counted as much as that.
func (c *Clock) count(enough time.Duration, end func()) {
	ticker := time.NewTicker(step)
	defer ticker.Stop()
	last := time.Now()
	for end == nil || c.Ran() < enough {
		select {
		case <-c.stop:
			return
		case <-ticker.C:
		}
		now := time.Now()
		c.ran.Add(int64(ran(now.Sub(last))))
		last = now
	}
	end()
}

// ran is how much of the time between two looks this process may have waited in.
func ran(between time.Duration) time.Duration {
	return min(between, 2*step) //guard:stopped-does-not-wait
}

// Timeout ends a context after a time in which this process ran, with that cause.
func Timeout(ctx context.Context, patience time.Duration, cause error) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancelCause(ctx)
	c := &Clock{stop: make(chan struct{})}
	context.AfterFunc(ctx, c.Stop)
	go c.count(patience, func() { end(cause) })
	return ctx, func() { end(context.Canceled) }
}
