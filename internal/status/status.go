// Package status says how a network stands: by type and day what is loaded, what
// failed, what the source lists and nobody has begun, and what it is about to
// delete. It only looks.
package status

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/dirs"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
)

// Question is what is asked.
type Question struct {
	Network string
	Types   []rawlog.Type
	Periods []rawlog.Period // none: all
	// Source opens what the files are listed from; nil leaves out what is missing,
	// what is lost and what expires.
	Source func() (dirs.Source, error)
	Now    time.Time
	Log    *slog.Logger
	// Privacy is the policy of the settings for personal data.
	Privacy string

	lives rawlog.Lifetimes
}

// Day is what is known of one day and type. Its JSON names are a promise.
type Day struct {
	Type        string `json:"type"`
	Day         string `json:"day"`
	Loaded      int64  `json:"loaded"` // files
	Loading     int64  `json:"loading"`
	Failed      int64  `json:"failed"`
	Expired     int64  `json:"expired"` // of months that are over
	Missing     *int64 `json:"missing"` // null: the source was not listed, or is not what it comes from
	Rows        int64  `json:"rows"`
	Rejected    int64  `json:"rejected"`
	Rescued     int64  `json:"rescued"`
	Inexact     int64  `json:"inexact"`
	Bytes       int64  `json:"bytes"`
	DoubleHours int64  `json:"double_hours"`
}

// Report is the state of a network. Its JSON names are a promise.
type Report struct {
	Network  string   `json:"network"`
	Source   string   `json:"source"`
	Store    string   `json:"store"`
	Listed   bool     `json:"listed"`
	Barren   bool     `json:"no_raw_logs,omitempty"` // the source lists none of any type or time
	Days     []Day    `json:"days"`
	Failures []File   `json:"failures"`
	Lost     []File   `json:"lost"` // not loaded, and no longer listed by the source
	Late     []File   `json:"late"` // came after the last run that looks at their day
	Warnings []string `json:"warnings"`
	Issues   []Issue  `json:"issues"` // that are open
	// Privacy is under which policies the files were loaded; none where there never was one.
	Privacy []Loaded `json:"privacy"`
	// Forgotten counts people who were forgotten.
	Forgotten Forgotten `json:"forgotten"`
	// Unfilled are the columns that no file has ever filled, of any period.
	Unfilled []checkpoint.Unfilled `json:"unfilled"`

	keep    rawlog.Kept      // days that the source keeps files, where it says so
	awaited map[dayKey]int64 // listed files whose rows are still to come
}

// File is a file with trouble.
type File struct {
	Type  string `json:"type"`
	Name  string `json:"name"`
	Error string `json:"error"`
}

// Issue is something about a file that is not as it should be.
type Issue struct {
	Type    string    `json:"type"`
	Name    string    `json:"name"`
	Hour    time.Time `json:"hour"`
	Kind    string    `json:"kind"` // see checkpoint.Kind
	Text    string    `json:"text"`
	Since   time.Time `json:"since"`
	Ignored string    `json:"ignored,omitempty"` // why; empty: open
}

// Issues lists those of an entry.
func Issues(e checkpoint.Entry) []Issue {
	out := make([]Issue, 0, len(e.Issues))
	for _, i := range e.Issues {
		out = append(out, Issue{string(e.File.Type), e.File.Name, e.File.Hour, string(i.Kind), i.Text, e.Since, e.Ignored})
	}
	return out
}

