package pipeline

import (
	"context"
	"errors"
	"time"

	"rawlogs/internal/checkpoint/lease"
	"rawlogs/internal/load/insert"
)

// leased does work under the run's lease, when what dead runs left is taken back. A
// *lease.HeldError means that another run is at work.
func (r *run) leased(ctx context.Context, work func(context.Context) error) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.lease = lease.New(r.st, r.Network, r.id, r.Share, r.Log)
	if err = r.steady(ctx, r.lease.Claim); err != nil {
		return err
	}
	r.ledger = r.ledger.Under(r.lease.Fence())
	r.inserts = insert.NewSender(r.id, r.lease, r.patience())
	r.lease.Keep(ctx, cancel)
	defer func() { err = r.leave(ctx, err) }()
	if err = r.recover(ctx); err != nil {
		return err
	}
	return work(ctx)
}

// leave gives the lease back. A run that lost it first takes back what no other
// run will look for; if it cannot, it leaves its lease to be found by one.
func (r *run) leave(ctx context.Context, err error) error {
	if err != nil && !errors.Is(err, lease.ErrLost) { //guard:lost-lease-explains
		err = r.explained(ctx, err)
	}
	if errors.Is(err, lease.ErrLost) {
		if derr := r.inserts.Disown(context.WithoutCancel(ctx), r.everywhere(), r.vouched); derr != nil {
			return errors.Join(err, derr)
		}
	}
	if rerr := r.lease.Release(ctx); rerr != nil {
		r.Log.Warn("giving the lease back; it ends by itself", "err", rerr)
	}
	return err
}

// explained returns err, or that the lease is lost: whoever took it over has
// changed ledger and rows since, so what this run concluded from both may be
// true of neither.
func (r *run) explained(ctx context.Context, err error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	lost := r.lease.Confirm(ctx)
	if !errors.Is(lost, lease.ErrLost) {
		return err // the store may be away; then err says so
	}
	r.Log.Warn("an error that may come from the loss of the lease", "err", err)
	r.sum.add(func(s *Summary) { s.Mismatches = nil })
	return lost
}
