package fetch

import (
	"context"
	"math/bits"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/semaphore"
)

// budget bounds bytes in use. One that is larger than the whole budget counts
// as all of it, so that it is admitted alone instead of never.
type budget struct {
	sem     *semaphore.Weighted
	waiting *atomic.Int64
	full    func()

	mu    sync.Mutex
	limit int64
	used  int64
}

func newBudget(limit int64, waiting *atomic.Int64, full func()) *budget {
	return &budget{limit: limit, sem: semaphore.NewWeighted(limit), waiting: waiting, full: full}
}

// acquire takes n bytes and returns how to give them back.
func (b *budget) acquire(ctx context.Context, n int64) (func(), error) {
	n = min(n, b.bound())
	if !b.sem.TryAcquire(n) {
		b.waiting.Add(1)
		if b.full != nil {
			b.full()
		}
		err := b.sem.Acquire(ctx, n)
		b.waiting.Add(-1)
		if err != nil {
			return nil, err
		}
	}
	b.use(n)
	return func() { b.use(-n); b.sem.Release(n) }, nil
}

func (b *budget) bound() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.limit
}

func (b *budget) use(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used += n
}

// shrink lowers the bound to what is in use, as there turned out to be room for no
// more, and reports whether anything is: then some will come free.
func (b *budget) shrink() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used == 0 {
		return false
	}
	// Whoever waits already counts on the bound as it is.
	if free := b.limit - b.used; free > 0 && b.sem.TryAcquire(free) {
		b.limit = b.used
	}
	return true
}

// buffers keeps the memory of released archives for the next ones. Capacities
// come in steps of an eighth to a quarter of their size, so that nearly equal
// files share them and little is wasted.
type buffers struct {
	mu    sync.Mutex
	pools map[int]*sync.Pool // capacity → *[]byte
}

// capacity is what a buffer for n bytes really takes.
func capacity(n int64) int64 {
	const least = 64 << 10
	if n <= least {
		return least
	}
	step := int64(1) << (bits.Len64(uint64(n-1)) - 3)
	return (n + step - 1) / step * step
}

func (p *buffers) take(n int64) []byte {
	c := capacity(n)
	if b, ok := p.of(int(c)).Get().(*[]byte); ok {
		return (*b)[:n]
	}
	return make([]byte, n, c)
}

func (p *buffers) put(b []byte) {
	p.of(cap(b)).Put(&b)
}

func (p *buffers) of(capacity int) *sync.Pool {
	p.mu.Lock()
	defer p.mu.Unlock()
	pool := p.pools[capacity]
	if pool == nil {
		if p.pools == nil {
			p.pools = make(map[int]*sync.Pool)
		}
		pool = new(sync.Pool)
		p.pools[capacity] = pool
	}
	return pool
}
