package pipeline

import (
	"context"
	"slices"
	"sync"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/rawlog"
)

// copies are the files of a run that are copies of others, or may be once those
// are loaded. It is safe for concurrent use.
type copies struct {
	mu    sync.Mutex
	files map[fileKey]copied
}

type copied struct {
	file  rawlog.File // as it is listed
	found copyState
}

// copyState is how a copy was counted.
type copyState int

const (
	knownCopy   copyState = iota // by an earlier run: as loaded already
	newCopy                      // by this run: as loaded
	perhapsCopy                  // not yet: as left
	goneCopy                     // not at all: the source does not list it any more
)

// forget begins anew, with other periods.
func (c *copies) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.files = nil
}

func (c *copies) add(f rawlog.File, found copyState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.files == nil {
		c.files = make(map[fileKey]copied)
	}
	c.files[keyOf(f)] = copied{f, found}
}

// uncarried returns the copies of what this run, or an earlier one, replaced or lost:
// they are to be loaded now, once it is known what else could be. Those that another file
// carries are asked for again after the next files, which may be what takes its place.
func (r *run) uncarried(ctx context.Context) ([]*job, error) {
	r.copies.mu.Lock()
	defer r.copies.mu.Unlock()
	if len(r.copies.files) == 0 {
		return nil, nil
	}
	var files []rawlog.File
	for _, c := range r.copies.files {
		files = append(files, c.file)
	}
	entries, err := r.entries(ctx, checkpoint.Filter{Types: r.Types, Periods: daysOf(files)})
	if err != nil {
		return nil, err
	}
	known := make(map[fileKey]*checkpoint.Entry, len(entries))
	for i := range entries {
		known[keyOf(entries[i].File)] = &entries[i]
	}
	r.twins = knownTwins(known)
	var jobs []*job
	var lost []*checkpoint.Entry
	for key, c := range r.copies.files {
		e := known[key]
		if e != nil && e.Has(checkpoint.Copy) && c.found != perhapsCopy && r.twins.carry(e) { //guard:copy-carried-on
			continue
		}
		delete(r.copies.files, key) //guard:copy-asked-again
		if e == nil || c.found != perhapsCopy && !e.Has(checkpoint.Copy) {
			continue
		}
		if c.found == goneCopy {
			lost = append(lost, e)
			continue
		}
		j := newJob(e, c.file)
		j.doubtful = true
		jobs = append(jobs, j)
		r.sum.add(func(s *Summary) { // it was counted once
			switch c.found {
			case knownCopy:
				s.AlreadyLoaded--
			case newCopy:
				s.Loaded--
			case perhapsCopy:
				s.Left--
			case goneCopy: // is no job
			}
		})
	}
	slices.SortFunc(jobs, func(a, b *job) int { return compareFiles(a.file(), b.file()) })
	return jobs, r.loseCopies(ctx, lost)
}

// loseCopies records that of these files no rows are in the store any more, and none can be had.
func (r *run) loseCopies(ctx context.Context, entries []*checkpoint.Entry) error {
	for _, e := range entries {
		emptied(e)
		e.State = checkpoint.Planned
		e.Settle(r.Now(), checkpoint.Issue{Kind: checkpoint.Lost, Text: "a copy of a file that has another text now, and no longer listed by the source"})
		r.sum.add(func(s *Summary) { s.Missing = append(s.Missing, e.File) })
	}
	return r.record(ctx, entries)
}

// orphaned finds copies whose text no file holds any more, and records that they are to be
// loaded themselves. They are those of a file that was asked for alone, that is another worker's,
// or that a run replaced which died before it came to them: they would count as loaded, and
// their rows would be nowhere. No file is at work meanwhile.
func (r *run) orphaned(ctx context.Context) error {
	flawed, err := r.withIssues(ctx)
	if err != nil {
		return err
	}
	var copies []*checkpoint.Entry
	var files []rawlog.File
	for _, e := range flawed {
		if e.State == checkpoint.Loaded && e.Has(checkpoint.Copy) && r.Share.Has(e.File.Name) {
			copies, files = append(copies, &e), append(files, e.File)
		}
	}
	if len(copies) == 0 {
		return nil
	}
	entries, err := r.entries(ctx, checkpoint.Filter{Types: r.Types, Periods: daysOf(files), Held: true})
	if err != nil {
		return err
	}
	carry := carriers(entries)
	copies = slices.DeleteFunc(copies, func(e *checkpoint.Entry) bool { return carry(*e) })
	for _, e := range copies {
		e.State, e.Run, e.Ignored = checkpoint.Planned, r.id, "" //guard:copy-orphaned
		e.Settle(r.Now(), checkpoint.Issue{Kind: checkpoint.Copy, Text: "the text of another file, which has another one now; to be loaded"})
	}
	return r.record(ctx, copies)
}
