package pipeline

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/dirs"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
)

type fileKey struct {
	typ  rawlog.Type
	name string
}

func keyOf(f rawlog.File) fileKey { return fileKey{f.Type, f.Name} }

// plan compares the source's listing with the ledger and returns what is to be
// loaded, by type and hour. New files are written to the ledger as planned, so
// that one that vanishes before it is loaded is missed.
func (r *run) plan(ctx context.Context) ([]*job, error) {
	r.Progress.enter("listing")
	if err := r.catchUp(ctx); err != nil {
		return nil, err
	}
	known, err := r.known(ctx)
	if err != nil {
		return nil, err
	}
	if err = r.askRetention(ctx, known); err != nil {
		return nil, err
	}
	files, doubtful, err := r.list(ctx, known)
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", r.src.Name(), err)
	}
	if err = r.lookUp(ctx, known, files, doubtful); err != nil {
		return nil, err
	}
	files = r.inPlace(known, files, &doubtful)
	refused, err := r.refuse(ctx, doubtful, known, files)
	if err != nil {
		return nil, err
	}
	var jobs []*job
	seen := make(map[fileKey]bool)
	for _, f := range files {
		seen[keyOf(f)] = true
		if j := r.consider(f, known); j != nil {
			jobs = append(jobs, j)
		}
	}
	for _, f := range doubtful.Files {
		seen[keyOf(f.File)] = true
	}
	r.sum.add(func(s *Summary) { s.Listed += len(files) + refused })
	if err = r.checkBarren(ctx, len(files)+len(doubtful.Files)+len(doubtful.Types)); err != nil {
		return nil, err
	}
	missing := r.reportMissing(known, seen, doubtful.Types)
	r.reportUnmatched(seen)
	slices.SortStableFunc(jobs, func(a, b *job) int { return compareFiles(a.file(), b.file()) })
	r.reportDoubles(filesOf(known, jobs))
	for _, j := range jobs {
		r.Log.Debug("file planned", "type", j.file().Type, "file", j.file().Name, "bytes", j.file().Size)
	}
	r.sum.add(func(s *Summary) {
		s.Planned += len(jobs)
		if r.DryRun {
			s.Left += len(jobs)
			for _, j := range jobs {
				s.PlannedFiles = append(s.PlannedFiles, j.file())
			}
		}
	})
	if r.DryRun {
		return jobs, nil
	}
	return jobs, r.noteDown(ctx, known, jobs, missing, doubtful)
}

// noteDown writes to the ledger what the listing has shown: files that are lost, files
// that are new, and which days were listed whole.
func (r *run) noteDown(ctx context.Context, known map[fileKey]*checkpoint.Entry, jobs []*job, missing []rawlog.File, doubtful dirs.Incomplete) error {
	if err := r.lose(ctx, known, missing); err != nil {
		return err
	}
	r.twins = knownTwins(known)
	if err := r.foresee(ctx, known, jobs); err != nil {
		return err
	}
	fresh, err := r.fresh(ctx, jobs)
	if err != nil {
		return err
	}
	if err := r.record(ctx, append(fresh, r.expired...)); err != nil {
		return err
	}
	r.expired = nil
	if r.sum.barren() {
		return nil // nor is it known what there was to be listed
	}
	return r.remember(ctx, doubtful)
}

