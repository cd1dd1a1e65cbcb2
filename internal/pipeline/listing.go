package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/dirs"
	"rawlogs/internal/rawlog"
)

// list asks the source for the files of this run. What the source could not vouch
// for comes beside them; the listing as a whole stands.
func (r *run) list(ctx context.Context, known map[fileKey]*checkpoint.Entry) (files []rawlog.File, doubtful dirs.Incomplete, err error) {
	seen := make(map[fileKey]bool)
	err = r.walk(ctx, r.Types, r.listed(known), func(f rawlog.File) error {
		key := keyOf(f)
		// A listing may repeat a file, and a share, a reload or a retry may not want it.
		if seen[key] || !r.Share.Has(f.Name) || !r.asked(f) && !r.retried(known[key]) { //guard:listed-once
			return nil
		}
		seen[key] = true
		files = append(files, f)
		return nil
	})
	r.ahead.reach(files)
	var part *dirs.Incomplete
	if errors.As(err, &part) {
		return files, *part, nil
	}
	return files, dirs.Incomplete{}, err
}

// walk asks the source for files of the periods, and counts what it skips.
func (r *run) walk(ctx context.Context, types []rawlog.Type, periods []rawlog.Period, yield func(rawlog.File) error) error {
	if r.Skipped != nil {
		before := r.Skipped()
		defer func() { r.sum.add(func(s *Summary) { s.Skipped += int(r.Skipped() - before) }) }()
	}
	return r.src.Walk(ctx, types, periods, yield)
}

// asked reports whether the run is about a file: those that it names, with a reload also
// those of its periods; or else those of the periods.
func (r *run) asked(f rawlog.File) bool {
	if len(r.Files) == 0 {
		return r.within(f.Hour)
	}
	return r.named(f.Name) || r.Reload && len(r.Periods) > 0 && r.within(f.Hour) //guard:named-alone
}

// named reports whether the run names this file.
func (r *run) named(name string) bool {
	return slices.ContainsFunc(r.meant, func(words []string) bool { return matches(name, words) })
}

// meant are the names that each of a person's words for files may mean.
func meant(names *rawlog.Names, files []string) [][]string {
	out := make([][]string, len(files))
	for i, file := range files {
		out[i] = names.Meant(file)
	}
	return out
}

// matches reports whether a name is one of those that a word may mean.
func matches(name string, words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool {
		return name == w || strings.HasSuffix(name, "/"+w) || strings.HasSuffix(w, "/"+name)
	})
}

// retried reports whether a file is taken up because an earlier run left it open.
func (r *run) retried(e *checkpoint.Entry) bool { return len(r.Files) == 0 && open(e) }

// listed are the periods that the source is asked for: the run's, the days of
// files that a reload names, and with RetryFailed those of files that an earlier
// run left open. None is everything.
func (r *run) listed(known map[fileKey]*checkpoint.Entry) []rawlog.Period {
	periods := slices.Clone(r.Periods)
	if len(r.Files) > 0 {
		for _, name := range r.Files {
			f, _, err := r.Names.File(name)
			if err != nil && !errors.Is(err, rawlog.ErrMisplaced) {
				return nil
			}
			// The source's date directory may be of local time.
			periods = append(periods, rawlog.Period{From: rawlog.DayOf(f.Hour.Add(-12 * time.Hour)).From, To: rawlog.DayOf(f.Hour.Add(14 * time.Hour)).To})
		}
		return periods
	}
	if len(periods) == 0 || !r.RetryFailed {
		return periods
	}
	for _, e := range known {
		day := rawlog.DayOf(e.File.Hour)
		if open(e) && !r.within(e.File.Hour) && !r.gone(e.File) && !slices.Contains(periods, day) {
			periods = append(periods, day)
		}
	}
	return periods
}

// lookupChunk bounds the names in one question to the ledger.
const lookupChunk = 1000

// lookUp adds to known what the ledger has under the files' names, whatever the
// hour: a name is one file, also where the listing now has it in another hour.
func (r *run) lookUp(ctx context.Context, known map[fileKey]*checkpoint.Entry, files []rawlog.File, doubtful dirs.Incomplete) error {
	if len(r.Periods) == 0 {
		return nil // all of the ledger is known
	}
	var unknown []string
	for _, f := range files {
		if known[keyOf(f)] == nil {
			unknown = append(unknown, f.Name)
		}
	}
	for _, f := range doubtful.Files {
		unknown = append(unknown, f.File.Name)
	}
	for chunk := range slices.Chunk(unknown, lookupChunk) {
		entries, err := r.entries(ctx, checkpoint.Filter{Types: r.Types, Files: chunk})
		if err != nil {
			return err
		}
		for i := range entries {
			if key := keyOf(entries[i].File); known[key] == nil {
				known[key] = &entries[i] //guard:known-by-name
			}
		}
	}
	return nil
}

