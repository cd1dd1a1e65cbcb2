package pipeline

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/dirs"
	"rawlogs/internal/rawlog"
)

// # Unchanged months
//
// Most months of a long period are as they were: their files are loaded, and the source lists
// them as the ledger has them. The ledger is asked once for sums over
// its months, and the listing is summed up in the same way as it comes. A month of a type whose
// sums are equal is counted and forgotten: a plan would have come to nothing else.

// months are those of the run's periods.
type months struct {
	known map[checkpoint.MonthKey]checkpoint.Month // what the ledger has; nil where nothing is passed over
	files map[checkpoint.MonthKey]bool             // which of them the source lists; true: passed over
	busy  map[int64]bool                           // those that are to be planned, by their first hour
	count int                                      // files that are passed over
}

// askMonths sums up the ledger, where its months may be passed over.
func (r *run) askMonths(ctx context.Context) (*months, error) {
	m := &months{files: make(map[checkpoint.MonthKey]bool), busy: make(map[int64]bool)}
	if r.st == nil || r.planAll || r.Reload || slices.ContainsFunc(r.Types, rawlog.Type.Snapshot) { //guard:month-reloaded
		return m, nil
	}
	return m, r.steady(ctx, func(ctx context.Context) (err error) {
		m.known, err = r.ledger.Months(ctx, r.Types, r.Periods)
		return err
	})
}

// pass takes the files that a listing has of a month of a type, and reports whether the ledger has
// the very same and nothing is to be done about them; then they are counted.
func (r *run) pass(m *months, key checkpoint.MonthKey, files []rawlog.File) bool {
	r.ahead.reach(files)
	if m.known == nil {
		return false
	}
	known, there := m.known[key]
	var listed checkpoint.Digest
	for _, f := range files {
		listed.Add(f)
	}
	before, over := m.files[key], r.ahead.over(files[0])
	m.files[key] = before
	switch {
	case !there || !listed.Same(known.Digest): //guard:month-compared
	case before: // a listing may repeat its files
		return true
	case over && known.Expired && r.ahead.doubt() == "":
		m.files[key] = true
		r.passed(m, files, func(s *Summary, n int) { s.Expired += n })
		return true
	case !over && known.Loaded: //guard:month-loaded
		m.files[key] = true
		r.passed(m, files, func(s *Summary, n int) { s.AlreadyLoaded += n })
		if crowded(files) { //guard:month-doubles
			r.reportDoubles(slices.Values(files))
		}
		return true
	}
	m.busy[key.From] = true
	return false
}

// passed counts files of this share that need nothing.
func (r *run) passed(m *months, files []rawlog.File, as func(s *Summary, n int)) {
	n := 0
	for _, f := range files {
		if r.Share.Has(f.Name) {
			n++
		}
	}
	m.count += len(files)
	r.sum.add(func(s *Summary) {
		s.Listed += n
		as(s, n)
	})
}

// crowded reports whether the time of one of the files, which are by hour, begins before that of
// another one has ended.
func crowded(files []rawlog.File) bool {
	var end time.Time
	for _, f := range files {
		if f.Hour.Truncate(time.Hour).Before(end) {
			return true
		}
		end = later(end, f.Hour.Truncate(time.Hour).Add(f.End().Sub(f.Hour)))
	}
	return false
}

// conclude adds to the months that are to be planned those of what the source cannot vouch for,
// and those that it does not list, if anything of them is open. A loaded file that is listed no
// more is nothing to a plan.
func (r *run) conclude(m *months, part *dirs.Incomplete) {
	for key, known := range m.known {
		settled := known.Expired || known.Loaded && !known.Crowded && len(r.Names.Patterns()) == 0
		if _, listed := m.files[key]; !listed && !settled { //guard:month-unlisted
			m.busy[key.From] = true
		}
	}
	if part == nil {
		return
	}
	for _, f := range part.Files {
		m.busy[checkpoint.KeyOf(f.File).From] = true //guard:month-doubtful
	}
}

// split divides the run's periods into those that are to be planned, and those of months that are
// passed over. Where nothing is passed over, the periods stay as they are.
func (r *run) split(m *months) (plan, over []rawlog.Period) {
	with := make(map[int64]bool) // files, in the ledger or the listing
	for key := range m.known {
		with[key.From] = true
	}
	var empty []rawlog.Period
	for _, month := range cut(r.Periods, rawlog.MonthOf) {
		switch from := rawlog.MonthOf(month[0].From).From.Unix(); {
		case m.busy[from]:
			plan = append(plan, month...)
		case with[from]:
			over = append(over, month...)
		default:
			empty = append(empty, month...)
		}
	}
	switch {
	case len(over) == 0:
		return r.Periods, nil
	case len(plan) == 0:
		return nil, r.Periods
	}
	return joined(append(plan, empty...)), joined(over)
}

// passOver notes down what a plan of months that are as they were would have noted: that they
// were listed, and what could not be.
func (r *run) passOver(ctx context.Context, m *months, over []rawlog.Period, all *listed) error {
	if len(over) == 0 {
		return nil
	}
	r.Log.Debug("months that are as they were", "files", m.count)
	r.Periods = over
	var doubtful dirs.Incomplete
	if part := (*dirs.Incomplete)(nil); errors.As(all.part, &part) {
		doubtful = *part
	}
	if _, err := r.refuse(ctx, doubtful, nil, nil); err != nil {
		return err
	}
	if err := r.checkBarren(ctx, 0); err != nil || r.DryRun || r.sum.barren() {
		return err
	}
	return r.remember(ctx, doubtful)
}

// joined puts periods in order, those together that touch.
func joined(periods []rawlog.Period) (out []rawlog.Period) {
	for _, p := range slices.SortedFunc(slices.Values(periods), func(a, b rawlog.Period) int { return a.From.Compare(b.From) }) {
		if last := len(out) - 1; last >= 0 && !p.From.After(out[last].To) {
			out[last].To = later(out[last].To, p.To)
			continue
		}
		out = append(out, p)
	}
	return out
}

// filesOf are the files of entries whose months are not over, and of jobs.
func filesOf(known map[fileKey]*checkpoint.Entry, jobs []*job) iter.Seq[rawlog.File] {
	return func(yield func(rawlog.File) bool) {
		for _, e := range known {
			if e.State != checkpoint.Expired && !yield(e.File) {
				return
			}
		}
		for _, j := range jobs {
			if !yield(j.file()) {
				return
			}
		}
	}
}
