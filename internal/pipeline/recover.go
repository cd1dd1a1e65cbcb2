package pipeline

import (
	"context"
	"fmt"
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
	left, err := r.unsettled(ctx)
	if err != nil {
		return err
	}
	if len(dead) > 0 || len(left.loading)+len(left.midway) > 0 { // else there is nothing to conclude
		if err = r.takeBack(ctx, dead, left.loading); err != nil {
			return err
		}
	}
	return r.obey(ctx)
}

// takeBack is what recover does about dead runs, and the files that they left loading.
func (r *run) takeBack(ctx context.Context, dead []string, loading []*checkpoint.Entry) error {
	// Whoever left these files is over only if nobody took this lease before they were read.
	if err := r.steady(ctx, r.lease.Confirm); err != nil {
		return err
	}
	files := make(map[string]int)
	for _, e := range loading {
		files[e.Run]++
	}
	for id, n := range files {
		r.Log.Warn("an earlier run died while loading; removing what it left", "dead", id, "files", n)
		if !slices.Contains(dead, id) {
			dead = append(dead, id)
		}
	}
	for _, id := range dead {
		if err := r.inserts.End(ctx, id); err != nil {
			return err
		}
	}
	if err := r.inserts.Sweep(ctx, r.everywhere(), dead, r.vouched); err != nil { //guard:orphans-swept
		return err
	}
	// What a dead run still had on its way is known only now.
	left, err := r.unsettled(ctx)
	if err != nil {
		return err
	}
	if len(left.midway) > 0 {
		if err = r.settleForgetting(ctx, left.midway); err != nil { //guard:forget-settled
			return err
		}
		if left, err = r.unsettled(ctx); err != nil {
			return err
		}
	}
	if err := r.settleLoading(ctx, left.loading); err != nil {
		return err
	}
	return r.steady(ctx, r.lease.Bury)
}

// obey keeps out of the store whoever was forgotten. Whoever is to be from now on waits for the
// lease.
func (r *run) obey(ctx context.Context) error {
	return r.steady(ctx, func(ctx context.Context) error {
		policy, err := checkpoint.Obeying(ctx, r.st, r.Network, r.Privacy)
		if err == nil {
			r.Privacy = policy //guard:forgotten-read
		}
		return err
	})
}

// unsettled are files of which the ledger and the rows may not say the same.
type unsettled struct {
	// loading are those that a run left loading, and those whose rows it was about to drop
	// and that are to be kept after all.
	loading []*checkpoint.Entry
	midway  []*checkpoint.Entry // that `ingest forget` left in its middle
}

// unsettled finds those of this share.
func (r *run) unsettled(ctx context.Context) (left unsettled, err error) {
	entries, err := r.entries(ctx, checkpoint.Filter{Types: r.Types, Unsettled: true})
	for i := range entries {
		e := &entries[i]
		if !r.Share.Has(e.File.Name) {
			continue
		}
		if e.Forgetting > 0 {
			left.midway = append(left.midway, e)
		}
		going := e.State == checkpoint.Expired && hasRows(e)
		if e.State == checkpoint.Loading || going && !r.ahead.over(e.File) { //guard:kept-after-all
			left.loading = append(left.loading, e)
		}
	}
	return left, err
}

// settleLoading takes out the rows of loading files that the ledger does not
// vouch for, counts those that it does, and writes what is so.
func (r *run) settleLoading(ctx context.Context, left []*checkpoint.Entry) error {
	byType := make(map[rawlog.Type][]*checkpoint.Entry)
	for _, e := range left {
		byType[e.File.Type] = append(byType[e.File.Type], e)
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
		if kept[i], err = r.inserts.Retain(ctx, scope, held, vouched); err != nil {
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
		e.Error = fmt.Sprintf("a run died while replacing this file: %d of its %d rows are still there; load it again", rows, e.Rows)
		if rows == 0 && rejected == 0 {
			emptied(e)
			break
		}
		e.Rows, e.Rejected, e.Contents = rows, rejected, "" //guard:remains-carry-nothing
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

// vouched is what the ledger says of the files of this share, for insert.Sweep. One that
// it does not know at all is one whose ledger was lost: a run plans each file before it
// sends a row of it.
func (r *run) vouched(ctx context.Context, typ rawlog.Type, files []string) (map[string][]uint64, error) {
	vouched := make(map[string][]uint64)
	// A dead run may have loaded more files than one statement can name.
	for chunk := range slices.Chunk(files, lookupChunk) {
		entries, err := r.ledger.Entries(ctx, checkpoint.Filter{Types: []rawlog.Type{typ}, Files: chunk})
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if r.Share.Has(e.File.Name) {
				vouched[e.File.Name] = e.Inserts
			}
		}
	}
	return vouched, nil
}

// everywhere is all that a run may have sent rows to.
func (r *run) everywhere() (all []store.Scope) {
	for _, typ := range r.Types {
		scopes := r.scopes(typ, rawlog.Period{})
		all = append(all, scopes[:]...)
	}
	return all
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
