package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/load"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/rows"
	"rawlogs/internal/store"
)

// Shares of a file's lines or rows, from 0 to 1.
const (
	// mostUnread is the default share of lines that may be rejected, or of rows with
	// a value that did not fit, before the file is not loaded at all: beyond a half
	// it is another kind of file, not a damaged one.
	mostUnread = 0.5
	// fewest is how many lines or rows it takes at least to say so of a file: a quiet
	// hour may have three broken lines and one good one.
	fewest = 10
	// noticed is the share of rows with a value that did not fit which is an issue of
	// the file. Below it are the odd values that visitors send.
	noticed = 0.01
	// mostOutside is the share of rows outside the file's hour that is an issue, where no
	// zone explains it. Clicks that were reported late lie outside it, too.
	mostOutside = 0.5
)

// escapesQuotes says what to do about texts in another dialect than the settings name.
const escapesQuotes = "the text escapes quotes by a backslash: set csv: {escape: backslash} in ingest.yaml and load it again"

// unfitError is a file that was read to its end and is not what its name says.
type unfitError struct {
	job *job
	err error
}

func (e *unfitError) Error() string { return e.err.Error() }

// sound returns an error where too little of a file was understood for its rows to
// be worth having.
func (r *run) sound(typ rawlog.Type, c rows.Counts) error {
	lines := c.Rows + c.Rejected + c.Forgotten
	switch {
	case c.Escaped >= fewest && exceeds(c.Rejected, lines, r.MaxRejected):
		return fmt.Errorf("%d of its %d lines are not rows by RFC 4180, %d of them as %s", c.Rejected, lines, c.Escaped, escapesQuotes)
	case c.Rejected >= fewest && exceeds(c.Rejected, lines, r.MaxRejected): //guard:mostly-rejected
		return fmt.Errorf("%d of its %d lines do not split into the header's fields, more than the %s that --max-rejected allows: is it of another format, or cut from several files?",
			c.Rejected, lines, percent(r.MaxRejected))
	case c.Rejected > 0 && c.Rows+c.Forgotten == 0: //guard:all-rejected
		none := "its one line is not a row"
		if c.Rejected > 1 {
			none = fmt.Sprintf("none of its %d lines is a row", c.Rejected)
		}
		return fmt.Errorf("%s: see that it is a raw log, and how its lines end", none)
	case c.Misfit >= fewest && !r.altered[typ] && exceeds(c.Misfit, c.Rows, r.MaxMisfit): //guard:mostly-misfit
		return fmt.Errorf("%d of its %d rows have a value that does not fit its column, more than the %s that --max-misfit allows; the first is %s: compare the header with the values below it",
			c.Misfit, c.Rows, percent(r.MaxMisfit), unfit(c))
	}
	return nil
}

// soundJob is sound for what was read of a file. Of events that cannot be read each was put
// aside: they say nothing of the others.
func (r *run) soundJob(j *job) error {
	c := j.counts
	if j.events != nil {
		c.Rejected = 0
	}
	return r.sound(j.file().Type, c)
}

// markAltered notes whether somebody gave a column of the table another type: then
// values that do not fit are the table's doing, and no reason not to load.
func (r *run) markAltered(t rawlog.Type, table *load.Table) error {
	for _, c := range table.Columns {
		altered, err := store.Altered(string(t), c)
		if err != nil {
			return err
		}
		r.altered[t] = r.altered[t] || altered
	}
	return nil
}

// exceeds reports whether n is more than a share of all.
func exceeds(n, all uint64, share float64) bool { return n > 0 && float64(n) > share*float64(all) }

func percent(share float64) string { return fmt.Sprintf("%.4g %%", share*100) }

// noneHas begins a sentence about what a file's rows lack.
func noneHas(rows uint64) string {
	if rows == 1 {
		return "its one row lacks"
	}
	return fmt.Sprintf("none of its %d rows has", rows)
}

