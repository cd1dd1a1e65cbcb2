package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/config"
	"rawlogs/internal/pipeline"
	"rawlogs/internal/plain"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/session"
	"rawlogs/internal/status"
	"rawlogs/internal/term"
)

// summary is what a load prints. Its JSON names are a promise: they are only
// ever added to.
type summary struct {
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
		Left          int `json:"left"` // not begun: planned by a dry run, or the run was interrupted
		Recovered     int `json:"recovered"`
		Replaced      int `json:"replaced"`
		Skipped       int `json:"skipped"` // no raw-log files
	} `json:"files"`
	Lines    uint64  `json:"lines"` // records, headers included
	Rows     uint64  `json:"rows"`
	Rescued  uint64  `json:"rescued"`
	Inexact  uint64  `json:"inexact"`
	Rejected uint64  `json:"rejected"`
	Bytes    int64   `json:"bytes"` // of ZIPs
	Inserts  int     `json:"inserts"`
	Seconds  float64 `json:"seconds"`

	Barren     bool               `json:"no_raw_logs,omitempty"` // the source lists none of any type or time
	CaughtUp   []string           `json:"caught_up,omitempty"`   // periods before the run's own that no run had listed
	Planned    []summaryFile      `json:"planned,omitempty"`     // of a dry run
	Missing    []summaryFile      `json:"missing,omitempty"`     // not loaded, and no longer listed by the source
	Failures   []summaryFile      `json:"failures,omitempty"`
	Unread     []summaryFile      `json:"unread,omitempty"`        // of the source, and no single file of this run
	Refused    []summaryType      `json:"refused_types,omitempty"` // log types that the source does not list
	Duplicates []summaryHour      `json:"two_files_for_an_hour,omitempty"`
	Shifts     []summaryShift     `json:"shifted_files,omitempty"`
	Mismatches []verifyDifference `json:"count_differences,omitempty"`
	Issues     []status.Issue     `json:"issues,omitempty"` // that are open in what the run was about, of earlier runs too

	elapsed time.Duration
}

type summaryFile struct {
	Type  string    `json:"type"`
	Name  string    `json:"name"`
	Path  string    `json:"path,omitempty"` // where the source has it, if that is not its name
	Hour  time.Time `json:"hour"`
	Size  int64     `json:"size"` // -1: the listing does not tell
	Error string    `json:"error,omitempty"`
}

type summaryType struct {
	Type  string `json:"type"`
	Error string `json:"error"`
}

type summaryHour struct {
	Type  string    `json:"type"`
	Hour  time.Time `json:"hour"`
	Files []string  `json:"files"`
}

type summaryShift struct {
	Type  string `json:"type"`
	Name  string `json:"name"`
	Hours int    `json:"hours"`
}

func describeFile(f rawlog.File, err string) summaryFile {
	path := f.Path
	if path == f.Name {
		path = ""
	}
	return summaryFile{Type: string(f.Type), Name: f.Name, Path: path, Hour: f.Hour, Size: f.Size, Error: err}
}

// at is where a person finds the file.
func (f summaryFile) at() string { return cmp.Or(f.Path, f.Name) }

func summarize(cfg *config.Config, storeName string, dryRun bool, s pipeline.Summary) summary {
	out := summary{
		Run: s.Run, Network: cfg.Network, Source: cfg.Source.String(), Store: storeName, DryRun: dryRun,
		Lines: s.Lines, Rows: s.Rows, Rescued: s.Rescued, Inexact: s.Inexact, Rejected: s.Rejected, Bytes: s.Bytes, Inserts: s.Inserts,
		Seconds: s.Elapsed.Seconds(), elapsed: s.Elapsed,
	}
	out.Files.Listed, out.Files.AlreadyLoaded, out.Files.Loaded, out.Files.Failed = s.Listed, s.AlreadyLoaded, s.Loaded, s.Failed
	out.Files.Left, out.Files.Skipped = s.Left, s.Skipped
	out.Barren = s.Barren
	out.Files.Recovered, out.Files.Replaced = s.Recovered, s.Replaced
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
		out.Refused = append(out.Refused, summaryType{string(t.Type), t.Err})
	}
	for _, d := range s.Duplicates {
		out.Duplicates = append(out.Duplicates, summaryHour{Type: string(d.Type), Hour: d.Hour, Files: d.Files})
	}
	for _, x := range s.Shifts {
		out.Shifts = append(out.Shifts, summaryShift{Type: string(x.File.Type), Name: x.File.Name, Hours: x.Hours})
	}
	for _, e := range s.Issues {
		out.Issues = append(out.Issues, status.Issues(e)...)
	}
	for _, d := range s.Mismatches {
		out.Mismatches = append(out.Mismatches, describeDifference(d))
	}
	return out
}

// verdict is the error that the summary amounts to, or nil.
func (s summary) verdict(interrupted bool) error {
	var what []string
	if s.Barren {
		what = append(what, noRawLogs(s.Source))
	}
	if n := len(s.Failures); n > 0 {
		what = append(what, fmt.Sprintf("%s failed and will be tried again by the next run", term.Plural(n, "file")))
	}
	if len(s.Refused) > 0 {
		what = append(what, "the source does not list "+typeNames(s.Refused)+"; --type names the others")
	}
	if n := len(s.Unread); n > 0 {
		what = append(what, fmt.Sprintf("%s of the source could not be read", term.Plural(n, "name")))
	}
	if len(s.Missing) > 0 { //guard:lost-files-tell
		what = append(what, fmt.Sprintf("%s not loaded and no longer listed by the source", term.Plural(len(s.Missing), "file")))
	}
	if s.Rejected > 0 && slices.ContainsFunc(s.Issues, func(i status.Issue) bool { return i.Kind == string(checkpoint.Rejected) }) {
		what = append(what, fmt.Sprintf("%s rejected; see the table rejected_rows", term.Plural(s.Rejected, "row")))
	}
	if n := s.others(); n > 0 { //guard:issues-tell
		what = append(what, openIssues(n))
	}
	switch {
	case interrupted && s.Files.Left > 0:
		return errInterrupted
	case len(what) > 0:
		return &session.IncompleteError{What: strings.Join(what, "; ")}
	}
	return nil
}

