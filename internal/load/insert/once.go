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
	turn     atomic.Uint64 // of the shards
	copies   atomic.Uint64 // of tables that were made
	seen     sync.Map      // destinations in which rows of this run were seen, after its first INSERT
	views    views
}

// NewSender returns the sender of the run of that name, which NewRun made. Each of its
// steps has the patience given, and the patience's store is the one that it writes to.
func NewSender(run string, lease Lease, patience store.Patience) *Sender {
	s := &Sender{st: patience.Store, run: run, lease: lease, patience: patience}
	ids, _ := IDs(run)
	s.last.Store(ids.First - 1)
	s.turn.Store(ids.First) // runs of one INSERT each do not all begin with the same shard
	return s
}

// attempt is one INSERT that is tried, on a shard.
type attempt struct {
	at    *store.Server
	table string
	id    uint64
	query string
}

// begin gives an INSERT its id, on the next shard: they take turns, so that each gets as
// many rows. Whoever counts or deletes asks all of them, so none is bound to what a file had
// before, and one that is away does not keep an INSERT from landing on another.
func (s *Sender) begin(table string) attempt { return s.beginAt(s.next(), table) }

func (s *Sender) next() *store.Server {
	shards := s.st.Shards()
	return shards[s.turn.Add(1)%uint64(len(shards))]
}

func (s *Sender) beginAt(at *store.Server, table string) attempt {
	id := s.newID()
	return attempt{at, table, id, QueryID(s.run, id)}
}

// Once sends an INSERT until its rows are in the stream's table exactly once, and
// returns the id under which they are there. After an error the outcome is settled by
// counting; only if nothing landed is rewind called with it and the INSERT sent again.
//
// A *FillError, an error of rewind, a lost lease and whatever the store does not get
// over end it, with no row in the table unless the error says otherwise.
func (s *Sender) Once(ctx context.Context, stream *Stream, shape load.Shape, fill Fill, rewind func(why error) error) (uint64, error) {
	return s.once(ctx, stream.table.Name, func(a attempt) (sent, error) {
		_, err := stream.Send(ctx, a.at, a.id, a.query, shape, fill)
		return stream.sent, err
	}, rewind)
}

// once is Once for any way to send.
func (s *Sender) once(ctx context.Context, table string, send func(attempt) (sent, error), rewind func(why error) error) (uint64, error) {
	try := func() (uint64, error) {
		if err := s.patience.Steady(ctx, s.lease.Confirm); err != nil {
			return 0, backoff.Permanent(err)
		}
		a, begin := s.begin(table), time.Now()
		out, err := send(a)
		var own *FillError
		switch {
		case err == nil:
			s.acknowledged(a, out, begin)
			if err = s.see(ctx, a, out.rows); err != nil {
				return 0, backoff.Permanent(err)
			}
			return s.copied(ctx, a, out.rows)
		case ctx.Err() != nil:
			return 0, backoff.Permanent(context.Cause(ctx))
		case errors.As(err, &own):
			return 0, backoff.Permanent(err)
		}
		s.patience.Revive(ctx)
		if out.ended {
			landed, lerr := s.landed(ctx, a, out.rows)
			switch {
			case lerr != nil:
				return 0, backoff.Permanent(errors.Join(err, lerr))
			case landed: //guard:insert-settled
				s.viewFailed(ctx, a, out.rows, err)
				return s.copied(ctx, a, out.rows)
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
func (s *Sender) see(ctx context.Context, a attempt, rows int) error {
	if _, seen := s.seen.LoadOrStore(attempt{at: a.at, table: a.table}, true); seen || rows <= 0 {
		return nil
	}
	return s.patience.Steady(ctx, func(ctx context.Context) error { return visible(ctx, a, rows) })
}

// copied returns the id of an INSERT whose rows are there when they are on as many replicas as they
// are to be.
func (s *Sender) copied(ctx context.Context, a attempt, rows int) (uint64, error) {
	err := s.patience.Steady(ctx, func(ctx context.Context) error { return a.at.Copied(ctx, a.table, a.id, rows) })
	if err != nil { //guard:insert-copied
		return 0, backoff.Permanent(err)
	}
	return a.id, nil
}

// landed settles an INSERT of unknown outcome, waiting for a store that is away.
func (s *Sender) landed(ctx context.Context, a attempt, rows int) (is bool, err error) {
	err = s.patience.Steady(ctx, func(ctx context.Context) (err error) {
		is, err = landed(ctx, a, rows)
		return err
	})
	return is, err
}

// acknowledged logs an INSERT that the server acknowledged.
func (s *Sender) acknowledged(a attempt, out sent, begin time.Time) {
	s.patience.Log.Debug("insert", "table", a.table, "insert", a.id, "rows", out.rows, "bytes", out.bytes, "seconds", time.Since(begin).Round(time.Millisecond).Seconds())
}
