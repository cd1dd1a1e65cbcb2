package pipeline

import (
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/fetch"
	"rawlogs/internal/parse"
	"rawlogs/internal/rawlog"
)

// job is one file on its way through a run. It is owned by one stage at a time.
type job struct {
	entry   *checkpoint.Entry
	replace bool // rows of an earlier version may be in the store
	state   jobState
	archive *fetch.Archive
	zip     *parse.Entry
	counts  parse.Counts
}

type jobState int

const (
	jobOpen jobState = iota
	jobLoaded
	jobFailed
)

func (j *job) file() rawlog.File { return j.entry.File }

// month is the partition that all of the file's rows go to.
func (j *job) month() time.Time {
	h := j.entry.File.Hour
	return time.Date(h.Year(), h.Month(), 1, 0, 0, 0, 0, time.UTC)
}

// release gives the archive's memory or spool file back; it may be called twice.
func (j *job) release() {
	if j.archive != nil {
		j.archive.Release()
		j.archive = nil
	}
}

// took writes what was parsed into the ledger entry.
func (j *job) took(inserts []uint64) {
	e, c := j.entry, j.counts
	e.State, e.Error, e.Inserts = checkpoint.Loaded, "", inserts
	e.Lines, e.Rows, e.Rescued, e.Rejected = c.Lines, c.Rows, c.Rescued, c.Rejected
	e.First, e.Last, e.ShiftHours = c.First, c.Last, int8(c.ShiftHours)
}