// fresh returns the entries that the ledger does not have yet. Rows that are
// there all the same, as a ledger was lost or restored from an old backup, are
// vouched for until they are replaced like those of an earlier version: they may
// be the only ones there are.
func (r *run) fresh(ctx context.Context, jobs []*job) ([]*checkpoint.Entry, error) {
	var entries []*checkpoint.Entry
	byType := make(map[rawlog.Type][]rawlog.File)
	for _, j := range jobs {
		if j.entry.Version == 0 {
			j.entry.State, j.entry.Run = checkpoint.Planned, r.id
			entries = append(entries, j.entry)
			byType[j.file().Type] = append(byType[j.file().Type], j.file())
		}
	}
	found := make(map[fileKey]*checkpoint.Entry)
	for typ, files := range byType {
		for _, scope := range r.scopes(typ, span(files)) {
			held, err := r.held(ctx, scope, files)
			if err != nil {
				return nil, err
			}
			for rows, n := range held {
				key := fileKey{typ, rows.File}
				if found[key] == nil {
					found[key] = new(checkpoint.Entry)
				}
				found[key].Inserts = append(found[key].Inserts, rows.Insert)
				if scope.Rejected {
					found[key].Rejected += n
				} else {
					found[key].Rows += n
				}
			}
		}
	}
	for _, j := range jobs {
		f := found[keyOf(j.file())]
		if f == nil || j.entry.Version > 0 {
			continue
		}
		j.replace = true //guard:lost-ledger
		e := j.entry
		e.Inserts, e.Rows, e.Rejected, e.Error = f.Inserts, f.Rows, f.Rejected, "its rows were there, but the ledger did not know them"
		r.Log.Warn("found rows of a file that the ledger does not know; replacing them", "type", j.file().Type, "file", j.file().Name)
	}
	return entries, nil
}

// held counts the files' rows by INSERT, also in a store that is away for a moment.
func (r *run) held(ctx context.Context, scope store.Scope, files []rawlog.File) (held map[store.Rows]uint64, err error) {
	err = r.steady(ctx, func(ctx context.Context) (err error) {
		held, err = r.st.CountRows(ctx, scope, names(files)...)
		return err
	})
	return held, err
}

// known is the ledger as far as this run's listing can meet it.
func (r *run) known(ctx context.Context) (map[fileKey]*checkpoint.Entry, error) {
	entries, err := r.entries(ctx, checkpoint.Filter{Types: r.Types, Periods: r.Periods, OrOpen: true})
	if err != nil {
		return nil, err
	}
	known := make(map[fileKey]*checkpoint.Entry, len(entries))
	for i := range entries {
		if rawlog.IsEvents(entries[i].File.Name) != r.Events { //guard:other-source-apart
			continue // of another source of the network
		}
		known[keyOf(entries[i].File)] = &entries[i]
	}
	return known, nil
}

// consider decides what a listed file needs; nil is nothing.
func (r *run) consider(f rawlog.File, known map[fileKey]*checkpoint.Entry) *job {
	e := known[keyOf(f)]
	if r.ahead.over(f) { //guard:expired-not-loaded
		r.tooOld(f, e)
		return nil
	}
	if e == nil {
		return newJob(&checkpoint.Entry{File: f}, f)
	}
	asked := f.Type.Snapshot()                                                      //guard:report-asked-again
	if e.State == checkpoint.Loaded && !r.Reload && !asked && !changed(e.File, f) { //guard:replacement-noticed
		r.sum.add(func(s *Summary) { s.AlreadyLoaded++ })
		if e.Has(checkpoint.Copy) {
			r.copies.add(f, knownCopy)
		}
		return nil
	}
	return newJob(e, f)
}

// changed reports whether a listing speaks of other bytes than the ledger. Where
// either does not tell a size or a comparable tag, nothing follows.
func changed(old, now rawlog.File) bool {
	if old.Size >= 0 && now.Size >= 0 && old.Size != now.Size {
		return true
	}
	return old.ETag != "" && now.ETag != "" && checkpoint.TagKind(old.ETag) == checkpoint.TagKind(now.ETag) && old.ETag != now.ETag
}

// open reports whether a file is known and not loaded.
func open(e *checkpoint.Entry) bool {
	return e != nil && (e.State == checkpoint.Planned || e.State == checkpoint.Failed) //guard:failed-retried
}

// gone reports whether the network no longer keeps the file, as far as it says.
func (r *run) gone(f rawlog.File) bool {
	return rawlog.Kept(r.kept).Over(f.Type, f.Hour, r.Now())
}

