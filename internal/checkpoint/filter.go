package checkpoint

import (
	"context"
	"fmt"
	"slices"

	"rawlogs/internal/rawlog"
)

// Filter narrows what Entries returns; its zero value asks for everything.
type Filter struct {
	Types   []rawlog.Type
	Periods []rawlog.Period // by the file's hour
	OrOpen  bool            // with Periods: planned and failed ones of any hour, too
	States  []State
	Files   []string // by exact name
	Run     string   // whose last version this run wrote
	Issues  bool     // that have issues, ignored ones too
	Trouble bool     // that are planned or failed, or have issues
	LeanOn  string   // that left out an event which this file holds
	Held    bool     // of which the ledger vouches for rows
	Undone  bool     // but those that are expired and have no rows any more
	// Unsettled are those that are loading, that are expired and have rows, and those that
	// `ingest forget` left in its middle.
	Unsettled bool
}

// held is the condition that the ledger vouches for rows of a file.
const held = "(notEmpty(inserts) OR ingest_files.rows > 0 OR ingest_files.rejected > 0)"

// where renders a filter as a condition and its bound values.
func (l *Ledger) where(f Filter) (string, []any) {
	cond, args := "network = ?", []any{l.network}
	if len(f.Types) > 0 {
		cond += " AND log_type IN ?"
		types := make([]string, len(f.Types))
		for i, t := range f.Types {
			types[i] = string(t)
		}
		args = append(args, types)
	}
	if len(f.Periods) > 0 {
		cond += " AND ("
		for i, p := range f.Periods {
			if i > 0 {
				cond += " OR "
			}
			cond += "(hour >= fromUnixTimestamp(?) AND hour < fromUnixTimestamp(?))"
			args = append(args, p.From.Unix(), p.To.Unix())
		}
		if f.OrOpen {
			cond += " OR state IN ('planned', 'failed')"
		}
		cond += ")"
	}
	if len(f.States) > 0 {
		cond += " AND state IN ?"
		states := make([]string, len(f.States))
		for i, s := range f.States {
			states[i] = string(s)
		}
		args = append(args, states)
	}
	if len(f.Files) > 0 {
		cond += " AND file IN ?"
		args = append(args, f.Files)
	}
	if f.LeanOn != "" {
		cond += " AND has(leans_on, ?)"
		args = append(args, f.LeanOn)
	}
	for _, c := range []struct {
		asked bool
		cond  string
	}{
		{f.Issues, "notEmpty(issues)"},
		{f.Trouble, "(state IN ('planned', 'failed') OR notEmpty(issues))"},
		{f.Held, held},
		{f.Undone, "(state != 'expired' OR " + held + ")"},
		{f.Unsettled, "(state = 'loading' OR state = 'expired' AND " + held + " OR forgetting > 0)"},
	} {
		if c.asked {
			cond += " AND " + c.cond
		}
	}
	if f.Run != "" {
		cond += " AND run = ?"
		args = append(args, f.Run)
	}
	return cond, args
}

// # Large ledgers
//
// With FINAL a statement reads all of its columns of every file before a condition holds, but for
// one of the sorting key. An entry has thirty columns, and five of them decide; so of a large
// ledger the files are picked by those, and then read by their names. On a small one that takes
// longer than to read them all.

// large is how many entries a ledger has at least for its entries to be picked.
const large = 20_000

// mayPass reports whether entries may pass a filter that mostly passes none, and takes note of how
// many there are at all.
func (l *Ledger) mayPass(ctx context.Context, f Filter) (bool, error) {
	if !f.Issues && !f.Trouble && !f.Unsettled && !f.Undone {
		return true, nil
	}
	where, args := l.where(f)
	of, more := l.where(Filter{Types: f.Types})
	var passed, all uint64
	err := l.st.Conn().QueryRow(ctx, "SELECT countIf("+where+"), count() FROM "+l.st.Holding("ingest_files")+" FINAL WHERE "+of, append(args, more...)...).Scan(&passed, &all)
	if err != nil {
		return false, fmt.Errorf("reading the ledger of files: %w", err)
	}
	l.entries.Store(all)
	return passed > 0, nil
}

// picked is where for a statement that reads many columns.
func (l *Ledger) picked(f Filter) (string, []any) {
	cond, args := l.where(f)
	if len(f.Files) > 0 || l.entries.Load() < large {
		return cond, args
	}
	return cond + " AND (log_type, file) IN (SELECT log_type, file FROM " + l.st.Holding("ingest_files") + " FINAL WHERE " + cond + ")", slices.Concat(args, args)
}
