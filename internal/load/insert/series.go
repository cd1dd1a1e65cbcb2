package insert

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"rawlogs/internal/load"
	"rawlogs/internal/store"
)

// Series is the INSERTs of a file that is too large for one. It is safe for concurrent
// use.
type Series struct {
	sender *Sender
	at     *store.Server // all of the file goes there
	mu     sync.Mutex
	ids    []uint64 // begun, acknowledged or not
}

// Together has a file sent in several INSERTs until all of them are in the store, and
// returns their ids. send sends all of them through the Series. After an error every one
// of them is taken back from scope, and undo takes back what else the caller has
// written; then send is called again if the error may pass.
//
// A *FillError and whatever the store does not get over end it, with no row left.
func (s *Sender) Together(ctx context.Context, scope store.Scope, file string, send func(*Series) error, undo func() error) ([]uint64, error) {
	return store.Persist(ctx, s.patience, func() ([]uint64, error) {
		series := &Series{sender: s, at: s.next()}
		err := send(series)
		if err == nil {
			return series.ids, nil
		}
		if ctx.Err() != nil {
			return nil, backoff.Permanent(context.Cause(ctx))
		}
		s.patience.Revive(ctx)
		if werr := errors.Join(s.withdraw(ctx, scope, series.ids), undo()); werr != nil {
			return nil, backoff.Permanent(errors.Join(err, werr))
		}
		var own *FillError
		if errors.As(err, &own) || !store.Retryable(err) {
			return nil, backoff.Permanent(err)
		}
		s.patience.Log.Warn("the server refused a slice; sending the file again", "file", file, "err", err)
		return nil, err
	})
}

// Send sends one INSERT of the series, once. After an error the series has failed,
// unless the server complains of one whose rows it holds.
func (s *Series) Send(ctx context.Context, stream *Stream, shape load.Shape, fill Fill) error {
	sender := s.sender
	if err := sender.patience.Steady(ctx, sender.lease.Confirm); err != nil {
		return err
	}
	a, begin := sender.beginAt(s.at, stream.table.Name), time.Now()
	s.mu.Lock()
	s.ids = append(s.ids, a.id)
	s.mu.Unlock()
	_, err := stream.Send(ctx, a.at, a.id, a.query, shape, fill)
	if err != nil && stream.sent.ended && store.Refused(err) && ctx.Err() == nil {
		if landed, lerr := sender.landed(ctx, a, stream.sent.rows); lerr == nil && landed {
			sender.viewFailed(ctx, a, stream.sent.rows, err)
			err = nil
		}
	}
	if err != nil {
		return err
	}
	sender.acknowledged(a, stream.sent, begin)
	return sender.see(ctx, a, stream.sent.rows) //guard:slice-seen
}
