package store

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"golang.org/x/sync/errgroup"
)

// Conn runs statements, any number at once, on connections that were proven to
// lead to the store's own server.
type Conn interface {
	Query(ctx context.Context, query string, args ...any) (driver.Rows, error)
	QueryRow(ctx context.Context, query string, args ...any) Row
	Exec(ctx context.Context, query string, args ...any) error
	PrepareBatch(ctx context.Context, query string, opts ...driver.PrepareBatchOption) (driver.Batch, error)
	ServerVersion() (*driver.ServerVersion, error)
}

// Row is a query's one row. The query runs when it is scanned.
type Row interface{ Scan(dest ...any) error }

// pool is a Conn. The library's own pool dials again by itself whenever a
// connection is gone, and lets nobody look at the new one before a statement
// travels over it: so each connection here is a library's pool of one that may
// dial once, and it is greeted before it is used.
type pool struct {
	options *clickhouse.Options
	greet   greeting
	limits  []Limit       // that the profile holds against us, and statements may be refused for
	undated bool          // max_execution_time is not ours to set
	open    chan struct{} // a token for each connection in use

	mu     sync.Mutex
	idle   []driver.Conn
	closed bool
}

// errSpent comes from a connection that is gone: nothing was sent.
var errSpent = errors.New("the connection is gone")

const (
	mostConns = 16 // leases, ledger, a verify and a few statements beside them
	mostIdle  = 4
)

// newPool makes a pool that has dialled nothing yet. greet is asked for every
// new connection, which is dropped if that is an error.
func newPool(of *clickhouse.Options, greet greeting) *pool {
	options := *of
	options.MaxOpenConns, options.MaxIdleConns = 1, 1
	options.DialStrategy = func(ctx context.Context, n int, opts *clickhouse.Options, dial clickhouse.Dial) (clickhouse.DialResult, error) {
		if n > 1 {
			return clickhouse.DialResult{}, errSpent //guard:greeted
		}
		return dial(ctx, opts.Addr[0], opts)
	}
	return &pool{options: &options, greet: greet, open: make(chan struct{}, mostConns)}
}

// with runs do on a greeted connection; where do keeps it, it must give it back
// by put.
func (p *pool) with(ctx context.Context, do func(context.Context, driver.Conn) (keeps bool, err error)) error {
	if p.undated { //guard:undated
		ctx = undated{ctx}
	}
	timer := time.NewTimer(dialTimeout)
	defer timer.Stop()
	select {
	case p.open <- struct{}{}:
	case <-timer.C:
		return clickhouse.ErrAcquireConnTimeout
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	for {
		conn, err := p.take(ctx)
		if err != nil {
			<-p.open
			return p.told(err)
		}
		keeps, err := do(ctx, conn)
		if errors.Is(err, errSpent) {
			_ = conn.Close() // there is nothing left of it
			continue
		}
		if !keeps {
			p.put(conn)
		}
		return p.told(err)
	}
}

// told is an error as whoever runs the loader is to read it.
func (p *pool) told(err error) error { return limited(brief(err), p.limits, p.options.Auth.Username) }

// fill dials n connections, so that a server that cannot be spoken to is known
// at once. Where several servers share an address, a few hardly all lead to the
// same one.
func (p *pool) fill(ctx context.Context, n int32) error {
	group, ctx := errgroup.WithContext(ctx)
	release := make(chan struct{})
	var ready atomic.Int32
	for range n {
		group.Go(func() error {
			return p.with(ctx, func(_ context.Context, conn driver.Conn) (bool, error) {
				// None is given back before the last is there, or one would serve them all.
				if ready.Add(1) == n {
					close(release)
				}
				select {
				case <-release:
					return false, conn.Ping(ctx)
				case <-ctx.Done():
					return false, context.Cause(ctx)
				}
			})
		})
	}
	return group.Wait()
}

func (p *pool) take(ctx context.Context) (driver.Conn, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, clickhouse.ErrConnectionClosed
	}
	if n := len(p.idle); n > 0 {
		conn := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return conn, nil
	}
	p.mu.Unlock()
	conn, err := clickhouse.Open(p.options)
	if err != nil {
		return nil, err
	}
	if err := p.greet(unmarked{ctx}, poolAsker{conn}); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// unmarked is a context without its values: a statement's query id and settings
// are not its greeting's.
type unmarked struct{ context.Context }

func (unmarked) Value(any) any { return nil }

func (p *pool) put(conn driver.Conn) {
	<-p.open
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= mostIdle {
		_ = conn.Close() // no statement is on it
		return
	}
	p.idle = append(p.idle, conn)
}

// Close ends the idle connections, and those in use when they come back.
func (p *pool) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	var errs []error
	for _, conn := range p.idle {
		errs = append(errs, conn.Close())
	}
	p.idle = nil
	return errors.Join(errs...)
}

