package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
)

// MismatchError means that the store does not hold what the ledger says.
type MismatchError struct{ Differences []Difference }

// Error names the first difference and what to do.
func (e *MismatchError) Error() string {
	d := e.Differences[0]
	advice := "see ingest verify, and load them again with ingest reload"
	if slices.ContainsFunc(e.Differences, func(d Difference) bool { return d.Stored == 0 && d.Ledger > 0 }) { //guard:no-reload-of-hidden
		// A reload would double rows that are only hidden.
		advice = "a table's TTL, a row policy or a DELETE by hand takes or hides rows: find out by ingest check before anything is loaded again"
	}
	return fmt.Sprintf("row counts of %d files differ from the ledger, the first %s %s: %s; %s", len(e.Differences), d.File.Type, d.File.Name, d, advice)
}

// Difference is a file whose rows in the store are not those of the ledger.
type Difference struct {
	File           rawlog.File
	Ledger         uint64 // rows
	Stored         uint64
	LedgerRejected uint64 // lines in rejected_rows
	StoredRejected uint64
	Orphans        uint64 // of Stored: rows of INSERTs that the ledger does not list
	Uncarried      bool   // a copy of a text that no file has rows of; the next run of its day loads it
}

// String says what differs.
func (d Difference) String() string {
	if d.Uncarried {
		return "a copy of a file whose rows are gone, or of another text now"
	}
	text := fmt.Sprintf("ledger %d, store %d", d.Ledger, d.Stored)
	if d.LedgerRejected != d.StoredRejected {
		text += fmt.Sprintf(", rejected lines %d and %d", d.LedgerRejected, d.StoredRejected)
	}
	if d.Orphans > 0 {
		text += fmt.Sprintf(", %d of them by inserts that the ledger does not list", d.Orphans)
	}
	return text
}

// stored is what a file has in the store.
type stored struct {
	rows     map[uint64]uint64 // by INSERT
	rejected map[uint64]uint64
}

// compare returns nil where the store holds what the entry says.
func (s *stored) compare(e checkpoint.Entry) *Difference {
	d := Difference{File: e.File, Ledger: e.Rows, LedgerRejected: e.Rejected}
	if s != nil {
		for _, n := range s.rejected {
			d.StoredRejected += n
		}
		for id, n := range s.rows {
			d.Stored += n
			if !slices.Contains(e.Inserts, id) {
				d.Orphans += n
			}
		}
	}
	if d.Stored == d.Ledger && d.StoredRejected == d.LedgerRejected && d.Orphans == 0 {
		return nil
	}
	return &d
}

// with adds to it what was counted of the same file elsewhere; each of the two may be nil.
func (s *stored) with(more *stored) *stored {
	if s == nil || more == nil {
		return cmp.Or(s, more)
	}
	for id, n := range more.rows {
		s.rows[id] += n
	}
	for id, n := range more.rejected {
		s.rejected[id] += n
	}
	return s
}

// finalCount counts the rows of the files that this run loaded and compares
// them with the ledger, read back.
func (r *run) finalCount(ctx context.Context) error {
	r.Progress.enter("counting")
	return r.steady(ctx, func(ctx context.Context) error {
		entries, err := r.ledger.Entries(ctx, checkpoint.Filter{Types: r.Types, Run: r.id, Periods: r.stretch(), States: []checkpoint.State{checkpoint.Loaded}})
		if err != nil || len(entries) == 0 {
			return err
		}
		files := make([]rawlog.File, len(entries))
		for i, e := range entries {
			files[i] = e.File
		}
		r.Log.Debug("counting", "files", len(files))
		types := slices.DeleteFunc(slices.Clone(r.Types), func(t rawlog.Type) bool {
			return !slices.ContainsFunc(files, func(f rawlog.File) bool { return f.Type == t })
		})
		stored, err := countStored(ctx, r.st, r.Network, types, span(files))
		if err != nil {
			return err
		}
		var diffs []Difference
		for _, e := range entries {
			if d := stored[keyOf(e.File)].compare(e); d != nil { //guard:final-count
				diffs = append(diffs, *d)
			}
		}
		if len(diffs) > 0 {
			if err := r.mismatched(ctx, entries, diffs); err != nil {
				return err
			}
			r.sum.add(func(s *Summary) { s.Mismatches = diffs })
			return &MismatchError{diffs}
		}
		return nil
	})
}

// countStored counts the rows and rejected lines of each file whose hour lies in
// the period.
func countStored(ctx context.Context, st *store.Store, network string, types []rawlog.Type, period rawlog.Period) (map[fileKey]*stored, error) {
	out := make(map[fileKey]*stored)
	for _, typ := range types {
		for _, scope := range scopes(network, typ, period) {
			counts, err := st.CountRows(ctx, scope)
			if err != nil {
				return nil, err
			}
			for rows, n := range counts {
				key := fileKey{typ, rows.File}
				if out[key] == nil {
					out[key] = &stored{rows: make(map[uint64]uint64), rejected: make(map[uint64]uint64)}
				}
				if scope.Rejected {
					out[key].rejected[rows.Insert] = n
				} else {
					out[key].rows[rows.Insert] = n
				}
			}
		}
	}
	return out, nil
}
