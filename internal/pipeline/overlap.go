package pipeline

import (
	"context"
	"maps"
	"slices"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/rawlog"
)

// settledFiles bounds how many files one write of the ledger settles.
const settledFiles = 5000

// uncompared is the text of an overlap of which only the possibility is known yet. It
// goes into the ledger with the file, so that the next run compares it where this
// one does not come to it.
const uncompared = "not compared yet with the other file of its time"

// stretch is an hour or a day of a type, by its beginning in Unix seconds.
type stretch struct {
	typ  rawlog.Type
	from int64
}

func dayOf(f rawlog.File) stretch { return stretch{f.Type, rawlog.DayOf(f.Hour).From.Unix()} }

// sameTime puts files together that may hold the same rows, by their indexes: those of a
// type and hour, or of a type and day where one of them is of the whole day.
func (r *run) sameTime(files []rawlog.File) [][]int {
	daily := make(map[stretch]bool)
	for _, f := range files {
		if _, span := r.Names.Known(f.Type, f.Name); span > time.Hour {
			daily[dayOf(f)] = true
		}
	}
	groups := make(map[stretch][]int)
	for i, f := range files {
		if rawlog.IsEvents(f.Name) {
			continue // they hold no event twice, and one click in several
		}
		at := dayOf(f)
		if !daily[at] { //guard:day-compared
			at.from = hourOf(f)
		}
		groups[at] = append(groups[at], i)
	}
	return slices.Collect(maps.Values(groups))
}

// foresee finds the jobs beside which their hour has other files. Of those that are
// not parts of it the ledger says so until they are compared.
func (r *run) foresee(ctx context.Context, known map[fileKey]*checkpoint.Entry, jobs []*job) error {
	all := maps.Clone(known)
	var beyond []rawlog.File // those whose time known does not hold whole
	for _, j := range jobs {
		all[keyOf(j.file())] = j.entry
		if !r.within(j.file().Hour) {
			beyond = append(beyond, j.file())
		}
	}
	if len(beyond) > 0 {
		entries, err := r.entries(ctx, checkpoint.Filter{Types: r.Types, Periods: daysOf(beyond)})
		if err != nil {
			return err
		}
		for i, e := range entries {
			if all[keyOf(e.File)] == nil {
				all[keyOf(e.File)] = &entries[i]
			}
		}
	}
	byName := make(map[fileKey]*job, len(jobs))
	for _, j := range jobs {
		byName[keyOf(j.file())] = j
	}
	var files []rawlog.File
	for _, e := range all {
		files = append(files, e.File)
	}
	for _, group := range r.sameTime(files) {
		if len(group) < 2 {
			continue
		}
		parts := make([]string, len(group))
		for i, at := range group {
			parts[i], _ = r.Names.Known(files[at].Type, files[at].Name)
		}
		for _, at := range group {
			if j := byName[keyOf(files[at])]; j != nil {
				r.crowded = true
				j.doubtful = !rawlog.AreParts(parts)
			}
		}
	}
	return nil
}

// mostStretches bounds the stretches of days that one statement names.
const mostStretches = 500

// daysOf are the days of files, whole; where they are strewn, all from the first to the last.
func daysOf(files []rawlog.File) []rawlog.Period {
	var days []rawlog.Period
	for _, f := range files {
		days = append(days, rawlog.DayOf(f.Hour))
	}
	whole := joined(days)
	if len(whole) > mostStretches { //guard:strewn-days
		return []rawlog.Period{{From: whole[0].From, To: whole[len(whole)-1].To}}
	}
	return whole
}

// overlapOf is the entry's issue of that kind, if it has rows and one.
func overlapOf(e *checkpoint.Entry) []checkpoint.Issue {
	if i := slices.IndexFunc(e.Issues, func(i checkpoint.Issue) bool { return i.Kind == checkpoint.Overlap }); i >= 0 && e.Rows > 0 {
		return e.Issues[i : i+1 : i+1]
	}
	return nil
}

