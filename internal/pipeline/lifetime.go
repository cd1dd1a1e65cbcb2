package pipeline

import (
	"context"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
)

// Lifetime is for how long files of a type stay, and what is over by it.
type Lifetime struct {
	Type   rawlog.Type
	Months int       // 0: for ever
	Former int       // as the store has it
	Kept   time.Time // the first hour that is kept; zero for ever
	Over   []Dropped // months with rows that would be dropped
	Doubt  string    // why a run would not drop them
	Apart  string    // why nobody may
}

// Lifetimes says for how long files of opts.Types stay, and what of them is over: as it is, or
// as it would be by others. It changes nothing.
func Lifetimes(ctx context.Context, st *store.Store, opts Options, others rawlog.Lifetimes) ([]Lifetime, error) {
	r := newRun(st, opts)
	former, err := r.ledger.Lifetimes(ctx)
	if err != nil {
		return nil, err
	}
	var out []Lifetime
	for _, typ := range r.Types {
		l := Lifetime{Type: typ, Former: former[typ], Months: former[typ]}
		if months, ok := others[typ]; ok {
			l.Months = months
		}
		if l.Months > 0 {
			if err := r.foretell(ctx, &l); err != nil {
				return nil, err
			}
		}
		out = append(out, l)
	}
	return out, nil
}

// foretell fills in what is over by a lifetime.
func (r *run) foretell(ctx context.Context, l *Lifetime) error {
	var err error
	if r.ahead, err = r.horizon(ctx, rawlog.Lifetimes{l.Type: l.Months}); err != nil {
		return err
	}
	l.Kept, _ = r.ahead.lives.End(l.Type, r.ahead.now)
	l.Apart = r.ahead.apartText()
	months, err := r.overdue(ctx, l.Type, true)
	if err != nil || len(months) == 0 {
		return err
	}
	for _, m := range months {
		d := m.rows()
		d.Type = l.Type
		l.Over = append(l.Over, d)
	}
	l.Doubt, err = r.mayDrop(ctx, l.Type, months, false)
	return err
}

// SetLifetimes writes for how long files of types stay, and drops what is over by it, whatever
// a run would doubt, but for clocks that do not agree. It holds the network's lease meanwhile,
// as a run does: a *lease.HeldError means that one is at work.
func SetLifetimes(ctx context.Context, st *store.Store, opts Options, lives rawlog.Lifetimes) (Summary, error) {
	opts.Types = rawlog.All() // what dead runs left is settled for all of them
	r := newRun(st, opts)
	if err := r.lookAhead(ctx); err != nil {
		return r.sum.done(), err
	}
	err := guarded(func() error {
		return r.leased(ctx, func(ctx context.Context) error {
			for _, typ := range rawlog.All() {
				months, ok := lives[typ]
				if !ok {
					continue
				}
				if err := r.steady(ctx, func(ctx context.Context) error { return r.ledger.SetLifetime(ctx, typ, months, r.id) }); err != nil {
					return err
				}
			}
			if err := r.lookAhead(ctx); err != nil {
				return err
			}
			for typ := range r.ahead.lives {
				if _, ok := lives[typ]; !ok {
					delete(r.ahead.lives, typ) // of those somebody else is sure
				}
			}
			return r.expire(ctx, true)
		})
	})()
	return r.sum.done(), err
}
