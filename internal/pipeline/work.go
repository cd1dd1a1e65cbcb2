package pipeline

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/ended"
)

// work is what a run does under its lease, once dead runs are cleaned up after.
func (r *run) work(ctx context.Context) error {
	load := func(ctx context.Context) error { return r.byStretch(ctx, r.bringUpToDate) }
	steps := []func(context.Context) error{
		r.orphaned, //guard:orphans-first
		load,
		func(ctx context.Context) error { return r.expire(ctx, false) },
		r.orphaned, //guard:orphans-last
		r.openIssues,
	}
	if r.DryRun {
		steps = []func(context.Context) error{load, r.openIssues}
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// bringUpToDate plans what the run's periods lack, and loads it.
func (r *run) bringUpToDate(ctx context.Context) error {
	r.copies.forget()
	jobs, err := r.plan(ctx)
	if err != nil || r.DryRun {
		return err
	}
	if len(jobs) == 0 {
		if jobs, err = r.further(ctx); err != nil {
			return err
		}
	}
	if len(jobs) > 0 {
		if err = r.loadPlan(ctx, jobs); err != nil {
			return err
		}
	}
	return r.findOverlaps(ctx)
}

// loadPlan loads the plan's files, and counts what they came to.
func (r *run) loadPlan(ctx context.Context, jobs []*job) (err error) {
	// A loader has two INSERTs at a time where it sends a file in slices.
	r.size.fit(uint64(r.InsertRows), r.st.MemoryLimit(ctx), 2*r.Parsers)
	if err = r.learnUsual(ctx, jobs); err != nil {
		return err
	}
	// The copies of what was replaced or lost come after it, and copies among those after them.
	for len(jobs) > 0 {
		if err = r.loadAll(ctx, jobs); err != nil {
			return err
		}
		if jobs, err = r.further(ctx); err != nil {
			return err
		}
	}
	return r.finalCount(ctx)
}

// further returns the files that are to be loaded as of what became of others.
func (r *run) further(ctx context.Context) ([]*job, error) {
	if jobs, err := r.uncarried(ctx); err != nil || len(jobs) > 0 {
		return jobs, err
	}
	return r.relean(ctx)
}

// loadAll loads the jobs; the reason for which ctx ended goes before what it led to.
func (r *run) loadAll(ctx context.Context, jobs []*job) error {
	err := r.load(ctx, jobs)
	cause := context.Cause(ctx)
	if err != nil && cause != nil && (!errors.Is(cause, context.Canceled) || ended.ByContext(err)) {
		return cause // the lease is lost, or an interrupt is all there is to tell
	}
	return err
}

// load runs the stages between which only whole archives move.
func (r *run) load(ctx context.Context, jobs []*job) error {
	starved := make([]chan struct{}, r.Parsers)
	for i := range starved {
		starved[i] = make(chan struct{}, 1)
	}
	r.fetcher = r.newFetcher(starved)
	r.Progress.begin(jobs)
	group, ctx := errgroup.WithContext(ctx)
	marked := make(chan *job)
	fetched := make(chan *job)
	group.Go(guarded(func() error { return r.feed(ctx, jobs, marked) }))
	group.Go(func() error {
		defer close(fetched)
		fetchers, either := errgroup.WithContext(ctx)
		for range r.Fetchers {
			fetchers.Go(guarded(func() error { return r.fetch(either, marked, fetched) }))
		}
		return fetchers.Wait()
	})
	for _, s := range starved {
		group.Go(guarded(func() error { return newLoader(r, fetched, s).work(ctx) }))
	}
	err := group.Wait()
	return errors.Join(err, r.putBack(context.WithoutCancel(ctx), jobs, err))
}

// putBack returns what a stopped run had marked but not begun to the plan, so
// that its state says what is so. After an error the rows of a loading file
// are for recovery to look at.
func (r *run) putBack(ctx context.Context, jobs []*job, err error) error {
	var back []*checkpoint.Entry
	for _, j := range jobs {
		j.release()
		if j.state == jobOpen {
			r.sum.left()
			if err == nil && j.entry.State == checkpoint.Loading {
				j.putBack()
				back = append(back, j.entry)
			}
		}
	}
	return r.record(ctx, back)
}
