package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/load"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
)

// recover finds what dead runs left loading, takes it out of the store and
// puts it back in the plan. It runs under the lease, so no live run of this
// share owns any of it.
func (r *run) recover(ctx context.Context) error {
	r.Progress.enter("recovering")
	entries, err := r.entries(ctx, checkpoint.Filter{Types: r.Types, States: []checkpoint.State{checkpoint.Loading}})
	if err != nil {
		return err
	}
	var left []*checkpoint.Entry
	runs := make(map[string]bool)
	for i := range entries {
		if r.mine(entries[i].File.Name) {
			left = append(left, &entries[i])
			runs[entries[i].Run] = true
		}
	}
	if len(left) == 0 {
		return nil
	}
	for id := range runs {
		r.Log.Warn("an earlier run ended in mid-load; taking back what it left", "run", id)
		// A dead client's INSERT can still land, so it is ended before its rows are looked for.
		end := func(ctx context.Context) error { return r.st.KillQueries(ctx, load.QueryPrefix(id)) }
		if err := r.steady(ctx, end); err != nil {
			return err
		}
	}
	if err := r.withdraw(ctx, left); err != nil { //guard:recovery-withdraws
		return err
	}
	for _, e := range left {
		e.State, e.Run = checkpoint.Planned, r.id
	}
	r.sum.add(func(s *Summary) { s.Recovered += len(left) })
	return r.record(ctx, left)
}

// withdraw deletes whatever rows of the files are in the store, synchronously,
// and sets the entries' counts to nothing. It is what recovery, a failed
// INSERT, a broken file and a replaced one have in common. The INSERTs that
// could still bring rows must be ended before.
func (r *run) withdraw(ctx context.Context, entries []*checkpoint.Entry) error {
	byType := make(map[rawlog.Type][]rawlog.File)
	for _, e := range entries {
		byType[e.File.Type] = append(byType[e.File.Type], e.File)
		e.Lines, e.Rows, e.Rescued, e.Rejected, e.Inserts = 0, 0, 0, 0, nil
		e.First, e.Last, e.ShiftHours = time.Time{}, time.Time{}, 0
	}
	return r.steady(ctx, func(ctx context.Context) error {
		for typ, files := range byType {
			for _, table := range []string{string(typ), load.RejectedTable} {
				if err := r.delete(ctx, table, files); err != nil {
					return fmt.Errorf("taking back the rows of %d %s files: %w", len(files), typ, err)
				}
			}
		}
		return nil
	})
}

// delete deletes the files' rows from a table. Most have none there, and a
// count is far cheaper than a deletion.
func (r *run) delete(ctx context.Context, table string, files []rawlog.File) error {
	counts, err := r.count(ctx, table, files)
	if err != nil || len(counts) == 0 {
		return err
	}
	return r.st.DeleteFiles(ctx, table, r.Network, slices.Sorted(maps.Keys(counts)), span(files))
}

// count counts the files' rows in a table; files without rows are absent.
func (r *run) count(ctx context.Context, table string, files []rawlog.File) (map[string]uint64, error) {
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = f.Name
	}
	return r.st.CountFiles(ctx, table, r.Network, names, span(files))
}

// stored is count, also from a store that is away for a moment.
func (r *run) stored(ctx context.Context, table string, files []rawlog.File) (counts map[string]uint64, err error) {
	err = r.steady(ctx, func(ctx context.Context) (err error) {
		counts, err = r.count(ctx, table, files)
		return err
	})
	return counts, err
}

// span is the time from the first of the files' hours to the end of the last.
func span(files []rawlog.File) rawlog.Period {
	p := rawlog.Period{From: files[0].Hour, To: files[0].Hour}
	for _, f := range files[1:] {
		if f.Hour.Before(p.From) {
			p.From = f.Hour
		}
		if f.Hour.After(p.To) {
			p.To = f.Hour
		}
	}
	p.To = p.To.Add(time.Hour)
	return p
}

// entries reads the ledger, also from a store that is away for a moment.
func (r *run) entries(ctx context.Context, f checkpoint.Filter) (entries []checkpoint.Entry, err error) {
	err = r.steady(ctx, func(ctx context.Context) (err error) {
		entries, err = r.ledger.Entries(ctx, f)
		return err
	})
	return entries, err
}

// record writes new versions of the entries. Its answer may be lost and the
// write repeated: the same version is the same row.
func (r *run) record(ctx context.Context, entries []*checkpoint.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	for _, e := range entries {
		e.Version++
	}
	return r.steady(ctx, func(ctx context.Context) error { return r.ledger.Repeat(ctx, entries) })
}

// steady repeats an idempotent step while the store is away or overloaded, for
// up to StoreWait without success.
func (r *run) steady(ctx context.Context, step func(context.Context) error) error {
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := step(ctx)
		if err != nil && !store.Retryable(err) { //guard:store-retried
			err = backoff.Permanent(err)
		}
		if err != nil && ctx.Err() == nil {
			r.Log.Warn("the store did not take a step; trying again", "err", err)
			r.revive(ctx)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(storeBackOff()), backoff.WithMaxElapsedTime(r.StoreWait))
	return err
}

// revive starts an embedded engine that died again; its failure shows in the
// next step's.
func (r *run) revive(ctx context.Context) {
	if err := r.st.Recover(ctx); err != nil && ctx.Err() == nil {
		r.Log.Warn("the store is away", "err", err)
	}
}

func storeBackOff() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval = 100*time.Millisecond, 5*time.Second
	return b
}