// issuesOf lists what is not as it should be about a file that is loaded.
func issuesOf(f rawlog.File, c rows.Counts, usual checkpoint.Usual) []checkpoint.Issue {
	var out []checkpoint.Issue
	add := func(kind checkpoint.Kind, format string, args ...any) {
		out = append(out, checkpoint.Issue{Kind: kind, Text: fmt.Sprintf(format, args...)})
	}
	switch {
	case c.Escaped > 0: //guard:escape-named
		add(checkpoint.Rejected, "%d of %d lines are not rows by RFC 4180, %d of them as %s", c.Rejected, c.Rows+c.Rejected, c.Escaped, escapesQuotes)
	case c.Rejected > 0:
		add(checkpoint.Rejected, "%d of %d lines did not split into the header's fields: see rejected_rows", c.Rejected, c.Rows+c.Rejected)
	}
	out = append(out, valueIssues(c, "rows", "a rounded amount, parts of a second, bytes that are not UTF-8")...)
	if lacks := lacking(c); lacks != "" {
		add(checkpoint.Columns, "%s %s: do the header's names mean our columns?", noneHas(c.Rows), lacks)
	} else if lacks := usual.Lacking(c.Rows, c.Filled); len(lacks) > 0 { //guard:usual-columns
		add(checkpoint.Columns, "%s %s, which each of the latest %d files has: did the header's names change?", noneHas(c.Rows), strings.Join(lacks, ", "), usual.Files)
	}
	if c.OneID != "" { //guard:one-id-told
		add(checkpoint.Columns, "each of its %d rows has the transaction id %q: was it written as a number, or not filled in?", c.Rows, c.OneID)
	}
	for _, doubt := range c.Doubts { //guard:doubts-told
		add(checkpoint.Columns, "%s", doubt)
	}
	if timeless := c.Rows - c.Timed; c.Dated && c.Timed > 0 && timeless > c.Misfit && exceeds(timeless, c.Rows, noticed) { //guard:timeless-told
		add(checkpoint.Columns, "%d of %d rows have no time in datetime", timeless, c.Rows)
	}
	if c.Again > 0 { //guard:repeated-told
		add(checkpoint.Repeated, "from line %d on its first rows come once more: is the text in it twice?", c.Again)
	}
	switch {
	case c.Shift != 0:
		add(checkpoint.Shifted, "most rows lie %s off the file's hour: is the time zone right? If it is now, `ingest reload` reads the file by it", offset(c.Shift))
	case c.OutOfHour == c.Timed && c.Timed > 0 && (c.First.After(f.End().Add(aDay)) || c.Last.Before(f.Hour.Add(-aDay))): //guard:few-scattered
		add(checkpoint.Shifted, "all of its rows lie more than a day off the file's hour: are their dates right?")
	case c.OutOfHour >= fewest && exceeds(c.OutOfHour, c.Timed, mostOutside): //guard:scattered-reported
		add(checkpoint.Shifted, "%d of %d rows lie outside the file's hour, by no one shift: are their dates right?", c.OutOfHour, c.Timed)
	}
	return out
}

// valueIssues lists what is not as it should be about values. What their rows are called,
// and what a column may hold only nearly, depends on where they come from.
func valueIssues(c rows.Counts, called, nearly string) []checkpoint.Issue {
	var out []checkpoint.Issue
	if exceeds(c.Misfit, c.Rows, noticed) {
		out = append(out, checkpoint.Issue{Kind: checkpoint.Misfit,
			Text: fmt.Sprintf("%d of %d %s have a value that does not fit its column, the first is %s: see _rescued", c.Misfit, c.Rows, called, unfit(c))})
	}
	if exceeds(c.Inexact, c.Rows, noticed) { //guard:inexact-told
		out = append(out, checkpoint.Issue{Kind: checkpoint.Inexact,
			Text: fmt.Sprintf("%d of %d %s have a value that its column holds only nearly (%s): see _rescued", c.Inexact, c.Rows, called, nearly)})
	}
	return out
}

// unfit names a file's first value that did not fit.
func unfit(c rows.Counts) string {
	return fmt.Sprintf("%q for %.40q in line %d", c.Unfit.Value, c.Unfit.Name, c.Unfit.Line)
}

const aDay = 24 * time.Hour

