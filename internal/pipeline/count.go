package pipeline

import (
	"context"
	"fmt"
	"slices"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
)

// MismatchError tells that the store does not hold what the ledger says.
type MismatchError struct{ Differences []Difference }

// Error names the first difference and what to do.
func (e *MismatchError) Error() string {
	d := e.Differences[0]
	return fmt.Sprintf("%d files do not have the rows that the ledger says, the first %s %s: ledger %d, store %d; "+
		"see ingest verify, and load them again with ingest reload", len(e.Differences), d.File.Type, d.File.Name, d.Ledger, d.Stored)
}

// finalCount counts the rows of the files that this run loaded and compares
// them with the ledger, read back.
func (r *run) finalCount(ctx context.Context) error {
	r.Progress.enter("counting")
	return r.steady(ctx, func(ctx context.Context) error {
		entries, err := r.ledger.Entries(ctx, checkpoint.Filter{Types: r.Types, Run: r.id, States: []checkpoint.State{checkpoint.Loaded}})
		if err != nil || len(entries) == 0 {
			return err
		}
		files := make([]rawlog.File, len(entries))
		for i, e := range entries {
			files[i] = e.File
		}
		stored, err := countStored(ctx, r.st, r.Network, r.Types, []rawlog.Period{span(files)})
		if err != nil {
			return err
		}
		var diffs []Difference
		for _, e := range entries {
			if n := stored[keyOf(e.File)]; n != e.Rows { //guard:final-count
				diffs = append(diffs, Difference{e.File, e.Rows, n})
			}
		}
		if len(diffs) > 0 {
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
	Unsettled   int    // files left loading by a run that is at work or dead; not compared
	Differences []Difference
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
		n := stored[keyOf(e.File)]
		delete(stored, keyOf(e.File))
		if e.State == checkpoint.Loading {
			report.Unsettled++
			continue
		}
		report.Files++
		report.Rows += e.Rows
		if n != e.Rows {
			report.Differences = append(report.Differences, Difference{e.File, e.Rows, n})
		}
	}
	for key, n := range stored {
		file := rawlog.File{Type: key.typ, Name: key.name, Size: -1}
		report.Differences = append(report.Differences, Difference{file, 0, n})
	}
	slices.SortFunc(report.Differences, func(a, b Difference) int { return compareFiles(a.File, b.File) })
	return report, nil
}

// countStored counts the rows of each file whose hour lies in the periods.
func countStored(ctx context.Context, st *store.Store, network string, types []rawlog.Type, periods []rawlog.Period) (map[fileKey]uint64, error) {
	stored := make(map[fileKey]uint64)
	for _, typ := range types {
		for _, p := range periods {
			counts, err := st.CountByFile(ctx, string(typ), network, p)
			if err != nil {
				return nil, err
			}
			for name, n := range counts {
				stored[fileKey{typ, name}] = n
			}
		}
	}
	return stored, nil
}
