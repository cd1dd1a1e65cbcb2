package pipeline

import (
	"context"
	"slices"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
)

// names are the files' names.
func names(files []rawlog.File) []string {
	out := make([]string, len(files))
	for i, f := range files {
		out[i] = f.Name
	}
	return out
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
	if r.st == nil { // a dry run before the first load
		return nil, nil
	}
	err = r.steady(ctx, func(ctx context.Context) (err error) {
		entries, err = r.ledger.Entries(ctx, f)
		return err
	})
	return entries, err
}

// record writes new versions of the entries, unless the lease is lost. Its answer
// may be lost and the write repeated: the same version is the same row.
func (r *run) record(ctx context.Context, entries []*checkpoint.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	r.flawed.Store(nil)
	for _, e := range entries {
		e.Version++
	}
	for chunk := range slices.Chunk(entries, mostRecorded) {
		if err := r.steady(ctx, func(ctx context.Context) error { return r.ledger.Repeat(ctx, chunk) }); err != nil {
			return err
		}
	}
	return nil
}

// mostRecorded bounds the entries of one statement, which are in memory several times
// while it is sent.
const mostRecorded = 5000

// steady repeats an idempotent step while the store is away or overloaded, for
// up to StoreWait without success.
func (r *run) steady(ctx context.Context, step func(context.Context) error) error {
	return r.patience().Steady(ctx, step)
}

func (r *run) patience() store.Patience {
	return store.Patience{Store: r.st, Wait: r.StoreWait, Log: r.Log}
}