// askRetention asks the source how long it keeps files, if that matters: only
// of files that an earlier run left open.
func (r *run) askRetention(ctx context.Context, known map[fileKey]*checkpoint.Entry) (err error) {
	if r.kept != nil || !slices.ContainsFunc(slices.Collect(maps.Values(known)), open) {
		return nil
	}
	if r.kept, err = r.src.Retention(ctx); err == nil {
		r.sum.add(func(s *Summary) { s.Kept = r.kept })
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	// Credentials that are refused altogether end the run at the listing that follows.
	r.Log.Warn("the retention of files is unknown; none counts as gone", "source", r.src.Name(), "err", err)
	return nil
}

// reportMissing names what an earlier run listed but did not load, and the
// source lists no more. Of a type that it does not list at all nothing is missed.
func (r *run) reportMissing(known map[fileKey]*checkpoint.Entry, seen map[fileKey]bool, refused []dirs.TypeError) (missing []rawlog.File) {
	listed := func(t rawlog.Type) bool {
		return !slices.ContainsFunc(refused, func(e dirs.TypeError) bool { return e.Type == t })
	}
	for key, e := range known {
		if seen[key] || !listed(key.typ) || !r.Share.Has(key.name) || r.ahead.over(e.File) {
			continue
		}
		switch {
		case open(e) && !r.gone(e.File) && (r.RetryFailed || r.asked(e.File)):
			missing = append(missing, e.File) //guard:missing-reported
		case e.State == checkpoint.Loaded && e.Has(checkpoint.Copy) && r.asked(e.File): // else it was not looked for
			r.copies.add(e.File, goneCopy) //guard:copy-gone
		}
	}
	slices.SortFunc(missing, compareFiles)
	r.sum.add(func(s *Summary) {
		for _, f := range missing {
			if e := known[keyOf(f)]; e.Ignored == "" || !e.Has(checkpoint.Lost) {
				s.Missing = append(s.Missing, f)
			}
		}
	})
	return missing
}

func (r *run) within(hour time.Time) bool {
	return len(r.Periods) == 0 || slices.ContainsFunc(r.Periods, func(p rawlog.Period) bool { return p.Contains(hour) })
}

func compareFiles(a, b rawlog.File) int {
	if c := rawlog.CompareTypes(a.Type, b.Type); c != 0 {
		return c
	}
	if c := a.Hour.Compare(b.Hour); c != 0 {
		return c
	}
	return strings.Compare(a.Name, b.Name)
}

// reportDoubles finds hours with more than one file among files that are all of their periods.
// Parts of an hour are one, and a day's file is of each of its hours.
func (r *run) reportDoubles(of iter.Seq[rawlog.File]) {
	type hour struct {
		typ  rawlog.Type
		unix int64
	}
	files := make(map[hour]map[string]string) // name → part
	for f := range of {
		if rawlog.IsEvents(f.Name) {
			continue // any number of them is of an hour
		}
		part, span := r.Names.Known(f.Type, f.Name)
		for at := f.Hour.Truncate(time.Hour); at.Before(f.Hour.Truncate(time.Hour).Add(span)); at = at.Add(time.Hour) {
			h := hour{f.Type, at.Unix()}
			if files[h] == nil {
				files[h] = make(map[string]string)
			}
			files[h][f.Name] = part
		}
	}
	r.sum.add(func(s *Summary) {
		for h, parts := range files {
			if len(parts) > 1 && !rawlog.AreParts(slices.Collect(maps.Values(parts))) { //guard:second-file-reported
				s.Duplicates = append(s.Duplicates, DoubleHour{h.typ, time.Unix(h.unix, 0).UTC(), slices.Sorted(maps.Keys(parts))})
			}
		}
		slices.SortFunc(s.Duplicates, func(a, b DoubleHour) int {
			return compareFiles(rawlog.File{Type: a.Type, Hour: a.Hour}, rawlog.File{Type: b.Type, Hour: b.Hour})
		})
	})
}
