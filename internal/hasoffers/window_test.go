package hasoffers

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// However long requests and answers take on their way, no span of ten seconds
// sees more than fifty arrivals, and at least nine tenths of that are used.
func TestWindow(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name         string
		workers      int
		there, back  time.Duration // at most
		leastPercent int
	}{
		{"fast", 100, 5 * time.Millisecond, 5 * time.Millisecond, 95},
		{"slow way", 200, 800 * time.Millisecond, 100 * time.Millisecond, 90},
		{"few workers", 8, 60 * time.Millisecond, 60 * time.Millisecond, 90},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const limit, span, lasts = 50, 10 * time.Second, 10 * time.Minute
				w := newWindow(limit, span)
				ctx, cancel := context.WithTimeout(t.Context(), lasts)
				defer cancel()
				var mu sync.Mutex
				var arrivals []time.Time
				var wg sync.WaitGroup
				for i := range tc.workers {
					random := rand.New(rand.NewPCG(1, uint64(i)))
					wg.Go(func() {
						for w.acquire(ctx) == nil {
							time.Sleep(time.Duration(random.Int64N(int64(tc.there))))
							mu.Lock()
							arrivals = append(arrivals, time.Now())
							mu.Unlock()
							time.Sleep(time.Duration(random.Int64N(int64(tc.back))))
							w.release(time.Now())
						}
					})
				}
				wg.Wait()
				slices.SortFunc(arrivals, time.Time.Compare)
				for i := limit; i < len(arrivals); i++ {
					if d := arrivals[i].Sub(arrivals[i-limit]); d <= span {
						t.Fatalf("%d arrivals within %v", limit+1, d)
					}
				}
				if allowed := int(lasts/span) * limit; len(arrivals)*100 < allowed*tc.leastPercent {
					t.Errorf("%d arrivals of %d allowed", len(arrivals), allowed)
				}
				if len(w.free) != limit {
					t.Errorf("%d slots left of %d", len(w.free), limit)
				}
			})
		})
	}
}

func TestWindowPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWindow(2, time.Second)
		begin := time.Now()
		w.pause(5 * time.Second)
		w.pause(3 * time.Second) // does not shorten it
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				if err := w.acquire(t.Context()); err != nil {
					t.Error(err)
				}
				if d := time.Since(begin); d != 5*time.Second {
					t.Errorf("went on after %v", d)
				}
				w.release(time.Time{})
			})
		}
		wg.Wait()
		if err := w.acquire(t.Context()); err != nil || time.Since(begin) != 5*time.Second {
			t.Errorf("a call that was never sent took a slot: %v after %v", err, time.Since(begin))
		}
	})
}

func TestWindowCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWindow(1, time.Hour)
		if err := w.acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.release(time.Now())
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := w.acquire(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if len(w.free) != 1 {
			t.Errorf("%d slots left", len(w.free))
		}
	})
}