// untold are the issues of files that the summary has not named as failed or lost.
func (s summary) untold() []status.Issue {
	named := map[string]bool{}
	for _, f := range append(s.Failures[:len(s.Failures):len(s.Failures)], s.Missing...) {
		named[f.Type+" "+f.Name] = true
	}
	return slices.DeleteFunc(slices.Clone(s.Issues), func(i status.Issue) bool { return named[i.Type+" "+i.Name] })
}

// others counts the files of untold.
func (s summary) others() int {
	files := map[string]bool{}
	for _, i := range s.untold() {
		files[i.Type+" "+i.Name] = true
	}
	return len(files)
}

func typeNames(types []summaryType) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = t.Type
	}
	return strings.Join(names, " and ")
}

func (a *app) printSummary(s summary) error {
	if a.json {
		return term.JSON(a.stdout, s)
	}
	_, err := io.WriteString(a.stdout, s.text())
	return err
}

// text prints the sums so that they reconcile on sight.
func (s summary) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "network %s: %s → %s\n", plain.Text(s.Network), plain.Text(s.Source), plain.Text(s.Store))
	f := s.Files
	left := ""
	if f.Left > 0 {
		left = fmt.Sprintf(" + %s left", term.Count(f.Left))
		if s.DryRun {
			left = fmt.Sprintf(" + %s to load", term.Count(f.Left))
		}
	}
	fmt.Fprintf(&b, "files  listed %s = already loaded %s + loaded %s + failed %s%s\n",
		term.Count(f.Listed), term.Count(f.AlreadyLoaded), term.Count(f.Loaded), term.Count(f.Failed), left)
	if !s.DryRun {
		fmt.Fprintf(&b, "rows   read %s = stored %s + rejected %s", term.Count(s.Rows+s.Rejected), term.Count(s.Rows), term.Count(s.Rejected))
		if s.Rescued > 0 {
			fmt.Fprintf(&b, "   (%s with something in _rescued", term.Count(s.Rescued))
			if s.Inexact > 0 {
				fmt.Fprintf(&b, ", %s of them inexact", term.Count(s.Inexact))
			}
			b.WriteString(")")
		}
		fmt.Fprintf(&b, "\nzips   %s in %s, %s\n", term.Size(s.Bytes), term.Plural(s.Inserts, "insert"), term.Duration(s.elapsed))
	}
	for _, n := range []struct {
		n    int
		what string
	}{
		{f.Recovered, "left by a run that died: cleaned up"},
		{f.Replaced, "changed at the source: rows replaced"},
		{f.Skipped, "of the source skipped: not raw logs by their names"},
	} {
		if n.n > 0 {
			fmt.Fprintf(&b, "%s %s\n", term.Plural(n.n, "file"), n.what)
		}
	}
	s.lists(&b)
	return b.String()
}

// lists names what the sums count, some of each.
func (s summary) lists(b *strings.Builder) {
	const most = 20
	list := func(title string, n int, line func(i int) string) {
		if n == 0 {
			return
		}
		fmt.Fprintf(b, "%s:\n", title)
		for i := range min(n, most) {
			fmt.Fprintf(b, "  %s\n", plain.Text(line(i)))
		}
		if n > most {
			fmt.Fprintf(b, "  … and %d more; --json lists all\n", n-most)
		}
	}
	list("caught up on days that no run had listed", len(s.CaughtUp), func(i int) string { return s.CaughtUp[i] })
	list("to load", len(s.Planned), func(i int) string { return s.Planned[i].Type + " " + s.Planned[i].Name })
	list("failed", len(s.Failures), func(i int) string {
		return s.Failures[i].Type + " " + s.Failures[i].at() + ": " + s.Failures[i].Error
	})
	list("not listed", len(s.Refused), func(i int) string { return s.Refused[i].Type + ": " + s.Refused[i].Error })
	list("not read", len(s.Unread), func(i int) string { return s.Unread[i].at() + ": " + s.Unread[i].Error })
	list("not loaded, and no longer listed by the source: lost unless it lists them again", len(s.Missing), func(i int) string {
		return s.Missing[i].Type + " " + s.Missing[i].Name
	})
	list("two files for an hour", len(s.Duplicates), func(i int) string {
		d := s.Duplicates[i]
		return d.Type + " " + term.Minute(d.Hour) + ": " + strings.Join(d.Files, ", ")
	})
	list("rows off their file's hour (is the time zone right?)", len(s.Shifts), func(i int) string {
		x := s.Shifts[i]
		return fmt.Sprintf("%s %s: %+d h", x.Type, x.Name, x.Hours)
	})
	issues := s.untold()
	list("issues", len(issues), func(i int) string {
		x := issues[i]
		return fmt.Sprintf("%s since %s: %s %s: %s", x.Kind, x.Since.Format(time.DateOnly), x.Type, x.Name, x.Text)
	})
	list("counts that differ from the ledger", len(s.Mismatches), func(i int) string { return s.Mismatches[i].text() })
}
