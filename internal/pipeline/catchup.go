package pipeline

import (
	"context"
	"slices"
	"strings"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/dirs"
	"rawlogs/internal/rawlog"
)

// catchUp adds to the periods of a nightly run the days that lie between what former
// runs listed and its own: a job that was down for longer than its periods reach
// back goes on where it left off.
func (r *run) catchUp(ctx context.Context) error {
	if !r.RetryFailed || r.CatchUp <= 0 || len(r.Periods) == 0 || r.st == nil {
		return nil
	}
	begin := r.Periods[0].From
	for _, p := range r.Periods {
		if p.From.Before(begin) {
			begin = p.From
		}
	}
	since := begin.AddDate(0, 0, -r.CatchUp)
	listings := checkpoint.NewListings(r.st, r.Network, r.Share)
	var gaps []rawlog.Period
	for _, typ := range r.Types {
		var listed []rawlog.Period
		err := r.steady(ctx, func(ctx context.Context) (err error) {
			listed, err = listings.Of(ctx, typ)
			return err
		})
		if err != nil {
			return err
		}
		for _, gap := range between(listed, begin) {
			switch {
			case slices.Contains(gaps, gap):
			case gap.From.Before(since):
				r.Log.Debug("no run has listed these days, and they lie further back than catch_up", "days", gap.String())
			default:
				gaps = append(gaps, gap)
			}
		}
	}
	if len(gaps) == 0 {
		return nil
	}
	for _, gap := range gaps {
		r.Log.Info("no run has listed these days yet: catching up", "days", gap.String())
	}
	r.Periods = append(slices.Clone(r.Periods), gaps...) //guard:caught-up
	r.sum.add(func(s *Summary) { s.CaughtUp = gaps })
	return nil
}

// between returns what lies between the periods, which are in order, and from the
// last of them to end. Nothing is missing before the first.
func between(listed []rawlog.Period, end time.Time) (gaps []rawlog.Period) {
	var reached time.Time
	for _, p := range listed {
		if !p.From.Before(end) {
			break
		}
		if !reached.IsZero() && p.From.After(reached) {
			gaps = append(gaps, rawlog.Period{From: reached, To: p.From})
		}
		reached = later(reached, p.To)
	}
	if !reached.IsZero() && reached.Before(end) {
		gaps = append(gaps, rawlog.Period{From: reached, To: end})
	}
	return gaps
}

// remember writes down the days of this run's periods that need no further look. What
// the source could not vouch for needs one.
func (r *run) remember(ctx context.Context, doubtful dirs.Incomplete) error {
	if len(r.Files) > 0 || len(r.Periods) == 0 || slices.ContainsFunc(doubtful.Files, func(f dirs.FileError) bool { return f.File.Type == "" }) { //guard:unread-listed-again
		return nil
	}
	types := slices.DeleteFunc(slices.Clone(r.Types), func(t rawlog.Type) bool {
		return slices.ContainsFunc(doubtful.Types, func(e dirs.TypeError) bool { return e.Type == t })
	})
	settled, now, err := r.settled(ctx)
	if err != nil {
		return err
	}
	r.sum.add(func(s *Summary) { s.Listing.add(Listing{types, r.Periods, now}) })
	var days []rawlog.Period
	for _, p := range r.Periods {
		if p.To = earlier(p.To, settled); p.From.Before(p.To) { //guard:late-days-open
			days = append(days, p)
		}
	}
	slices.SortFunc(days, func(a, b rawlog.Period) int { return strings.Compare(a.String(), b.String()) })
	return r.steady(ctx, func(ctx context.Context) error {
		return checkpoint.NewListings(r.st, r.Network, r.Share).Add(ctx, r.id, types, days)
	})
}

// settled is the end of the days for which no file is expected any more: those that
// the run of the next day does not look back at. Today is never over, and a clock that
// is ahead of the store's does not say what day it is. now is the store's.
func (r *run) settled(ctx context.Context) (end, now time.Time, err error) {
	err = r.steady(ctx, func(ctx context.Context) (err error) {
		now, err = r.st.Now(ctx)
		return err
	})
	return rawlog.DayOf(earlier(now, r.Now())).From.AddDate(0, 0, -max(0, r.Lookback-2)), now, err
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