func (p *pool) Exec(ctx context.Context, query string, args ...any) error {
	return p.with(ctx, func(ctx context.Context, conn driver.Conn) (bool, error) {
		return false, conn.Exec(ctx, query, args...)
	})
}

func (p *pool) ServerVersion() (v *driver.ServerVersion, err error) {
	err = p.with(context.Background(), func(_ context.Context, conn driver.Conn) (bool, error) {
		v, err = conn.ServerVersion()
		return false, err
	})
	return v, err
}

func (p *pool) ping(ctx context.Context) error {
	return p.with(ctx, func(_ context.Context, conn driver.Conn) (bool, error) { return false, conn.Ping(ctx) })
}

func (p *pool) QueryRow(ctx context.Context, query string, args ...any) Row {
	return row(func(dest ...any) error {
		return p.with(ctx, func(ctx context.Context, conn driver.Conn) (bool, error) {
			return false, conn.QueryRow(ctx, query, args...).Scan(dest...)
		})
	})
}

type row func(dest ...any) error

func (r row) Scan(dest ...any) error { return r(dest...) }

func (p *pool) Query(ctx context.Context, query string, args ...any) (driver.Rows, error) {
	var out driver.Rows
	err := p.with(ctx, func(ctx context.Context, conn driver.Conn) (bool, error) {
		inner, err := conn.Query(ctx, query, args...)
		if err != nil {
			return false, err
		}
		out = &rows{Rows: inner, told: p.told, back: sync.OnceFunc(func() { p.put(conn) })}
		return true, nil
	})
	return out, err
}

// rows hold their connection until they end.
type rows struct {
	driver.Rows
	told func(error) error
	back func()
}

func (r *rows) Next() bool {
	more := r.Rows.Next()
	if !more {
		r.back()
	}
	return more
}

func (r *rows) Err() error { return r.told(r.Rows.Err()) }

func (r *rows) Close() error {
	defer r.back()
	return r.told(r.Rows.Close())
}

func (p *pool) PrepareBatch(ctx context.Context, query string, opts ...driver.PrepareBatchOption) (driver.Batch, error) {
	var out driver.Batch
	err := p.with(ctx, func(ctx context.Context, conn driver.Conn) (bool, error) {
		inner, err := conn.PrepareBatch(ctx, query, opts...)
		if err != nil {
			return false, err
		}
		out = &batch{Batch: inner, told: p.told, back: sync.OnceFunc(func() { p.put(conn) })}
		return true, nil
	})
	return out, err
}

// batch holds its connection until it is sent or closed.
type batch struct {
	driver.Batch
	told func(error) error
	back func()
}

func (b *batch) Send() error {
	defer b.back()
	return b.told(b.Batch.Send())
}

func (b *batch) Abort() error {
	defer b.back()
	return b.Batch.Abort()
}

func (b *batch) Close() error {
	defer b.back()
	return b.Batch.Close()
}
