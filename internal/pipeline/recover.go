package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
)

// recover takes out of the store what dead runs left there and the ledger does
// not vouch for, and gives each file that they left loading the state that is
// true of it. It runs under the lease, so no live run of this share owns any of it.
//
// Rows that the ledger vouches for stay, whatever the dead run wanted to put in
// their place: that may no longer be had.
func (r *run) recover(ctx context.Context) error {
	r.Progress.enter("recovering")
	var dead []string
	err := r.steady(ctx, func(ctx context.Context) (err error) {
		dead, err = r.lease.Dead(ctx)
		return err
	})
	if err != nil {
		return err
	}
	loading := checkpoint.Filter{Types: r.Types, States: []checkpoint.State{checkpoint.Loading}}
	entries, err := r.entries(ctx, loading)
	if err != nil {
		return err
	}
	left := make(map[string]int)
	for _, e := range entries {
		if r.Share.Has(e.File.Name) {
			left[e.Run]++
		}
	}
	for id, files := range left {
		r.Log.Warn("an earlier run ended in mid-load; taking back what it left", "dead", id, "files", files)
		if !slices.Contains(dead, id) {
			dead = append(dead, id)
		}
	}
	for _, id := range dead {
		if err := r.end(ctx, id); err != nil {
			return err
		}
	}
	if err := r.sweep(ctx, dead); err != nil { //guard:orphans-swept
		return err
	}
	// What a dead run still had on its way is known only now.
	if entries, err = r.entries(ctx, loading); err != nil {
		return err
	}
	if err := r.settleLoading(ctx, entries); err != nil {
		return err
	}
	return r.steady(ctx, r.lease.Bury)
}

// end ends what a dead run still has running on the server, where its INSERT
// could land and its deletion go on after it.
func (r *run) end(ctx context.Context, id string) error {
	return r.steady(ctx, func(ctx context.Context) error {
		if err := r.st.KillQueries(ctx, store.QueryPrefix(id)); err != nil {
			return err
		}
		return r.st.EndDeletions(ctx, id)
	})
}

// settleLoading takes out the rows of loading files that the ledger does not
// vouch for, counts those that it does, and writes what is so.
func (r *run) settleLoading(ctx context.Context, entries []checkpoint.Entry) error {
	byType := make(map[rawlog.Type][]*checkpoint.Entry)
	var left []*checkpoint.Entry
	for i := range entries {
		if e := &entries[i]; r.Share.Has(e.File.Name) {
			byType[e.File.Type] = append(byType[e.File.Type], e)
			left = append(left, e)
		}
	}
	for typ, entries := range byType {
		err := r.steady(ctx, func(ctx context.Context) error { return r.settleType(ctx, typ, entries) })
		if err != nil {
			return fmt.Errorf("taking back what a dead run left of %d %s files: %w", len(entries), typ, err)
		}
	}
	for _, e := range left {
		e.Run = r.id
	}
	r.sum.add(func(s *Summary) { s.Recovered += len(left) })
	return r.record(ctx, left)
}

func (r *run) settleType(ctx context.Context, typ rawlog.Type, entries []*checkpoint.Entry) error {
	files := make([]rawlog.File, len(entries))
	vouched := make(map[string][]uint64)
	for i, e := range entries {
		files[i] = e.File
		vouched[e.File.Name] = e.Inserts
	}
	kept := [2]map[string]uint64{}
	for i, scope := range r.scopes(typ, span(files)) {
		held, err := r.st.CountRows(ctx, scope, names(files)...)
		if err != nil {
			return err
		}
		if scope.Rejected {
			adoptRejects(entries, vouched, held)
		}
		var orphans []store.Rows
		kept[i] = make(map[string]uint64)
		for rows, n := range held {
			if slices.Contains(vouched[rows.File], rows.Insert) {
				kept[i][rows.File] += n
			} else {
				orphans = append(orphans, rows)
			}
		}
		if err := r.st.DeleteRows(ctx, scope, orphans, store.Fence{Run: r.id}); err != nil { //guard:recovery-withdraws
			return err
		}
	}
	for _, e := range entries {
		standing(e, kept[0][e.File.Name], kept[1][e.File.Name])
	}
	return nil
}

