package pipeline

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"

	"rawlogs/internal/load"
	"rawlogs/internal/store"
)

// sendTries is how often an INSERT is sent at least before a run gives up, also
// where sending takes long; a store that refuses at once is asked for StoreWait.
const sendTries = 6

// persist repeats a try that moves rows, until it succeeds, its error is
// permanent, or there were sendTries of them in more than StoreWait: merges that
// are behind, or memory that others hold, take their time to pass.
func persist[T any](ctx context.Context, r *run, try func() (T, error)) (T, error) {
	begin, tries := time.Now(), 0
	return backoff.Retry(ctx, func() (T, error) {
		v, err := try()
		//guard:store-wait
		//guard:sends-bounded
		if tries++; err != nil && tries >= sendTries && time.Since(begin) > r.StoreWait {
			err = backoff.Permanent(err)
		}
		return v, err
	}, backoff.WithBackOff(storeBackOff()), backoff.WithMaxElapsedTime(0))
}

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
		id := r.newInsertID()
		query := load.QueryID(r.id, id)
		rows, err := send(id, query)
		var own *load.FillError
		switch {
		case err == nil:
			if err := r.see(ctx, table, id, rows); err != nil {
				return 0, backoff.Permanent(err)
			}
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
			case landed: //guard:insert-settled
				r.viewFailed(id, err)
				return id, nil
			}
		}
		if !store.Retryable(err) { //guard:refusal-final
			return 0, backoff.Permanent(err)
		}
		r.Log.Warn("nothing of an insert landed; sending it again", "table", table, "err", err)
		if rerr := rewind(); rerr != nil {
			return 0, backoff.Permanent(rerr)
		}
		return 0, err
	}
	return persist(ctx, r, try)
}

// see counts the rows of the first INSERT into a table that was acknowledged: a
// count of 0 settles nothing on a store that hides rows from this user.
func (r *run) see(ctx context.Context, table string, id uint64, rows int) error {
	if _, seen := r.seen.LoadOrStore(table, true); seen || rows <= 0 {
		return nil
	}
	return r.steady(ctx, func(ctx context.Context) error { return load.Visible(ctx, r.st, table, id, rows) })
}

// landed settles an INSERT of unknown outcome, waiting for a store that is away.
func (r *run) landed(ctx context.Context, table, query string, id uint64, rows int) (landed bool, err error) {
	err = r.steady(ctx, func(ctx context.Context) (err error) {
		landed, err = load.Landed(ctx, r.st, table, query, id, rows)
		return err
	})
	return landed, err
}

// viewFailed notes an error of an INSERT whose rows landed.
func (r *run) viewFailed(id uint64, err error) {
	if r.views.add(id, err) { //guard:view-error-kept
		r.Log.Error("the rows are stored, but the server answered with an error, as it does when a materialized view fails on them", "insert", id, "err", err)
	}
}
