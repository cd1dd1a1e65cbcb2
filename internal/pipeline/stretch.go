package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/dirs"
	"rawlogs/internal/rawlog"
)

// # Long periods
//
// A plan holds what the ledger says of every file that it is about. So that a run's memory does
// not grow with the years that it is asked for, it plans and loads some years after the
// others, oldest first, as if they were asked for by a run of their own, and a year of very many
// files month by month. The source lists all of them at once: that is less, and some sources cannot
// list a part of what they have in less time.

// mostPlanned is how many files a plan is about, if they are not of a single month. Each takes
// some 1.5 KiB.
const mostPlanned = 50_000

// byStretch does work for one stretch of the run's periods after the other: r.Periods are
// those of the stretch meanwhile. Nothing more is begun once the run is stopped.
func (r *run) byStretch(ctx context.Context, work func(context.Context) error) error {
	// A nightly run, files by name and events are about files of other days as well.
	if r.RetryFailed || r.Events || len(r.Files) > 0 || len(cut(r.Periods, rawlog.MonthOf)) < 2 {
		return work(ctx)
	}
	r.Progress.enter("listing")
	m, err := r.askMonths(ctx)
	if err != nil {
		return err
	}
	all, err := r.listAll(ctx, m)
	if err != nil {
		return err
	}
	src, periods := r.src, r.Periods
	defer func() {
		if r.src, r.Periods = src, periods; r.stretched {
			r.stretched = false
			r.flawed.Store(nil)
		}
	}()
	r.src, r.stretched, r.fruitful = all, true, all.files.Len()+m.count > 0 || all.part != nil
	plan, over := r.split(m)
	if err = r.passOver(ctx, m, over, all); err != nil {
		return err
	}
	stretches := r.bounded(all, m, plan)
	if len(stretches) == 1 && len(over) == 0 {
		r.stretched = false // what is read of the whole run holds for it
		return work(ctx)
	}
	for i, stretch := range stretches {
		if i > 0 && r.stopped() {
			return nil
		}
		r.Periods, r.crowded = stretch, false
		r.flawed.Store(nil)
		if err = work(ctx); err != nil {
			return err
		}
	}
	return nil
}

// stretch is the periods of the stretch that the run is at, or nil if it is not cut.
func (r *run) stretch() []rawlog.Period {
	if !r.stretched {
		return nil
	}
	return r.Periods
}

// bounded are periods in stretches: as many years each as have no more files than may
// be planned at once, in the listing or the ledger, or a month of a year that has more.
func (r *run) bounded(all *listed, m *months, periods []rawlog.Period) (stretches [][]rawlog.Period) {
	if len(periods) == 0 {
		return nil
	}
	most, planned := r.mostPlanned, 0
	if planWeight(all, m, periods) <= most {
		return [][]rawlog.Period{periods}
	}
	var together []rawlog.Period
	for _, year := range cut(periods, yearOf) {
		files := planWeight(all, m, year)
		if len(together) > 0 && planned+files > most {
			stretches, together, planned = append(stretches, together), nil, 0
		}
		if files > most { //guard:plan-bounded
			stretches = append(stretches, cut(year, rawlog.MonthOf)...)
			continue
		}
		together, planned = append(together, year...), planned+files
	}
	if len(together) > 0 {
		stretches = append(stretches, together)
	}
	return stretches
}

// planWeight is how many files of the periods a plan would be about.
func planWeight(all *listed, m *months, periods []rawlog.Period) int {
	within := make(map[int64]bool)
	for _, month := range cut(periods, rawlog.MonthOf) {
		within[rawlog.MonthOf(month[0].From).From.Unix()] = true
	}
	known := 0
	for key, month := range m.known {
		if within[key.From] {
			known += int(month.Files)
		}
	}
	return max(all.count(periods), known) //guard:plan-bounded-by-ledger
}

// cut divides periods into stretches that each lie in one span of time, as span has it for a
// time of it: oldest first, and none without a period.
func cut(periods []rawlog.Period, span func(time.Time) rawlog.Period) (stretches [][]rawlog.Period) {
	sorted := slices.SortedFunc(slices.Values(periods), func(a, b rawlog.Period) int { return a.From.Compare(b.From) })
	for len(sorted) > 0 {
		within := span(sorted[0].From)
		var stretch, rest []rawlog.Period
		for _, p := range sorted {
			if !p.From.Before(within.To) {
				rest = append(rest, p)
				continue
			}
			stretch = append(stretch, rawlog.Period{From: p.From, To: earlier(p.To, within.To)})
			if p.To.After(within.To) {
				rest = append(rest, rawlog.Period{From: within.To, To: p.To})
			}
		}
		stretches = append(stretches, stretch)
		slices.SortFunc(rest, func(a, b rawlog.Period) int { return a.From.Compare(b.From) })
		sorted = rest
	}
	return stretches
}

// yearOf is the UTC year that a time lies in.
func yearOf(t time.Time) rawlog.Period {
	from := time.Date(t.UTC().Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	return rawlog.Period{From: from, To: from.AddDate(1, 0, 0)}
}

// listed is a source that has been asked what it lists.
type listed struct {
	dirs.Source
	files rawlog.Pack // by hour
	part  error       // an *dirs.Incomplete, or nil
}

// listAll asks the source for the files of all periods, and keeps those that are to be planned.
func (r *run) listAll(ctx context.Context, m *months) (*listed, error) {
	l := &listed{Source: r.src}
	var month []rawlog.File // of a type, as a source yields one after the other
	var key checkpoint.MonthKey
	end := func() {
		if len(month) > 0 && !r.pass(m, key, month) {
			for _, f := range month {
				l.files.Add(f, 0)
			}
		}
		month = month[:0]
	}
	err := r.walk(ctx, r.Types, r.Periods, func(f rawlog.File) error {
		if of := checkpoint.KeyOf(f); of != key {
			end()
			key = of
		}
		if r.within(f.Hour) {
			month = append(month, f)
		}
		return nil
	})
	end()
	var part *dirs.Incomplete
	if errors.As(err, &part) {
		l.part, err = part, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", r.src.Name(), err)
	}
	r.conclude(m, part)
	l.files.SortByHour()
	return l, nil
}

func (l *listed) count(periods []rawlog.Period) (n int) {
	for _, p := range periods {
		from, to := l.files.Within(p)
		n += to - from
	}
	return n
}

// Walk yields what the listing has of the periods, hour by hour, and says what was wrong with
// all of it. Without periods it asks the source.
func (l *listed) Walk(ctx context.Context, types []rawlog.Type, periods []rawlog.Period, yield func(rawlog.File) error) error {
	if len(periods) == 0 {
		return l.Source.Walk(ctx, types, nil, yield)
	}
	for _, p := range periods {
		from, to := l.files.Within(p)
		for i := range to - from {
			f, _ := l.files.At(from + i)
			if err := yield(f); err != nil {
				return err
			}
		}
	}
	return l.part
}