// standing gives a loading entry the state that is true of it: of the rows that
// the ledger vouches for, so many rows and rejected lines are in the store.
func standing(e *checkpoint.Entry, rows, rejected uint64) {
	switch {
	case !hasRows(e) && e.Error == "":
		e.State = checkpoint.Planned
	case rows == e.Rows && rejected == e.Rejected && e.Error == "": //guard:former-state
		e.State = checkpoint.Loaded
	case rows == e.Rows && rejected == e.Rejected:
		e.State = checkpoint.Failed
	default:
		e.State = checkpoint.Failed
		e.Error = fmt.Sprintf("a run died while it replaced this file: %d of its %d rows are still there; load it again", rows, e.Rows)
		if rows == 0 && rejected == 0 {
			emptied(e)
			break
		}
		e.Rows, e.Rejected = rows, rejected
	}
}

// adoptRejects vouches for rejected lines of loads so old that the ledger names
// only the INSERTs of rows: those whose ids the same run gave out.
func adoptRejects(entries []*checkpoint.Entry, vouched map[string][]uint64, held map[store.Rows]uint64) {
	for _, e := range entries {
		if e.Rejected == 0 {
			continue
		}
		known := false
		var near []uint64
		for rows := range held {
			if rows.File != e.File.Name {
				continue
			}
			known = known || slices.Contains(e.Inserts, rows.Insert)
			if slices.ContainsFunc(e.Inserts, func(id uint64) bool { return id>>32 == rows.Insert>>32 }) {
				near = append(near, rows.Insert)
			}
		}
		if !known {
			vouched[e.File.Name] = append(slices.Clone(e.Inserts), near...)
		}
	}
}

// sweep deletes the rows of runs that are over which the ledger does not vouch
// for: the INSERT of a run that slept through its end can land after recovery
// looked, and its file may be loaded by then. A run's INSERTs are known by their
// ids, and of those only files of this share are looked at.
func (r *run) sweep(ctx context.Context, runs []string) error {
	var ranges []store.InsertRange
	for _, id := range runs {
		if ids, ok := insertsOf(id); ok {
			ranges = append(ranges, ids)
		}
	}
	if len(ranges) == 0 {
		return nil
	}
	for _, typ := range r.Types {
		for _, scope := range r.scopes(typ, rawlog.Period{}) {
			err := r.steady(ctx, func(ctx context.Context) error { return r.sweepScope(ctx, scope, ranges) })
			if err != nil {
				return fmt.Errorf("taking back what dead runs left in %s: %w", scope.Table(), err)
			}
		}
	}
	return nil
}

func (r *run) sweepScope(ctx context.Context, scope store.Scope, ranges []store.InsertRange) error {
	held, err := r.st.CountInserts(ctx, scope, ranges)
	if err != nil || len(held) == 0 {
		return err
	}
	files := make(map[string]bool)
	for rows := range held {
		files[rows.File] = true
	}
	// A file that the ledger does not know at all is one whose ledger was lost: a run
	// plans each before it sends a row of it.
	vouched := make(map[string][]uint64)
	// A dead run may have loaded more files than one statement can name.
	for chunk := range slices.Chunk(slices.Sorted(maps.Keys(files)), lookupChunk) {
		entries, err := r.ledger.Entries(ctx, checkpoint.Filter{Types: []rawlog.Type{scope.Type}, Files: chunk})
		if err != nil {
			return err
		}
		for _, e := range entries {
			vouched[e.File.Name] = e.Inserts
		}
	}
	var orphans []store.Rows
	for rows := range held {
		if inserts, known := vouched[rows.File]; known && !slices.Contains(inserts, rows.Insert) && r.Share.Has(rows.File) {
			orphans = append(orphans, rows)
		}
	}
	return r.st.DeleteRows(ctx, scope, orphans, store.Fence{Run: r.id})
}

// disown takes back, after the lease was lost, what this run sent and did not
// get into the ledger. Another run may have loaded the same files since.
func (r *run) disown(ctx context.Context) error {
	if err := r.st.KillQueries(ctx, store.QueryPrefix(r.id)); err != nil {
		return err
	}
	return r.sweep(ctx, []string{r.id})
}

// scopes are the rows and the rejected lines of a type.
func (r *run) scopes(typ rawlog.Type, hours rawlog.Period) [2]store.Scope {
	return scopes(r.Network, typ, hours)
}

func scopes(network string, typ rawlog.Type, hours rawlog.Period) [2]store.Scope {
	rows := store.Scope{Network: network, Type: typ, Hours: hours}
	rejected := rows
	rejected.Rejected = true
	return [2]store.Scope{rows, rejected}
}
