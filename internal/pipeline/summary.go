package pipeline

import (
	"slices"
	"sync"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/rawlog"
)

// Summary is what a run did. Its numbers reconcile:
// Listed = AlreadyLoaded + Loaded + Failed + Expired + Left, and
// Lines = files with a header + Rows + Rejected + Forgotten.
type Summary struct {
	Run           string
	Listed        int // files that the source lists of this run's types, periods and share, and those to be tried again
	AlreadyLoaded int
	Planned       int // files to load
	Loaded        int
	Failed        int
	Expired       int           // of months that are over, and not loaded
	Left          int           // planned but not begun or not ended: dry run, interrupt or error
	Missing       []rawlog.File // known to the ledger, not loaded, and no longer listed: lost unless they come back
	Recovered     int           // files that a dead run had left loading
	Replaced      int           // files loaded again in the place of earlier rows
	Changed       int           // of those: with another text than the earlier rows are known to be of
	Lines         uint64
	Rows          uint64
	Rescued       uint64
	Inexact       uint64 // of those: rows with a value whose column holds only nearly what it says
	Rejected      uint64
	LeftOut       uint64 // events that are in the table by another file, or came twice in one
	Forgotten     uint64 // rows of people who were forgotten, and so not stored
	Relean        int    // files loaded again, as they had left out events that another file no longer holds
	Bytes         int64  // of the ZIPs loaded
	Inserts       int    // into the raw tables
	Elapsed       time.Duration
	Failures      []Failure
	Unread        []Failure     // what the source has but could not be read, beyond single files of the run; without a Type
	RefusedTypes  []RefusedType // log types that the source does not list
	Duplicates    []DoubleHour
	Shifts        []Shift
	Mismatches    []Difference
	Issues        []checkpoint.Entry // all that are open in what the run is about, of earlier runs too
	PlannedFiles  []rawlog.File
	CaughtUp      []rawlog.Period // days before the run's own that no run had listed
	Barren        bool            // the source lists no raw log of any type or time
	Listing       Listing
	Kept          map[rawlog.Type]int // days for which the source keeps files; nil where it was not asked
	Dropped       []Dropped           // rows of months that are over
	Undropped     []string            // why months that are over were left as they are: a sentence for each type
	Skipped       int                 // entries of the source that are not raw-log files
}

// Listing is what a run listed whole. Of these types and days, which files there are was
// known at the time, by the store's clock; it is zero where nothing was.
type Listing struct {
	Types []rawlog.Type
	Days  []rawlog.Period
	At    time.Time
}

// add makes the listing tell of another one's days as well, as far as both do of the same types.
func (l *Listing) add(other Listing) {
	if l.At.IsZero() {
		*l = other
		return
	}
	l.Types = slices.DeleteFunc(slices.Clone(l.Types), func(t rawlog.Type) bool { return !slices.Contains(other.Types, t) })
	l.Days = slices.Concat(l.Days, other.Days)
	l.At = earlier(l.At, other.At)
}

// Dropped are months of a type whose rows are gone, as they are over.
type Dropped struct {
	Type     rawlog.Type
	Month    time.Time // its first hour
	Files    int       // with rows
	Rows     uint64
	Rejected uint64 // lines
}

// Failure is a file that could not be loaded, and why.
type Failure struct {
	File rawlog.File
	Err  string
	New  bool // it had not failed before this run; false in Unread
}

// RefusedType is a log type that the source refuses to list, and why.
type RefusedType struct {
	Type rawlog.Type
	Err  string
}

// DoubleHour is an hour for which a type has more than one file.
type DoubleHour struct {
	Type  rawlog.Type
	Hour  time.Time
	Files []string
}

// Shift is a file most of whose rows lie the same number of hours off its hour.
type Shift struct {
	File  rawlog.File
	Hours int // row's hour − file's hour
}

// collector gathers the summary from all stages.
type collector struct {
	mu    sync.Mutex
	start time.Time
	sum   Summary
}

func newCollector(run string) *collector {
	return &collector{start: time.Now(), sum: Summary{Run: run}}
}

// add changes the summary under its lock.
func (c *collector) add(change func(*Summary)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.sum)
}

func (c *collector) barren() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sum.Barren
}

func (c *collector) left() { c.add(func(s *Summary) { s.Left++ }) }

func (c *collector) done() Summary {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sum.Elapsed = time.Since(c.start)
	return c.sum
}
