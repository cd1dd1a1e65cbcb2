package insert

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"

	"rawlogs/internal/load"
	"rawlogs/internal/store"
)

// Lease is the run's claim on what it loads.
type Lease interface {
	// Confirm asks the store whether this run still holds the lease.
	Confirm(context.Context) error
	// Fence is the lease as a condition on deletions.
	Fence() store.Fence
}

// Sender sends the INSERTs of one run. It is safe for concurrent use.
type Sender struct {
	st       *store.Store
	run      string
	lease    Lease
	patience store.Patience
	last     atomic.Uint64 // id given out
	copies   atomic.Uint64 // of tables that were made
	seen     sync.Map      // tables in which rows of this run were seen, after its first INSERT
	views    views
}

// NewSender returns the sender of the run of that name, which NewRun made. Each of its
// steps has the patience given, and the patience's store is the one that it writes to.
func NewSender(run string, lease Lease, patience store.Patience) *Sender {
	s := &Sender{st: patience.Store, run: run, lease: lease, patience: patience}
	ids, _ := IDs(run)
	s.last.Store(ids.First - 1)
	return s
}

// Once sends an INSERT until its rows are in the stream's table exactly once, and
// returns the id under which they are there. After an error the outcome is settled by
// counting; only if nothing landed is rewind called with it and the INSERT sent again.
//
// A *FillError, an error of rewind, a lost lease and whatever the store does not get
// over end it, with no row in the table unless the error says otherwise.
func (s *Sender) Once(ctx context.Context, stream *Stream, shape load.Shape, fill Fill, rewind func(why error) error) (uint64, error) {
	return s.once(ctx, stream.table.Name, func(id uint64, query string) (sent, error) {
		_, err := stream.Send(ctx, id, query, shape, fill)
		return stream.sent, err
	}, rewind)
}

// once is Once for any way to send.
func (s *Sender) once(ctx context.Context, table string, send func(id uint64, query string) (sent, error), rewind func(why error) error) (uint64, error) {
	try := func() (uint64, error) {
		if err := s.patience.Steady(ctx, s.lease.Confirm); err != nil {
			return 0, backoff.Permanent(err)
		}
		id, begin := s.newID(), time.Now()
		query := QueryID(s.run, id)
		out, err := send(id, query)
		var own *FillError
		switch {
		case err == nil:
			s.acknowledged(table, id, out, begin)
			if err = s.see(ctx, table, id, out.rows); err != nil {
				return 0, backoff.Permanent(err)
			}
			return id, nil
		case ctx.Err() != nil:
			return 0, backoff.Permanent(context.Cause(ctx))
		case errors.As(err, &own):
			return 0, backoff.Permanent(err)
		}
		s.patience.Revive(ctx)
		if out.ended {
			landed, lerr := s.landed(ctx, table, query, id, out.rows)
			switch {
			case lerr != nil:
				return 0, backoff.Permanent(errors.Join(err, lerr))
			case landed: //guard:insert-settled
				s.viewFailed(ctx, table, id, out.rows, err)
				return id, nil
			}
		}
		if !store.Retryable(err) { //guard:refusal-final
			return 0, backoff.Permanent(err)
		}
		s.patience.Log.Warn("nothing of an insert landed; sending it again", "table", table, "err", err)
		if rerr := rewind(err); rerr != nil {
			return 0, backoff.Permanent(rerr)
		}
		return 0, err
	}
	return store.Persist(ctx, s.patience, try)
}

// see counts the rows of the first INSERT into a table that was acknowledged: a
// count of 0 settles nothing on a store that hides rows from this user.
func (s *Sender) see(ctx context.Context, table string, id uint64, rows int) error {
	if _, seen := s.seen.LoadOrStore(table, true); seen || rows <= 0 {
		return nil
	}
	return s.patience.Steady(ctx, func(ctx context.Context) error { return visible(ctx, s.st, table, id, rows) })
}

// landed settles an INSERT of unknown outcome, waiting for a store that is away.
func (s *Sender) landed(ctx context.Context, table, query string, id uint64, rows int) (is bool, err error) {
	err = s.patience.Steady(ctx, func(ctx context.Context) (err error) {
		is, err = landed(ctx, s.st, table, query, id, rows)
		return err
	})
	return is, err
}

// acknowledged logs an INSERT that the server acknowledged.
func (s *Sender) acknowledged(table string, id uint64, out sent, begin time.Time) {
	s.patience.Log.Debug("insert", "table", table, "insert", id, "rows", out.rows, "bytes", out.bytes, "seconds", time.Since(begin).Round(time.Millisecond).Seconds())
}
