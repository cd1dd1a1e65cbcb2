package hasoffers

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"rawlogs/internal/ended"
)

// window keeps calls within the network's limit as the server counts it: never
// more than limit arrivals in any span.
//
// A token bucket (x/time/rate) does not do: a full bucket and its refill
// together put nearly twice the limit into one span. Nor does a ring of send
// times: the server counts arrivals, and a slow first request with a fast 51st
// may arrive closer together than they were sent. So a slot is free again one
// span after the moment its last request is known to have *arrived*; the next
// request of the slot is sent later than that and arrives later still. With
// fast answers that is 97 % of the allowed rate.
type window struct {
	span   time.Duration
	margin time.Duration // for clocks that tick differently, and for a server that counts coarsely

	slots *semaphore.Weighted // one for each call between acquire and release
	mu    sync.Mutex
	free  []time.Time // for each idle slot, when it may be used; one a unit of slots
	until time.Time   // a refusal by the server: nobody calls before
}

func newWindow(limit int, span time.Duration) *window {
	return &window{
		span:   span,
		margin: span / 100,
		slots:  semaphore.NewWeighted(int64(limit)),
		free:   make([]time.Time, limit),
	}
}

// acquire waits until a call may be sent. Every success is followed by one release.
func (w *window) acquire(ctx context.Context) error {
	if err := w.slots.Acquire(ctx, 1); err != nil {
		return err
	}
	free := w.take()
	for {
		d := time.Until(w.notBefore(free))
		if d <= 0 {
			return nil
		}
		if err := ended.Wait(ctx, d); err != nil {
			w.put(free)
			return err
		}
	}
}

// release tells when the server counted the call at the latest; the zero time
// says that it was never sent.
func (w *window) release(counted time.Time) {
	if !counted.IsZero() {
		counted = counted.Add(w.span + w.margin) //guard:rate-kept
	}
	w.put(counted)
}

// pause keeps everyone from calling for d: the server says that the window is
// full, so others share it, and only silence empties it.
func (w *window) pause(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if until := time.Now().Add(d); until.After(w.until) {
		w.until = until
	}
}

func (w *window) notBefore(free time.Time) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.until.After(free) {
		return w.until
	}
	return free
}

// take removes the slot that is free soonest; holding a unit of slots promises
// that there is one.
func (w *window) take() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	best := 0
	for i, t := range w.free {
		if t.Before(w.free[best]) {
			best = i
		}
	}
	t := w.free[best]
	last := len(w.free) - 1
	w.free[best] = w.free[last]
	w.free = w.free[:last]
	return t
}

func (w *window) put(t time.Time) {
	w.mu.Lock()
	w.free = append(w.free, t)
	w.mu.Unlock()
	w.slots.Release(1)
}
