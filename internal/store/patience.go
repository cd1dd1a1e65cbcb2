package store

import (
	"context"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"

	"rawlogs/internal/awake"
)

// Patience is how steps are repeated while their store is away or overloaded. It is
// the one place that decides to try a step again: what may pass is Retryable's to say.
type Patience struct {
	Store *Store
	Wait  time.Duration // of this process, without success, before a step's error stands
	Log   *slog.Logger
}

// Steady repeats an idempotent step until it succeeds, its error is one that does not
// pass, or Wait is over.
func (p Patience) Steady(ctx context.Context, step func(context.Context) error) error {
	clock := awake.Start()
	defer clock.Stop()
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := step(ctx)
		//guard:store-retried
		if err != nil && (!Retryable(err) || clock.Ran() > p.Wait) {
			return struct{}{}, backoff.Permanent(err)
		}
		if err != nil && ctx.Err() == nil {
			p.Log.Warn("store operation failed; retrying", "err", err)
			p.Revive(ctx)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(pauses()), backoff.WithMaxElapsedTime(0))
	return err
}

// sendTries is how often a try that moves rows is made at least before it is given up,
// also where each takes long; a store that refuses at once is asked for Wait.
const sendTries = 6

// Persist repeats a try that moves rows, until it succeeds, its error is
// permanent (backoff.Permanent), or there were sendTries of them in more than
// p.Wait: merges that are behind, or memory that others hold, take their time to pass.
func Persist[T any](ctx context.Context, p Patience, try func() (T, error)) (T, error) {
	tries, clock := 0, awake.Start()
	defer clock.Stop()
	return backoff.Retry(ctx, func() (T, error) {
		v, err := try()
		//guard:store-wait
		//guard:sends-bounded
		if tries++; err != nil && tries >= sendTries && clock.Ran() > p.Wait {
			err = backoff.Permanent(err)
		}
		return v, err
	}, backoff.WithBackOff(pauses()), backoff.WithMaxElapsedTime(0))
}

// Revive starts an embedded engine that died again; its failure shows in the
// next step's.
func (p Patience) Revive(ctx context.Context) {
	if err := p.Store.Recover(ctx); err != nil && ctx.Err() == nil {
		p.Log.Warn("the store is away", "err", err)
	}
}

func pauses() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval = 100*time.Millisecond, 5*time.Second
	return b
}