// Of asks ledger and source. A source that cannot be listed is a warning of the
// report; a store that does not answer is an error.
func Of(ctx context.Context, st *store.Store, q Question) (Report, error) {
	report := Report{Network: q.Network, Store: st.Name(), Days: []Day{}, Failures: []File{}, Lost: []File{}, Late: []File{}, Warnings: []string{}, Issues: []Issue{}}
	ledger := checkpoint.Open(st, q.Network)
	days, err := ledger.Status(ctx, q.Types, q.Periods)
	if err != nil {
		return report, err
	}
	asked := checkpoint.Filter{Types: q.Types, Periods: q.Periods}
	if report.Privacy, err = OfPrivacy(ctx, ledger, asked, q.Privacy); err != nil {
		return report, err
	}
	asked.Trouble = true
	troubled, err := ledger.Entries(ctx, asked)
	if err != nil {
		return report, err
	}
	// Of what is not a raw log the ledger alone knows: no source lists it, and its columns are
	// those that the account may ask for.
	q.Types = slices.DeleteFunc(slices.Clone(q.Types), func(t rawlog.Type) bool { return !t.Raw() }) //guard:report-unlisted
	if report.Unfilled, err = ledger.Unfilled(ctx, q.Types); err != nil {
		return report, err
	}
	for _, l := range report.Privacy {
		if text := l.Other(); text != "" {
			report.Warnings = append(report.Warnings, text)
		}
	}
	receipts, err := checkpoint.Receipts(ctx, st, q.Network)
	if err != nil {
		return report, err
	}
	report.Forgotten = ForgottenOf(receipts)
	if text := report.Forgotten.Open(); text != "" {
		report.Warnings = append(report.Warnings, text)
	}
	for _, e := range troubled {
		if e.State == checkpoint.Failed && e.Ignored == "" {
			report.Failures = append(report.Failures, describe(e))
		}
		if e.Open() {
			report.Issues = append(report.Issues, Issues(e)...)
		}
	}
	if q.lives, err = ledger.Lifetimes(ctx); err != nil {
		return report, err
	}
	missing := map[dayKey]int64{}
	if q.Source != nil && len(q.Types) > 0 {
		if missing, err = report.list(ctx, st, q, troubled); err != nil {
			report.Warnings = append(report.Warnings, fmt.Sprintf("could not list the source: %v", err))
		}
	}
	report.Days = dayLines(days, missing, report.Listed)
	if report.Listed {
		report.Warnings = append(report.Warnings, expiryWarnings(report.Days, report.awaited, report.keep, q.Now)...)
	}
	return report, nil
}

// list counts, by day, the files that the source lists and the ledger has not
// begun, and notes which of the troubled ones the source does not list.
func (r *Report) list(ctx context.Context, st *store.Store, q Question, troubled []checkpoint.Entry) (map[dayKey]int64, error) {
	src, err := q.Source()
	if err != nil {
		return nil, err
	}
	standing, err := checkpoint.Open(st, q.Network).Standing(ctx, checkpoint.Filter{Types: q.Types, Periods: q.Periods})
	if err != nil {
		return nil, err
	}
	unlisted := make(map[fileID]bool) // of the troubled ones, those that did not come up yet
	for _, e := range troubled {
		unlisted[idOf(e.File)] = true
	}
	over, err := settledDays(ctx, st, q)
	if err != nil {
		return nil, err
	}
	empty, missing := true, map[dayKey]int64{}
	r.awaited = map[dayKey]int64{}
	err = src.Walk(ctx, q.Types, q.Periods, func(f rawlog.File) error {
		empty = false
		delete(unlisted, idOf(f))
		if q.lives.Over(f.Type, f.Hour, q.Now) { //guard:expired-not-missing
			return nil
		}
		if !standing.Settled(f) {
			r.awaited[dayKey{f.Type, f.Hour.UTC().Format(rawlog.DayLayout)}]++
		}
		if !standing.Begun(f) {
			missing[dayKey{f.Type, f.Hour.UTC().Format(rawlog.DayLayout)}]++
			if slices.ContainsFunc(over[f.Type], func(p rawlog.Period) bool { return p.Contains(f.Hour) }) { //guard:late-told
				r.Late = append(r.Late, File{string(f.Type), f.Name, "no run lists its day any more: ingest " + f.Type.Loader() + " " + f.Hour.UTC().Format(rawlog.DayLayout)})
			}
		}
		return nil
	})
	var part *dirs.Incomplete
	if errors.As(err, &part) {
		q.Log.Warn("the listing is not complete", "source", src.Name(), "err", part)
		for _, f := range part.Files { // it is there, whatever is wrong with it
			delete(unlisted, idOf(f.File)) //guard:refused-not-lost
		}
	} else if err != nil {
		return nil, err
	}
	r.Listed, r.Lost = true, lost(q, troubled, unlisted)
	if empty && part == nil {
		first, unknown := dirs.First(ctx, src)
		if r.Barren = unknown == nil && first == nil; r.Barren {
			r.Warnings = append(r.Warnings, "the source lists no raw log at all: is its address right?")
		}
	}
	if r.keep, err = src.Retention(ctx); err != nil {
		r.Warnings = append(r.Warnings, fmt.Sprintf("the API does not say how long it keeps files: %v", err))
	}
	return missing, nil
}