// learnUsual looks up which columns earlier files of the jobs' types fill.
func (r *run) learnUsual(ctx context.Context, jobs []*job) error {
	newest := make(map[rawlog.Type]time.Time)
	for _, j := range jobs {
		if j.listed.Hour.After(newest[j.listed.Type]) {
			newest[j.listed.Type] = j.listed.Hour
		}
	}
	r.usual = make(map[rawlog.Type]checkpoint.Usual)
	for t, before := range newest {
		err := r.steady(ctx, func(ctx context.Context) (err error) {
			r.usual[t], err = r.ledger.Usual(ctx, t, before)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// lacking says what no row of a file has that every raw log has: an id, or a time where
// its header names the column.
func lacking(c rows.Counts) string {
	switch {
	case c.Rows == 0:
	case !slices.ContainsFunc([]string{"transaction_id", "affiliate_id", "offer_id"}, func(id string) bool { return slices.Contains(c.Filled, id) }): //guard:no-ids
		return "a transaction, an affiliate or an offer"
	case c.Dated && c.Timed == 0: //guard:no-times
		return "a time in datetime"
	}
	return ""
}

// offset is "+2 h" or "-3:30 h".
func offset(d time.Duration) string {
	sign := '+'
	if d < 0 {
		sign, d = '-', -d
	}
	if d%time.Hour == 0 {
		return fmt.Sprintf("%c%d h", sign, d/time.Hour)
	}
	return fmt.Sprintf("%c%d:%02d h", sign, d/time.Hour, d%time.Hour/time.Minute)
}

// withIssues reads from the ledger what has issues in what the run is about: of a run that
// retries failures that is all of the ledger. It is read again where the run has written since.
func (r *run) withIssues(ctx context.Context) ([]checkpoint.Entry, error) {
	if read := r.flawed.Load(); read != nil {
		return *read, nil
	}
	filter := checkpoint.Filter{Types: r.Types, Issues: true}
	if !r.RetryFailed {
		filter.Periods = r.Periods
	}
	entries, err := r.entries(ctx, filter)
	if err == nil {
		r.flawed.Store(&entries)
	}
	return entries, err
}

// openIssues finds what is not as it should be in what the run is about.
func (r *run) openIssues(ctx context.Context) error {
	if r.st == nil {
		return nil
	}
	entries, err := r.withIssues(ctx)
	if err != nil {
		return err
	}
	r.sum.add(func(s *Summary) {
		for _, e := range entries {
			if e.Open() && r.Share.Has(e.File.Name) && (len(r.Files) == 0 || r.asked(e.File)) { //guard:issues-stay
				s.Issues = append(s.Issues, e)
			}
		}
	})
	return nil
}

// lose records files that were listed once, are not loaded, and are listed no more.
func (r *run) lose(ctx context.Context, known map[fileKey]*checkpoint.Entry, missing []rawlog.File) error {
	var entries []*checkpoint.Entry
	for _, f := range missing {
		e := known[keyOf(f)]
		if e.Has(checkpoint.Lost) {
			continue
		}
		e.Settle(r.Now(), checkpoint.Issue{Kind: checkpoint.Lost, Text: "not loaded, and no longer listed by the source"})
		entries = append(entries, e)
	}
	return r.record(ctx, entries)
}

// mismatched records files whose rows the store does not have as they were
// acknowledged, and has the next run load those again of which it has some: of a
// file none of whose rows is seen they may be hidden, and would be doubled.
func (r *run) mismatched(ctx context.Context, entries []checkpoint.Entry, diffs []Difference) error {
	differs := make(map[fileKey]Difference, len(diffs))
	for _, d := range diffs {
		differs[keyOf(d.File)] = d
	}
	var changed []*checkpoint.Entry
	for i := range entries {
		e := &entries[i]
		d, ok := differs[keyOf(e.File)]
		if !ok {
			continue
		}
		e.Settle(r.Now(), append(e.Issues[:len(e.Issues):len(e.Issues)], checkpoint.Issue{Kind: checkpoint.Mismatch, Text: d.String()})...)
		if d.Stored > 0 { //guard:mismatch-reopens
			e.State, e.Contents = checkpoint.Planned, "" // its rows are not those of its text
		}
		changed = append(changed, e)
	}
	return r.record(ctx, changed)
}
