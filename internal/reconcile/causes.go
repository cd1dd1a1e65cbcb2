package reconcile

import (
	"slices"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/rawlog"
)

// Kind names a reason for a difference; the names are a promise to scripts.
type Kind string

// The reasons, in the order in which they are told.
const (
	NotDue       Kind = "not due"         // the hour's file is not published yet
	Expired      Kind = "expired"         // the month is over, and its rows are dropped
	Missing      Kind = "file missing"    // the ledger knows no file for the hour
	FailedFile   Kind = "file failed"     // loading it failed
	Unfinished   Kind = "file not loaded" // planned or loading
	Shifted      Kind = "zone shifted"    // the rows are there, hours off
	Gone         Kind = "rows gone"       // fewer rows are stored than were loaded
	Unknown      Kind = "unknown rows"    // rows that the ledger does not speak of
	Duplicate    Kind = "duplicate file"  // two files for one hour
	RejectedRows Kind = "rejected rows"   // lines that were no rows
	Forgotten    Kind = "forgotten rows"  // of people who were forgotten
	Denied       Kind = "denied clicks"   // turned away by access control: logged, not counted
	LeftOut      Kind = "left out"        // not_counted takes them from the rows, and the network counts them
	Unreadable   Kind = "time unreadable" // rows without a datetime
	Late         Kind = "late adjustments"
	MovedHour    Kind = "moved between hours"
	MovedOffer   Kind = "moved between offers"
	// ClickAdjustment: people changed the report's clicks of an offer and affiliate.
	ClickAdjustment Kind = "click adjustment"
	// ServerRejected: the network's servers remarked on as many events.
	ServerRejected Kind = "server-side rejections"
	NotInLogs      Kind = "not in the raw logs" // the network counts events that its complete files do not have
	NotInReport    Kind = "not in the report"   // the files have rows that the network does not count
)

func order() []Kind {
	return []Kind{NotDue, Expired, Missing, FailedFile, Unfinished, Shifted, Gone, Unknown, Duplicate, RejectedRows, Forgotten, Denied, LeftOut, Unreadable,
		Late, MovedHour, MovedOffer, ClickAdjustment, ServerRejected, NotInLogs, NotInReport}
}

// Cause is a probable reason with what shows it.
type Cause struct {
	Kind Kind `json:"kind"`
	// Rows is the part of the difference that it explains, with its sign.
	Rows int64 `json:"rows"`
	// Exact: the evidence counts just so many rows.
	Exact bool     `json:"exact"`
	Hours []string `json:"hours,omitempty"` // of the network's zone: 2016-09-09 05:00
	Files []string `json:"files,omitempty"`
	Error string   `json:"error,omitempty"` // of the first file that failed
	Text  string   `json:"text"`

	shift   int
	counted [4]int64 // evidence of Late: pending, rejected, adjusted; of others: how many
	utc     []time.Time
	told    bool // Late: conversion_updates says so
	words   []string
	pairs   []handPair
}

// explain finds the causes of one hour's difference; next is the hour after.
func (f *facts) explain(h, before, next *hourFacts) []Cause {
	left := h.difference()
	if left == 0 {
		return nil
	}
	name := h.day + " " + clock(h.hour)
	var out []Cause
	add := func(c Cause) {
		c.Hours = []string{name}
		left -= c.Rows
		out = append(out, c)
	}
	if h.open {
		add(Cause{Kind: NotDue, Rows: left})
		return out
	}
	if s, noted := f.shifts[h], f.ledgerShift(h); s != 0 || noted != 0 {
		add(Cause{Kind: Shifted, Rows: left, shift: noted, counted: [4]int64{int64(s)}, Files: names(h.entries)})
		return out
	}
	f.decided(h, add)
	f.known(h, &left, add)
	f.later(h, &left, add)
	if left < 0 {
		f.absent(h, &left, add)
	}
	if left > 0 {
		f.surplus(h, &left, add)
	}
	if left == 0 {
		return out
	}
	hand, byHand := f.handCause(h, left)
	switch {
	case byHand:
		add(hand)
	case h.unreadable > 0 && abs(left) <= h.unreadable:
		add(Cause{Kind: Unreadable, Rows: left, counted: [4]int64{h.unreadable}, Files: names(h.entries)})
	case before != nil && before.difference() == -left || next != nil && next.difference() == -left:
		add(Cause{Kind: MovedHour, Rows: left, Files: names(h.entries)})
	case f.typ == rawlog.Conversions:
		add(Cause{Kind: Late, Rows: left, counted: [4]int64{h.pending, h.rejected, h.adjusted}, Files: names(h.entries)})
	case left < 0:
		add(Cause{Kind: NotInLogs, Rows: left, Files: names(h.entries)})
	default:
		add(Cause{Kind: NotInReport, Rows: left, Files: names(h.entries), counted: [4]int64{0, f.open(h)}})
	}
	return out
}