// told reports whether an earlier comparison found the file to overlap another.
func told(e *checkpoint.Entry) bool {
	i := overlapOf(e)
	return len(i) > 0 && i[0].Text != uncompared
}

// findOverlaps compares the files of each time of which this run loaded or judged one, or
// whose overlap nobody ignored. A time that has one file costs nothing.
func (r *run) findOverlaps(ctx context.Context) error {
	looked, err := r.toCompare(ctx)
	if err != nil || len(looked) == 0 {
		return err
	}
	r.Progress.enter("comparing")
	entries, err := r.entries(ctx, checkpoint.Filter{Types: r.Types, Periods: daysOf(slices.Collect(maps.Values(looked)))})
	if err != nil {
		return err
	}
	files := make([]rawlog.File, len(entries))
	for i, e := range entries {
		files[i] = e.File
	}
	unread := make(map[stretch]bool)
	for _, f := range files {
		if !r.Names.Reads(f.Type, f.Name) {
			unread[dayOf(f)] = true
		}
	}
	var groups []*likes
	for _, members := range r.sameTime(files) {
		g, asked := &likes{typ: files[members[0]].Type}, false
		for _, at := range members {
			_, mine := looked[keyOf(files[at])]
			asked = asked || mine
			g.entries = append(g.entries, &entries[at])
		}
		if unread[dayOf(files[members[0]])] { //guard:unread-names-left
			continue // a file may be of the whole day: what was said of it stands
		}
		if asked && (len(members) > 1 || entries[members[0]].Has(checkpoint.Overlap)) {
			groups = append(groups, g)
		}
	}
	for _, batch := range r.batches(groups) {
		if err := r.compare(ctx, batch); err != nil {
			return err
		}
	}
	return r.settleOverlaps(ctx, groups)
}

// toCompare are the files whose time is to be looked at.
func (r *run) toCompare(ctx context.Context) (map[fileKey]rawlog.File, error) {
	looked := make(map[fileKey]rawlog.File)
	flawed, err := r.withIssues(ctx)
	if err != nil {
		return nil, err
	}
	for _, e := range flawed {
		if e.Has(checkpoint.Overlap) && e.Open() && r.Share.Has(e.File.Name) { //guard:overlap-compared-again
			looked[keyOf(e.File)] = e.File
		}
	}
	if !r.crowded && r.Share.All() { // what other shares load, a plan does not know
		return looked, nil
	}
	loaded, err := r.entries(ctx, checkpoint.Filter{Types: r.Types, Run: r.id, Periods: r.stretch()})
	for _, e := range loaded {
		looked[keyOf(e.File)] = e.File
	}
	return looked, err
}

// settleOverlaps writes what the comparison found, and withdraws issues that no longer hold.
func (r *run) settleOverlaps(ctx context.Context, groups []*likes) error {
	var changed []*checkpoint.Entry
	for _, g := range groups {
		for _, e := range g.entries {
			o, overlaps := g.found[e.File.Name]
			if !mayTell(e, r.Share) || !overlaps && !e.Has(checkpoint.Overlap) {
				continue
			}
			issues := slices.DeleteFunc(slices.Clone(e.Issues), func(i checkpoint.Issue) bool { return i.Kind == checkpoint.Overlap })
			if overlaps {
				if !told(e) {
					r.Log.Warn("most rows of a file are another file's too", "type", e.File.Type, "file", e.File.Name, "other", o.with[0], "others", len(o.with)-1)
				}
				issues = append(issues, checkpoint.Issue{Kind: checkpoint.Overlap, Text: o.String()}) //guard:overlap-told
			}
			if !slices.Equal(issues, e.Issues) {
				e.Run = r.id
				e.Settle(r.Now(), issues...)
				changed = append(changed, e)
			}
		}
	}
	for chunk := range slices.Chunk(changed, settledFiles) {
		if err := r.record(ctx, chunk); err != nil {
			return err
		}
	}
	return nil
}