// moved returns an error where the listing has a file in another hour than its
// rows. One without rows is of the hour that is listed.
func moved(e *checkpoint.Entry, f rawlog.File) error {
	switch {
	case e == nil || e.File.Hour.Equal(f.Hour):
		return nil
	case e.State != checkpoint.Loaded && !hasRows(e):
		e.File.Hour = f.Hour
		return nil
	}
	const layout = "2006-01-02 15:04"
	return fmt.Errorf("the source lists it for the hour %s, its rows are loaded for %s; they were left as they are: ask the network which is right",
		f.Hour.UTC().Format(layout), e.File.Hour.UTC().Format(layout))
}

// inPlace returns the files that are not listed in another hour than their rows.
func (r *run) inPlace(known map[fileKey]*checkpoint.Entry, files []rawlog.File, doubtful *dirs.Incomplete) []rawlog.File {
	for i, f := range files {
		// One without an hour in its name has that in which it was written to first.
		if e := known[keyOf(f)]; e != nil && rawlog.IsEvents(f.Name) && hasRows(e) { //guard:event-file-stays
			files[i].Hour = e.File.Hour
		}
	}
	return slices.DeleteFunc(files, func(f rawlog.File) bool {
		err := moved(known[keyOf(f)], f)
		if err != nil { //guard:hour-of-rows
			doubtful.Files = append(doubtful.Files, dirs.FileError{File: f, Err: err})
		}
		return err != nil
	})
}

// refuse records files that the listing could not vouch for. One with rows keeps
// them and its state: they are of a listing that could be trusted.
func (r *run) refuse(ctx context.Context, doubtful dirs.Incomplete, known map[fileKey]*checkpoint.Entry, listed []rawlog.File) (refused int, err error) {
	taken := make(map[fileKey]bool)
	for _, f := range listed {
		taken[keyOf(f)] = true
	}
	var entries []*checkpoint.Entry
	for _, p := range doubtful.Files {
		failure := Failure{File: p.File, Err: printable(p.Err.Error())}
		key := keyOf(p.File)
		if p.File.Type == "" || taken[key] {
			r.unread(failure, p)
			continue
		}
		if !r.Share.Has(p.File.Name) || !r.asked(p.File) || r.ahead.over(p.File) {
			continue
		}
		taken[key] = true
		refused++
		e := known[key]
		if e == nil {
			e = &checkpoint.Entry{File: p.File}
		}
		again := e.Has(checkpoint.Unloaded)
		if e.State != checkpoint.Loaded && !hasRows(e) && (e.State != checkpoint.Failed || e.Error != failure.Err) {
			e.State, e.Error, e.Run = checkpoint.Failed, failure.Err, r.id
			e.Settle(r.Now(), checkpoint.Issue{Kind: checkpoint.Unloaded, Text: failure.Err})
			entries = append(entries, e)
		}
		r.failed(p.File, e, p.Err, again)
	}
	for _, t := range doubtful.Types {
		r.sum.add(func(s *Summary) {
			if refusal := (RefusedType{t.Type, printable(t.Err.Error())}); !slices.Contains(s.RefusedTypes, refusal) {
				r.Log.Error("log type not listed", "type", t.Type, "err", t.Err)
				s.RefusedTypes = append(s.RefusedTypes, refusal)
			}
		})
	}
	if r.DryRun {
		return refused, nil
	}
	return refused, r.record(ctx, entries)
}

// unread notes once what the source has and cannot be read.
func (r *run) unread(failure Failure, p dirs.FileError) {
	r.sum.add(func(s *Summary) {
		if slices.Contains(s.Unread, failure) {
			return // every stretch is told
		}
		r.Log.Warn("the source cannot be read as it is", "name", p.File.At(), "err", p.Err)
		s.Unread = append(s.Unread, failure) //guard:unread-reported
	})
}

// checkBarren notes where a listing came to nothing because the source holds no raw
// log at all: an address that is wrong, or a disk that is not there, looks like a
// network without traffic.
func (r *run) checkBarren(ctx context.Context, listed int) error {
	if listed > 0 || !r.Share.All() || r.fruitful {
		return nil
	}
	first, err := dirs.First(ctx, r.src)
	var part *dirs.Incomplete
	if err != nil && !errors.As(err, &part) {
		return fmt.Errorf("listing %s: %w", r.src.Name(), err)
	}
	r.fruitful = first != nil || part != nil
	r.sum.add(func(s *Summary) { s.Barren = !r.fruitful }) //guard:barren-told
	return nil
}

// reportUnmatched names what a reload asked for and the source does not list. A
// worker does not know what the others found.
func (r *run) reportUnmatched(seen map[fileKey]bool) {
	if !r.Share.All() {
		return
	}
	for i, file := range r.Files {
		found := false
		for key := range seen {
			found = found || matches(key.name, r.meant[i])
		}
		if !found { //guard:reload-matches
			r.sum.add(func(s *Summary) {
				s.Unread = append(s.Unread, Failure{File: rawlog.File{Name: file, Size: -1}, Err: "the source lists no file of this name"})
			})
		}
	}
}
