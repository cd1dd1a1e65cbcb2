package status

import (
	"fmt"
	"io"
	"time"

	"rawlogs/internal/plain"
	"rawlogs/internal/term"
)

// Kinds explains the kinds of issues, a line each.
const Kinds = `failed     could not be fetched, read or loaded; the next run tries again
lost       not loaded, and no longer listed by the source
mismatch   the store did not hold the rows that it acknowledged; the next run loads them again
copy       the same text as another file of its hour; not loaded
left_out   replaced by other events; files that left out what it held are loaded again
overlap    most of its rows are in another file of its hour as well: was it exported again?
repeated   its first rows come once more further down: is the text in it twice?
unsteady   a day of the report of conversions has fewer rows than the network says
view       its rows are stored, but a materialized view failed on them
rejected   has lines that did not split into the header's fields: see rejected_rows
misfit     has many values that did not fit their columns: see _rescued
inexact    has many values that their columns hold only nearly: see _rescued
columns    no row has an id, or none a time: do the header's names mean our columns?
shifted    its rows lie off its hour: is the time zone right?`

// PrintIssues writes issues as a table.
func PrintIssues(w io.Writer, issues []Issue) error {
	if len(issues) == 0 {
		_, err := fmt.Fprintln(w, "no issues")
		return err
	}
	var rows [][]string
	for _, i := range issues {
		text := i.Text
		if i.Ignored != "" {
			text += " (ignored: " + i.Ignored + ")"
		}
		rows = append(rows, []string{i.Kind, i.Since.Format(time.DateOnly), i.Type + " " + i.Name, text})
	}
	return term.Table(w, []string{"issue", "since", "file", "what"}, func(int) bool { return false }, rows)
}

// PrintIgnored writes a line for each of the first issues that were just ignored.
func PrintIgnored(w io.Writer, issues []Issue) error {
	if len(issues) == 0 {
		_, err := fmt.Fprintln(w, "nothing was ignored: none of these files has an open issue")
		return err
	}
	const most = 20
	for _, i := range issues[:min(len(issues), most)] {
		if _, err := fmt.Fprintf(w, "ignored: %s\n", plain.Text(i.Type+" "+i.Name+": "+i.Text)); err != nil {
			return err
		}
	}
	if len(issues) > most {
		_, err := fmt.Fprintf(w, "… and %d more; --json lists all\n", len(issues)-most)
		return err
	}
	return nil
}

// Verdict says what there is to care for; "" if nothing is.
func (r Report) Verdict() string {
	if files := r.troubled(); files > 0 {
		return OpenIssues(files)
	}
	if r.Barren {
		return NoRawLogs(r.Source)
	}
	if n := len(r.Late); n > 0 {
		return term.Plural(n, "file") + " came too late for every run: `ingest backfill` loads a day's"
	}
	return ""
}

// troubled counts the files that the report has issues of.
func (r Report) troubled() int {
	files := map[string]bool{}
	for _, i := range r.Issues {
		files[i.Type+" "+i.Name] = true
	}
	for _, f := range append(r.Failures[:len(r.Failures):len(r.Failures)], r.Lost...) {
		files[f.Type+" "+f.Name] = true
	}
	return len(files)
}

// OpenIssues says that so many files have issues.
func OpenIssues(files int) string {
	if files == 1 {
		return "1 file has issues; `ingest issues` lists them"
	}
	return term.Count(files) + " files have issues; `ingest issues` lists them"
}

// NoRawLogs says that a source lists none.
func NoRawLogs(source string) string {
	return source + " lists no raw log at all; `ingest check` says how their names look"
}
