// Package summary puts into words and JSON what a load or a count of the store comes
// to, for people and for programs that read the command's output.
package summary

import (
	"cmp"
	"fmt"
	"time"

	"rawlogs/internal/pipeline"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/status"
	"rawlogs/internal/term"
)

// Load is what a load did. Its JSON names are a promise: they are only ever added to.
type Load struct {
	Run     string `json:"run"`
	Network string `json:"network"`
	Source  string `json:"source"`
	Store   string `json:"store"`
	DryRun  bool   `json:"dry_run"`
	Files   struct {
		Listed        int `json:"listed"`
		AlreadyLoaded int `json:"already_loaded"`
		Loaded        int `json:"loaded"`
		Failed        int `json:"failed"`
		Expired       int `json:"expired"` // of months that are over, and not loaded
		Left          int `json:"left"`    // not begun: planned by a dry run, or the run was interrupted
		Recovered     int `json:"recovered"`
		Replaced      int `json:"replaced"`
		Changed       int `json:"changed"` // of replaced: the text is another than before
		Skipped       int `json:"skipped"` // no raw-log files
	} `json:"files"`
	Lines    uint64 `json:"lines"` // records, headers included
	Rows     uint64 `json:"rows"`
	Rescued  uint64 `json:"rescued"`
	Inexact  uint64 `json:"inexact"`
	Rejected uint64 `json:"rejected"`
	// Forgotten are rows of people who were forgotten, which were not stored.
	Forgotten uint64  `json:"forgotten"`
	Bytes     int64   `json:"bytes"` // of ZIPs
	Inserts   int     `json:"inserts"`
	Seconds   float64 `json:"seconds"`

	Barren     bool         `json:"no_raw_logs,omitempty"` // the source lists none of any type or time
	CaughtUp   []string     `json:"caught_up,omitempty"`   // periods before the run's own that no run had listed
	Planned    []File       `json:"planned,omitempty"`     // of a dry run
	Missing    []File       `json:"missing,omitempty"`     // not loaded, and no longer listed by the source
	Failures   []File       `json:"failures,omitempty"`
	Unread     []File       `json:"unread,omitempty"`        // of the source, and no single file of this run
	Refused    []Type       `json:"refused_types,omitempty"` // log types that the source does not list
	Duplicates []Hour       `json:"two_files_for_an_hour,omitempty"`
	Shifts     []Shift      `json:"shifted_files,omitempty"`
	Mismatches []Difference `json:"count_differences,omitempty"`
	// RefusedFields are those of the report of conversions that the account may not ask for.
	RefusedFields []string       `json:"refused_fields,omitempty"`
	Dropped       []Dropped      `json:"dropped,omitempty"`     // months that are over
	Undropped     []string       `json:"not_dropped,omitempty"` // why months that are over were left as they are
	Issues        []status.Issue `json:"issues,omitempty"`      // that are open in what the run was about, of earlier runs too

	elapsed time.Duration
}

// File is a file that the summary names.
type File struct {
	Type  string    `json:"type"`
	Name  string    `json:"name"`
	Path  string    `json:"path,omitempty"` // where the source has it, if that is not its name
	Hour  time.Time `json:"hour"`
	Size  int64     `json:"size"` // -1: the listing does not tell
	Error string    `json:"error,omitempty"`
}

// Dropped is a month of a type whose rows are gone, as it is over.
type Dropped struct {
	Type     string `json:"type"`
	Month    string `json:"month"` // 202511
	Files    int    `json:"files"` // that had rows
	Rows     uint64 `json:"rows"`
	Rejected uint64 `json:"rejected"` // lines
}

// String says what is gone.
func (d Dropped) String() string {
	return fmt.Sprintf("%s %s: %s rows of %s", d.Type, d.Month, term.Count(d.Rows), term.Plural(d.Files, "file"))
}

// DescribeDropped puts months into the form of a summary.
func DescribeDropped(all []pipeline.Dropped) []Dropped {
	out := make([]Dropped, 0, len(all))
	for _, d := range all {
		out = append(out, Dropped{string(d.Type), d.Month.Format("200601"), d.Files, d.Rows, d.Rejected})
	}
	return out
}

// Type is a log type that the source does not list.
type Type struct {
	Type  string `json:"type"`
	Error string `json:"error"`
}

// Hour is an hour with two files.
type Hour struct {
	Type  string    `json:"type"`
	Hour  time.Time `json:"hour"`
	Files []string  `json:"files"`
}

// Shift is a file whose rows lie off its hour.
type Shift struct {
	Type  string `json:"type"`
	Name  string `json:"name"`
	Hours int    `json:"hours"`
}

func describeFile(f rawlog.File, err string) File {
	path := f.Path
	if path == f.Name {
		path = ""
	}
	return File{Type: string(f.Type), Name: f.Name, Path: path, Hour: f.Hour, Size: f.Size, Error: err}
}

// at is where a person finds the file.
func (f File) at() string { return cmp.Or(f.Path, f.Name) }

// Place is what was loaded from where into what, in words for people.
type Place struct{ Network, Source, Store string }

// Of sums up a load, or what a dry run would load.
func Of(at Place, dryRun bool, s pipeline.Summary) Load {
	out := Load{
		Run: s.Run, Network: at.Network, Source: at.Source, Store: at.Store, DryRun: dryRun,
		Lines: s.Lines, Rows: s.Rows, Rescued: s.Rescued, Inexact: s.Inexact, Rejected: s.Rejected, Forgotten: s.Forgotten, Bytes: s.Bytes, Inserts: s.Inserts,
		Seconds: s.Elapsed.Seconds(), elapsed: s.Elapsed,
	}
	out.Files.Listed, out.Files.AlreadyLoaded, out.Files.Loaded, out.Files.Failed = s.Listed, s.AlreadyLoaded, s.Loaded, s.Failed
	out.Files.Left, out.Files.Skipped, out.Files.Expired = s.Left, s.Skipped, s.Expired
	if out.Undropped = s.Undropped; len(s.Dropped) > 0 {
		out.Dropped = DescribeDropped(s.Dropped)
	}
	out.Barren = s.Barren
	out.Files.Recovered, out.Files.Replaced, out.Files.Changed = s.Recovered, s.Replaced, s.Changed
	for _, p := range s.CaughtUp {
		out.CaughtUp = append(out.CaughtUp, p.String())
	}
	if dryRun {
		for _, f := range s.PlannedFiles {
			out.Planned = append(out.Planned, describeFile(f, ""))
		}
	}
	for _, f := range s.Missing {
		out.Missing = append(out.Missing, describeFile(f, ""))
	}
	for _, f := range s.Failures {
		out.Failures = append(out.Failures, describeFile(f.File, f.Err))
	}
	for _, f := range s.Unread {
		out.Unread = append(out.Unread, describeFile(f.File, f.Err))
	}
	for _, t := range s.RefusedTypes {
		out.Refused = append(out.Refused, Type{string(t.Type), t.Err})
	}
	for _, d := range s.Duplicates {
		out.Duplicates = append(out.Duplicates, Hour{Type: string(d.Type), Hour: d.Hour, Files: d.Files})
	}
	for _, x := range s.Shifts {
		out.Shifts = append(out.Shifts, Shift{Type: string(x.File.Type), Name: x.File.Name, Hours: x.Hours})
	}
	for _, e := range s.Issues {
		out.Issues = append(out.Issues, status.Issues(e)...)
	}
	for _, d := range s.Mismatches {
		out.Mismatches = append(out.Mismatches, describeDifference(d))
	}
	return out
}