// settledDays are the days of each type that no run lists any more, as all of them was
// there when one looked.
func settledDays(ctx context.Context, st *store.Store, q Question) (map[rawlog.Type][]rawlog.Period, error) {
	days := make(map[rawlog.Type][]rawlog.Period)
	listings := checkpoint.NewListings(st, q.Network, rawlog.Share{})
	for _, t := range q.Types {
		var err error
		if days[t], err = listings.Of(ctx, t); err != nil {
			return nil, err
		}
	}
	return days, nil
}

type dayKey struct {
	typ rawlog.Type
	day string
}

type fileID struct {
	typ  rawlog.Type
	name string
}

func idOf(f rawlog.File) fileID { return fileID{f.Type, f.Name} }

func describe(e checkpoint.Entry) File { return File{string(e.File.Type), e.File.Name, e.Error} }

// lost are the files that are not loaded and that the source does not list.
func lost(q Question, troubled []checkpoint.Entry, unlisted map[fileID]bool) []File {
	out := []File{}
	for _, e := range troubled {
		if (e.State == checkpoint.Planned || e.State == checkpoint.Failed) && e.Ignored == "" && unlisted[idOf(e.File)] && e.File.Type.Raw() && !q.lives.Over(e.File.Type, e.File.Hour, q.Now) {
			out = append(out, describe(e))
		}
	}
	return out
}

// dayLines joins the ledger's days with the missing ones, by type and day.
func dayLines(days []checkpoint.DayStatus, missing map[dayKey]int64, listed bool) []Day {
	lines := map[dayKey]*Day{}
	line := func(k dayKey) *Day {
		if lines[k] == nil {
			lines[k] = &Day{Type: string(k.typ), Day: k.day}
			if listed && k.typ.Raw() {
				lines[k].Missing = new(int64)
			}
		}
		return lines[k]
	}
	for _, d := range days {
		l := line(dayKey{d.Type, d.Day.UTC().Format(rawlog.DayLayout)})
		l.Loaded, l.Loading, l.Failed, l.Expired = int64(d.Loaded), int64(d.Loading), int64(d.Failed), int64(d.Expired)
		l.Rows, l.Rejected, l.Rescued, l.Inexact = int64(d.Rows), int64(d.Rejected), int64(d.Rescued), int64(d.Inexact)
		l.Bytes, l.DoubleHours = int64(d.Bytes), int64(d.DoubleHours)
	}
	if listed {
		for k, n := range missing {
			*line(k).Missing = n
		}
	}
	out := make([]Day, 0, len(lines))
	for _, l := range lines {
		out = append(out, *l)
	}
	slices.SortFunc(out, func(a, b Day) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Day, b.Day))
	})
	return out
}

// expiryNotice is how many days ahead of its end a day that is not loaded is
// warned of: a week holds a weekend in which nobody looks.
const expiryNotice = 7

// expiryWarnings says which days with files that are still to be loaded the network is
// about to delete. An ignored file is not waited for.
func expiryWarnings(days []Day, awaited map[dayKey]int64, keep rawlog.Kept, now time.Time) []string {
	var out []string
	for _, d := range days {
		open := awaited[dayKey{rawlog.Type(d.Type), d.Day}]
		day, err := time.Parse(rawlog.DayLayout, d.Day)
		left, known := keep.Left(rawlog.Type(d.Type), day, now)
		switch {
		case open == 0 || !known || err != nil:
		case left <= 0:
			out = append(out, fmt.Sprintf("%s of %s may be deleted by the network any time: %d files not loaded", d.Type, d.Day, open))
		case left <= expiryNotice:
			out = append(out, fmt.Sprintf("%s of %s expire in %d days: %d files not loaded", d.Type, d.Day, left, open))
		}
	}
	return out
}