// known takes off what is counted exactly: rows that were loaded and are not
// there, and lines that were no rows.
func (f *facts) known(h *hourFacts, left *int64, add func(Cause)) {
	for _, e := range h.entries {
		stored := f.stored[e.File.Name]
		if e.State == checkpoint.Loaded && e.Rows > stored && *left < 0 {
			n := int64(e.Rows - stored)
			add(Cause{Kind: Gone, Rows: max(*left, -n), Exact: n <= -*left, Files: []string{e.File.Name}, counted: [4]int64{n}})
		}
	}
	for _, e := range h.entries {
		if n := int64(e.Rejected); e.State == checkpoint.Loaded && n > 0 && *left < 0 {
			add(Cause{Kind: RejectedRows, Rows: max(*left, -n), Exact: n <= -*left, Files: []string{e.File.Name}, counted: [4]int64{n}})
		}
		if n := int64(e.Forgotten); e.State == checkpoint.Loaded && n > 0 && *left < 0 {
			add(Cause{Kind: Forgotten, Rows: max(*left, -n), Exact: n <= -*left, Files: []string{e.File.Name}, counted: [4]int64{n}})
		}
	}
}

// later takes off the changes of conversions that the store knows of.
func (f *facts) later(h *hourFacts, left *int64, add func(Cause)) {
	if h.changed == 0 || (h.changed > 0) == (*left > 0) {
		return
	}
	n := -h.changed
	if abs(n) > abs(*left) {
		n = *left
	}
	add(Cause{Kind: Late, Rows: n, Exact: n == -h.changed, Files: names(h.entries), told: true, counted: [4]int64{h.pending, h.rejected, h.adjusted}})
}

// absent explains rows that are missing by files that are not loaded.
func (f *facts) absent(h *hourFacts, left *int64, add func(Cause)) {
	var causes []Cause
	for _, utc := range h.utc {
		any := false
		for _, e := range h.entries {
			if !f.covers(e, utc) {
				continue
			}
			any = any || e.State != checkpoint.Failed
			switch e.State {
			case checkpoint.Failed:
				causes = append(causes, Cause{Kind: FailedFile, Files: []string{e.File.Name}, Error: e.Error, utc: []time.Time{utc}})
				any = true
			case checkpoint.Planned, checkpoint.Loading:
				causes = append(causes, Cause{Kind: Unfinished, Files: []string{e.File.Name}, Error: string(e.State), utc: []time.Time{utc}})
			case checkpoint.Loaded, checkpoint.Expired:
			}
		}
		if !any {
			causes = append(causes, Cause{Kind: Missing, utc: []time.Time{utc}})
		}
	}
	for i, c := range causes {
		// Which of two absent files lacks how many is not to be known.
		if i == 0 {
			c.Rows = *left
			c.Exact = len(causes) == 1 && h.ours == 0
		}
		add(c)
	}
}

// surplus explains rows that are too many.
func (f *facts) surplus(h *hourFacts, left *int64, add func(Cause)) {
	for _, name := range sortedKeys(h.byFile) {
		n := h.byFile[name]
		e, known := f.entries[name]
		if *left > 0 && n > 0 && (!known || e.State != checkpoint.Loaded) {
			add(Cause{Kind: Unknown, Rows: min(*left, n), Exact: n <= *left, Files: []string{name}, counted: [4]int64{n}})
		}
	}
	for _, utc := range h.utc {
		var files, parts []string
		for _, e := range h.entries {
			if f.covers(e, utc) && e.State == checkpoint.Loaded && h.byFile[e.File.Name] > 0 {
				part, _ := f.names.Known(f.typ, e.File.Name)
				files, parts = append(files, e.File.Name), append(parts, part)
			}
		}
		if len(files) < 2 || *left <= 0 || rawlog.AreParts(parts) {
			continue
		}
		slices.SortFunc(files, func(a, b string) int { return int(h.byFile[a] - h.byFile[b]) })
		c := Cause{Kind: Duplicate, Files: files, Rows: min(*left, h.byFile[files[0]])}
		for _, name := range files {
			if h.byFile[name] == *left {
				c.Rows, c.Exact = *left, true
			}
		}
		add(c)
	}
}

// decided takes off the rows of words of which it is known how the network counts them.
func (f *facts) decided(h *hourFacts, add func(Cause)) {
	for w, n := range h.words {
		switch {
		case n == 0:
		case f.turnedAway[w]:
			add(Cause{Kind: Denied, Rows: n, Exact: true, counted: [4]int64{n}, Files: names(h.entries), words: []string{f.words[w]}})
		case f.missed[w]:
			add(Cause{Kind: LeftOut, Rows: -n, Exact: true, counted: [4]int64{n}, Files: names(h.entries), words: []string{f.words[w]}})
		}
	}
}

// open counts the hour's rows of which it is unknown whether the network counts them.
func (f *facts) open(h *hourFacts) int64 {
	n := int64(0)
	for w, rows := range h.words {
		if f.undecided[w] {
			n += rows
		}
	}
	return n
}

// learnedAway are the words that were found not to be counted.
func (f *facts) learnedAway() []string {
	var out []string
	for w, word := range f.words {
		if f.turnedAway[w] {
			out = append(out, word)
		}
	}
	return out
}

// ledgerShift is the shift that the ledger noted of the hour's files; 0 where
// it noted none.
func (f *facts) ledgerShift(h *hourFacts) int {
	for _, e := range h.entries {
		if e.ShiftHours != 0 {
			return int(e.ShiftHours)
		}
	}
	return 0
}

func names(entries []checkpoint.Entry) []string {
	var out []string
	for _, e := range entries {
		out = append(out, e.File.Name)
	}
	return out
}
