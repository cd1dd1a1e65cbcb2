package pipeline

import (
	"slices"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/fetch"
	"rawlogs/internal/firehose"
	"rawlogs/internal/parse"
	"rawlogs/internal/privacy"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/rows"
)

// job is one file on its way through a run. It is owned by one stage at a time.
type job struct {
	// entry is the file's line in the ledger. Until the file is loaded its size, tag
	// and counts are those of the rows that are in the store, not of what is listed.
	entry   *checkpoint.Entry
	listed  rawlog.File      // as the source lists it; once fetched, with the archive's size and tag
	former  checkpoint.State // of the entry when the run began
	replace bool             // rows of an earlier version may be in the store
	text    string           // contents of the entry when the run began
	// doubtful says that its time has another file that is not a part of it.
	doubtful  bool
	displaced bool // rows of an earlier version were deleted by this run
	state     jobState
	archive   *fetch.Archive
	body      *parse.Text // of the archive, once it is open
	counts    rows.Counts

	notes  []string       // what its source has to say of the bytes
	events *firehose.Plan // of a file of events, once its text is read
	leans  []string       // files that hold the events which it leaves out
	again  bool           // it is loaded again though its text is the same
}

func newJob(e *checkpoint.Entry, listed rawlog.File) *job {
	return &job{entry: e, listed: listed, former: e.State, replace: hasRows(e), text: e.Contents}
}

// hasRows reports whether the ledger vouches for rows of the file.
func hasRows(e *checkpoint.Entry) bool {
	return len(e.Inserts) > 0 || e.Rows > 0 || e.Rejected > 0
}

type jobState int

const (
	jobOpen jobState = iota
	jobLoaded
	jobFailed
)

func (j *job) file() rawlog.File { return j.listed }

// month is the partition that all of the file's rows go to.
func (j *job) month() time.Time {
	h := j.listed.Hour
	return time.Date(h.Year(), h.Month(), 1, 0, 0, 0, 0, time.UTC)
}

// release gives the archive's memory or spool file back; it may be called twice.
func (j *job) release() {
	if j.archive != nil {
		j.archive.Release()
		j.archive = nil
	}
}

// took writes what was parsed into the ledger entry, and how a view failed on it.
func (j *job) took(now time.Time, rows, rejects []uint64, view string, usual checkpoint.Usual, policy *privacy.Policy) {
	e, c := j.entry, j.counts
	e.File, e.State, e.Error, e.Inserts = j.listed, checkpoint.Loaded, "", rows
	if c.Rejected > 0 {
		e.Inserts = append(rows[:len(rows):len(rows)], rejects...)
	}
	e.Lines, e.Rows, e.Rescued, e.Inexact, e.Rejected, e.Filled = c.Lines, c.Rows, c.Rescued, c.Inexact, c.Rejected, c.Filled
	e.First, e.Last, e.ShiftHours = c.First, c.Last, int8(c.Shift/time.Hour)
	if e.File.Type.Daily() {
		e.ShiftHours = 0 // its hour is a date, not an instant
	}
	e.Contents = contentsOf(j.body)
	if e.Contents != j.text {
		e.Issues, e.Ignored = slices.DeleteFunc(slices.Clone(e.Issues), func(i checkpoint.Issue) bool { return i.Kind != checkpoint.LeftOut }), "" // they were of another text
	}
	e.LeftOut, e.LeansOn = 0, nil
	var issues []checkpoint.Issue
	switch {
	case j.events != nil:
		issues = eventIssues(c)
		e.LeftOut, e.LeansOn = j.events.LeftOut, j.leans
	case e.File.Type.Snapshot():
		issues = append(reportIssues(c), j.noted()...)
	default:
		issues = issuesOf(e.File, c, usual)
	}
	if view != "" {
		issues = append(issues, checkpoint.Issue{Kind: checkpoint.View, Text: "the rows are stored, but the server answered with an error, as it does when a materialized view fails on them: " + view})
	}
	e.Forgotten, e.Forgetting = c.Forgotten, 0
	if e.Privacy = policy.String(); policy.Hides() {
		for i := range issues {
			issues[i].Text = policy.Hide(issues[i].Text) //guard:privacy-issues
		}
	}
	e.Settle(now, append(issues, j.mayOverlap()...)...)
}

// mayOverlap is the issue that stands until the file is compared with others of its time.
func (j *job) mayOverlap() []checkpoint.Issue {
	if known := overlapOf(j.entry); known != nil || !j.doubtful || j.entry.Rows == 0 {
		return known
	}
	return []checkpoint.Issue{{Kind: checkpoint.Overlap, Text: uncompared}} //guard:overlap-foreseen
}

// textBytes is how much text the file's rows come of.
func (j *job) textBytes() int64 {
	if j.events != nil {
		return j.events.Bytes
	}
	return j.body.Size
}

// putBack gives the entry the state that it had before the run touched it.
func (j *job) putBack() {
	j.entry.State = checkpoint.Planned
	if j.replace {
		j.entry.State = j.former
	}
}

// emptied makes the entry say that no rows of the file are in the store.
func emptied(e *checkpoint.Entry) {
	e.Lines, e.Rows, e.Rescued, e.Inexact, e.Rejected = 0, 0, 0, 0, 0
	e.Filled, e.Inserts, e.Contents = nil, nil, ""
	e.LeftOut, e.LeansOn, e.Privacy = 0, nil, ""
	e.Forgotten, e.Forgetting = 0, 0
	e.First, e.Last, e.ShiftHours = time.Time{}, time.Time{}, 0
}
