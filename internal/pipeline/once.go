package pipeline

import (
	"context"
	"errors"

	"github.com/cenkalti/backoff/v5"

	"rawlogs/internal/load"
	"rawlogs/internal/store"
)

// sendTries bounds how often one INSERT is sent; between tries the store may
// be away for up to StoreWait.
const sendTries = 6

// incomplete is what a send returns for an INSERT whose end was never handed
// over: the server cannot have written it.
const incomplete = -1

// once sends an INSERT until its rows are in the table exactly once, and
// returns the id under which they are. send is given a new id each time and
// returns the rows of the whole INSERT, or incomplete; after an error the
// outcome is settled by counting, and only if nothing landed is rewind called
// and the INSERT sent again.
func (r *run) once(ctx context.Context, table string, send func(id uint64, query string) (int, error), rewind func() error) (uint64, error) {
	try := func() (uint64, error) {
		if err := r.steady(ctx, r.lease.Confirm); err != nil {
			return 0, backoff.Permanent(err)
		}
		id := newInsertID()
		query := load.QueryID(r.id, id)
		rows, err := send(id, query)
		var own *load.FillError
		switch {
		case err == nil:
			return id, nil
		case ctx.Err() != nil:
			return 0, backoff.Permanent(context.Cause(ctx))
		case errors.As(err, &own):
			return 0, backoff.Permanent(err)
		}
		r.revive(ctx)
		if rows != incomplete {
			landed, lerr := r.landed(ctx, table, query, id, rows)
			switch {
			case lerr != nil:
				return 0, backoff.Permanent(errors.Join(err, lerr))
			case landed:
				return id, nil
			}
		}
		if !store.Retryable(err) {
			return 0, backoff.Permanent(err)
		}
		r.Log.Warn("nothing of an insert landed; sending it again", "table", table, "err", err)
		if rerr := rewind(); rerr != nil {
			return 0, backoff.Permanent(rerr)
		}
		return 0, err
	}
	return backoff.Retry(ctx, try,
		backoff.WithBackOff(storeBackOff()), backoff.WithMaxElapsedTime(0), backoff.WithMaxTries(sendTries))
}

// landed settles an INSERT of unknown outcome, waiting for a store that is away.
func (r *run) landed(ctx context.Context, table, query string, id uint64, rows int) (landed bool, err error) {
	err = r.steady(ctx, func(ctx context.Context) (err error) {
		landed, err = load.Landed(ctx, r.st, table, query, id, rows)
		return err
	})
	return landed, err
}
