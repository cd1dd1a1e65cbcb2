package checkpoint

import (
	"slices"
	"time"
)

// Issue is something about a file that is not as it should be. It is a state, not
// an event: it stays in the ledger, and every run and `ingest status` speak of
// it, until the file is loaded without it or somebody says to ignore it.
type Issue struct {
	Kind Kind
	Text string // for people: what was seen, free of secrets and control characters
}

// Kind is what is wrong with a file.
type Kind string

// The kinds of issues.
const (
	Rejected Kind = "rejected" // lines that did not split into the header's fields
	Misfit   Kind = "misfit"   // values that did not fit their columns, beyond a share of the rows
	Inexact  Kind = "inexact"  // values whose columns hold only nearly what they say, beyond a share of the rows
	Columns  Kind = "columns"  // no row has an id, a time, or what all others have
	Shifted  Kind = "shifted"  // most rows lie whole hours off the file's hour
	Copy     Kind = "copy"     // the text of another file of the same type and hour; not loaded
	Overlap  Kind = "overlap"  // most of its rows are in another file of its time as well; loaded
	Repeated Kind = "repeated" // its first rows come once more further down; loaded
	Mismatch Kind = "mismatch" // the store did not hold the rows that were acknowledged
	LeftOut  Kind = "left_out" // its former rows were replaced, and others left out events of them; those are to be loaded again
	Unsteady Kind = "unsteady" // a day of a report that had not as many rows as the network said; loaded
	View     Kind = "view"     // the store has its rows, but answered with an error: a view failed on them
	Lost     Kind = "lost"     // listed once, not loaded, and no longer listed
	Unloaded Kind = "failed"   // could not be fetched, read or loaded
)

// Kinds lists all kinds of issues.
func Kinds() []Kind {
	return []Kind{Unloaded, Lost, Mismatch, LeftOut, Copy, Overlap, Repeated, Unsteady, View, Rejected, Misfit, Inexact, Columns, Shifted}
}

// Awaited reports whether its rows are still to come: the file is not loaded, its month not over, nobody
// said to ignore it, and a run last found it at the source. It is what `ingest_metrics` counts.
func (e *Entry) Awaited() bool {
	return e.State != Loaded && e.State != Expired && e.Ignored == "" && !e.Has(Lost)
}

// Open reports whether the entry has issues that nobody said to ignore.
func (e *Entry) Open() bool { return len(e.Issues) > 0 && e.Ignored == "" }

// Has reports whether the entry has an issue of a kind.
func (e *Entry) Has(k Kind) bool {
	return slices.ContainsFunc(e.Issues, func(i Issue) bool { return i.Kind == k })
}

// Settle puts issues in the place of those that the entry has. Since stays when
// one of their kinds was there before; a kind that is new is open, whatever was
// said of the former ones.
//
// LeftOut stays until Withdraw: it is about other files, whatever becomes of this one.
func (e *Entry) Settle(now time.Time, issues ...Issue) {
	if i := slices.IndexFunc(e.Issues, func(i Issue) bool { return i.Kind == LeftOut }); i >= 0 && !slices.ContainsFunc(issues, func(i Issue) bool { return i.Kind == LeftOut }) {
		issues = append(slices.Clip(issues), e.Issues[i])
	}
	known := func(i Issue) bool { return e.Has(i.Kind) }
	if !slices.ContainsFunc(issues, known) {
		e.Since = now.UTC().Truncate(time.Second)
	}
	if slices.ContainsFunc(issues, func(i Issue) bool { return !known(i) }) || len(issues) == 0 { //guard:new-issue-open
		e.Ignored = ""
	}
	if len(issues) == 0 {
		e.Since = time.Time{}
	}
	e.Issues = issues
}

// Withdraw takes the issues of a kind back.
func (e *Entry) Withdraw(k Kind) {
	if e.Issues = slices.DeleteFunc(slices.Clone(e.Issues), func(i Issue) bool { return i.Kind == k }); len(e.Issues) == 0 {
		e.Issues, e.Ignored, e.Since = nil, "", time.Time{}
	}
}
