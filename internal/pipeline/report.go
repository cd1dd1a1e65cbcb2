package pipeline

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/rows"
)

// Snapshots, as days of the report of conversions are, take the way of raw logs, with two
// differences. A period that is loaded is fetched again each time that it is asked for, and
// its rows are replaced where its text is another one. And it never loses all of its rows to
// an answer without any: conversions are rejected, and do not vanish.

// emptied returns an error where the rows of a snapshot would be replaced by none.
func (r *run) emptied(j *job, c rows.Counts) error {
	if !j.file().Type.Snapshot() || c.Rows+c.Forgotten > 0 || j.entry.Rows == 0 || r.Reload { //guard:report-emptied
		return nil
	}
	return fmt.Errorf("the report has no conversions of this day any more, where it had %d: they are kept; if that is right, `ingest %s --reload %s` takes them out",
		j.entry.Rows, j.file().Type.Loader(), j.file().Hour.Format(rawlog.DayLayout))
}

// reportIssues lists what is not as it should be about a day of the report. Its columns are
// those that the account may ask for.
func reportIssues(c rows.Counts) []checkpoint.Issue {
	var out []checkpoint.Issue
	if c.Rejected > 0 {
		out = append(out, checkpoint.Issue{Kind: checkpoint.Rejected, Text: fmt.Sprintf("%d of %d rows could not be read: see rejected_rows", c.Rejected, c.Rows+c.Rejected)})
	}
	return append(out, valueIssues(c, "rows", "a rounded amount, parts of a second")...)
}

// noted are the issues that its source found.
func (j *job) noted() []checkpoint.Issue {
	if len(j.notes) == 0 { //guard:report-count-told
		return nil
	}
	return []checkpoint.Issue{{Kind: checkpoint.Unsteady, Text: printable(strings.Join(j.notes, "; "))}}
}

// note puts what its source says now in the place of what it said before, for a text that
// is the same.
func (j *job) note(now time.Time) {
	if e, noted := j.entry, j.noted(); len(noted) > 0 || e.Has(checkpoint.Unsteady) {
		issues := slices.DeleteFunc(slices.Clone(e.Issues), func(i checkpoint.Issue) bool { return i.Kind == checkpoint.Unsteady })
		e.Settle(now, append(issues, noted...)...)
	}
}
