package insert

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
)

// withdraw takes back INSERTs of this run, acknowledged or not.
func (s *Sender) withdraw(ctx context.Context, scope store.Scope, inserts []uint64) error {
	return s.patience.Steady(ctx, func(ctx context.Context) error {
		for _, id := range inserts {
			if err := s.st.KillQueries(ctx, QueryID(s.run, id)); err != nil {
				return err
			}
		}
		return s.st.DeleteInserts(ctx, scope, inserts)
	})
}

// Displace deletes what earlier versions of the files left in the scopes, and nothing of
// this run's. It asks for the lease as part of each deletion: the ledger vouches for
// these rows until their replacement is loaded.
func (s *Sender) Displace(ctx context.Context, scopes []store.Scope, files ...string) error {
	own, _ := IDs(s.run)
	return s.patience.Steady(store.InMidInsert(ctx), func(ctx context.Context) error {
		if err := s.lease.Confirm(ctx); err != nil {
			return err
		}
		for _, scope := range scopes {
			held, err := s.st.CountRows(ctx, scope, files...)
			if err != nil {
				return err
			}
			// Rejected lines of the new version may be there already.
			maps.DeleteFunc(held, func(rows store.Rows, _ uint64) bool { return own.Holds(rows.Insert) })
			if err := s.st.DeleteRows(ctx, scope, slices.Collect(maps.Keys(held)), s.lease.Fence()); err != nil {
				return err
			}
		}
		return nil
	})
}

// Calm waits until no mutation is at work on the tables of the scopes, as long as they get
// on: a deletion would wait behind it, and an INSERT in the middle of which it is begun
// cannot be silent for long.
func (s *Sender) Calm(ctx context.Context, scopes []store.Scope) error {
	_, err := s.ask(ctx, scopes, func(ctx context.Context, table string) (bool, error) { return false, s.st.AwaitMutations(ctx, table) })
	return err
}

// Busy reports whether a mutation is at work on the tables of the scopes.
func (s *Sender) Busy(ctx context.Context, scopes []store.Scope) (bool, error) {
	return s.ask(ctx, scopes, s.st.Mutating)
}

// ask asks about the table of one scope after the other, until one is as asked.
func (s *Sender) ask(ctx context.Context, scopes []store.Scope, of func(ctx context.Context, table string) (bool, error)) (is bool, err error) {
	err = s.patience.Steady(ctx, func(ctx context.Context) error {
		for _, scope := range scopes {
			if is, err = of(ctx, scope.Table()); is || err != nil {
				return err
			}
		}
		return nil
	})
	return is, err
}

// End ends what a run that is over still has running on the server, where its INSERT
// could land and its deletion go on after it, and drops the copies of tables that it made.
func (s *Sender) End(ctx context.Context, run string) error {
	return s.patience.Steady(ctx, func(ctx context.Context) error {
		if err := s.st.KillQueries(ctx, store.QueryPrefix(run)); err != nil {
			return err
		}
		if err := s.st.EndDeletions(ctx, run); err != nil {
			return err
		}
		return s.st.DropCopies(ctx, run) //guard:copies-dropped
	})
}

// Retain deletes of the rows held in a scope those that the ledger does not vouch for,
// and returns how many of each file it vouches for. vouched are its ids, by file. It asks
// for the lease as part of each deletion: what nobody vouched for when the ledger was
// read may be another run's by now, and loaded.
func (s *Sender) Retain(ctx context.Context, scope store.Scope, held map[store.Rows]uint64, vouched map[string][]uint64) (map[string]uint64, error) {
	var orphans []store.Rows
	kept := make(map[string]uint64)
	for rows, n := range held {
		if slices.Contains(vouched[rows.File], rows.Insert) {
			kept[rows.File] += n
		} else {
			orphans = append(orphans, rows)
		}
	}
	//guard:recovery-withdraws
	//guard:recovery-fenced
	if err := s.st.DeleteRows(ctx, scope, orphans, s.lease.Fence()); err != nil {
		return nil, err
	}
	return kept, nil
}

// Vouched returns the ids that the ledger vouches for, by file. Rows of a file that is
// not in the answer are left alone.
type Vouched func(ctx context.Context, typ rawlog.Type, files []string) (map[string][]uint64, error)

// Sweep deletes the rows of runs that are over which the ledger does not vouch
// for: the INSERT of a run that slept through its end can land after recovery
// looked, and its file may be loaded by then. A run's INSERTs are known by their ids. It
// asks for the lease as Retain does: a run may only seem to be over to one that slept.
func (s *Sender) Sweep(ctx context.Context, scopes []store.Scope, runs []string, vouched Vouched) error {
	return s.sweepAll(ctx, scopes, runs, vouched, s.lease.Fence()) //guard:sweep-fenced
}

func (s *Sender) sweepAll(ctx context.Context, scopes []store.Scope, runs []string, vouched Vouched, fence store.Fence) error {
	var ranges []store.InsertRange
	for _, run := range runs {
		if ids, ok := IDs(run); ok {
			ranges = append(ranges, ids)
		}
	}
	if len(ranges) == 0 {
		return nil
	}
	for _, scope := range scopes {
		err := s.patience.Steady(ctx, func(ctx context.Context) error { return s.sweep(ctx, scope, ranges, vouched, fence) })
		if err != nil {
			return fmt.Errorf("taking back what dead runs left in %s: %w", scope.Table(), err)
		}
	}
	return nil
}

func (s *Sender) sweep(ctx context.Context, scope store.Scope, ranges []store.InsertRange, vouched Vouched, fence store.Fence) error {
	held, err := s.st.CountInserts(ctx, scope, ranges)
	if err != nil || len(held) == 0 {
		return err
	}
	files := make(map[string]bool)
	for rows := range held {
		files[rows.File] = true
	}
	known, err := vouched(ctx, scope.Type, slices.Sorted(maps.Keys(files)))
	if err != nil {
		return err
	}
	var orphans []store.Rows
	for rows := range held {
		if inserts, ok := known[rows.File]; ok && !slices.Contains(inserts, rows.Insert) {
			orphans = append(orphans, rows)
		}
	}
	return s.st.DeleteRows(ctx, scope, orphans, fence)
}

// Disown takes back, after the lease was lost, what this run sent and did not
// get into the ledger. Another run may have loaded the same files since, but under ids
// of its own: these deletions need no lease.
func (s *Sender) Disown(ctx context.Context, scopes []store.Scope, vouched Vouched) error {
	if err := s.st.KillQueries(ctx, store.QueryPrefix(s.run)); err != nil {
		return err
	}
	return s.sweepAll(ctx, scopes, []string{s.run}, vouched, store.Fence{Run: s.run})
}
