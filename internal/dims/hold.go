package dims

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"

	"rawlogs/internal/checkpoint/lease"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
)

// hold takes the lease on a network's names. It is not the one for loading: names
// may be refreshed while logs are loaded. No network can be called so.
//
// The context ends when the lease is lost.
func hold(ctx context.Context, st *store.Store, o Options) (context.Context, func() error, error) {
	return Hold(ctx, st, o.Network, o.Log)
}

// Hold is that lease for work on the tables of names and updates by others.
func Hold(ctx context.Context, st *store.Store, network string, log *slog.Logger) (context.Context, func() error, error) {
	claim := lease.New(st, network+"/dims", "dims-"+rand.Text()[:10], rawlog.Share{}, log)
	if err := claim.Claim(ctx); err != nil { //guard:dims-lease
		return ctx, nil, err
	}
	held, cancel := context.WithCancelCause(ctx)
	claim.Keep(held, cancel)
	return held, func() error {
		cause := context.Cause(held)
		err := claim.Release(ctx)
		cancel(nil)
		if errors.Is(cause, lease.ErrLost) {
			return errors.Join(cause, err)
		}
		return err
	}, nil
}
