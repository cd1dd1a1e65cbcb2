package pipeline

import (
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
}

// String says what differs.
func (d Difference) String() string {
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
		stored, err := countStored(ctx, r.st, r.Network, types, []rawlog.Period{span(files)})
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

// VerifyReport is what Verify counted.
type VerifyReport struct {
	Files       int
	Rows        uint64 // by the ledger
	Unsettled   int    // files left loading, or about to be dropped, by a run that is at work or dead; not compared
	Expired     int    // of Files: whose month is over, and which have no rows any more
	Differences []Difference
	RollUps     []store.RollUpDifference // of the tables of Options.Types, whatever the period
}

// Verify compares the ledger of a network with the rows in the store, for
// opts.Types and opts.Periods, in both directions: files with other rows than
// the ledger says, and rows of files that the ledger does not know.
func Verify(ctx context.Context, st *store.Store, opts Options) (VerifyReport, error) {
	opts = opts.withDefaults()
	entries, err := checkpoint.Open(st, opts.Network).Entries(ctx, checkpoint.Filter{Types: opts.Types, Periods: opts.Periods})
	if err != nil {
		return VerifyReport{}, err
	}
	periods := opts.Periods
	if len(periods) == 0 {
		periods = []rawlog.Period{{}}
	}
	stored, err := countStored(ctx, st, opts.Network, opts.Types, periods)
	if err != nil {
		return VerifyReport{}, err
	}
	var report VerifyReport
	for _, e := range entries {
		held := stored[keyOf(e.File)]
		delete(stored, keyOf(e.File))
		expired := e.State == checkpoint.Expired
		if e.State == checkpoint.Loading || e.Forgetting > 0 || expired && hasRows(&e) { //guard:expired-not-lost
			report.Unsettled++
			continue
		}
		if expired {
			report.Expired++
		}
		report.Files++
		report.Rows += e.Rows
		if d := held.compare(e); d != nil {
			report.Differences = append(report.Differences, *d)
		}
	}
	for key, held := range stored {
		unknown := checkpoint.Entry{File: rawlog.File{Type: key.typ, Name: key.name, Size: -1}}
		report.Differences = append(report.Differences, *held.compare(unknown))
	}
	slices.SortFunc(report.Differences, func(a, b Difference) int { return compareFiles(a.File, b.File) })
	for _, typ := range opts.Types {
		found, err := st.DifferentRollUps(ctx, string(typ), opts.Network)
		if err != nil {
			return VerifyReport{}, err
		}
		report.RollUps = append(report.RollUps, found...)
	}
	return report, nil
}

// countStored counts the rows and rejected lines of each file whose hour lies in
// the periods.
func countStored(ctx context.Context, st *store.Store, network string, types []rawlog.Type, periods []rawlog.Period) (map[fileKey]*stored, error) {
	out := make(map[fileKey]*stored)
	for _, typ := range types {
		for _, p := range periods {
			for _, scope := range scopes(network, typ, p) {
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
	}
	return out, nil
}
