package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"rawlogs/schema"
)

// An INSERT goes to one shard, whole, and which one is remembered nowhere: whoever counts,
// ends or deletes asks all of them. So a file that is loaded again may lie elsewhere than
// before, and shards may be added while nothing of the old ones moves.

// Shards are the servers over which rows are spread, in the order of the cluster; a single
// server is its own. They are the store's to close.
func (s *Store) Shards() []*Server { return s.shards }

// Home is the server that has ledger, leases and names.
func (s *Store) Home() *Server { return s.Server }

// each does something on all shards at once; of several errors one is returned.
func (s *Store) each(ctx context.Context, do func(context.Context, *Server) error) error {
	if len(s.shards) == 1 {
		return s.shards[0].named(do(ctx, s.shards[0]))
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, shard := range s.shards {
		group.Go(func() error { return shard.named(do(ctx, shard)) })
	}
	return group.Wait()
}

// gather asks all shards at once, and returns their answers in their order.
func gather[T any](ctx context.Context, s *Store, ask func(context.Context, *Server) (T, error)) ([]T, error) {
	if len(s.shards) == 1 {
		answer, err := ask(ctx, s.shards[0])
		return []T{answer}, err
	}
	answers := make([]T, len(s.shards))
	group, ctx := errgroup.WithContext(ctx)
	for i, shard := range s.shards {
		group.Go(func() (err error) {
			answers[i], err = ask(ctx, shard)
			return shard.named(err)
		})
	}
	return answers, group.Wait()
}

// ShardError is an error of one of several servers.
type ShardError struct {
	Server string
	err    error
}

// Error names the server first.
func (e *ShardError) Error() string { return e.Server + ": " + e.err.Error() }

// Unwrap returns the server's error.
func (e *ShardError) Unwrap() error { return e.err }

// named says whose an error is, unless it says so itself.
func (s *Server) named(err error) error {
	var named *ShardError
	if err == nil || s.target.own == "" || errors.As(err, &named) {
		return err
	}
	return &ShardError{cmp.Or(s.Addr(), s.target.addrs[0]), err}
}

// sum adds up what the shards counted.
func sum[K comparable](counts []map[K]uint64) map[K]uint64 {
	all := counts[0]
	for _, of := range counts[1:] {
		for key, n := range of {
			all[key] += n
		}
	}
	return all
}

// CountRows counts the rows of files by file and INSERT; without files, of all files in
// scope. What has no rows is absent. Of a rejected line that was cut into pieces the first
// counts, so an INSERT that holds only later ones counts 0.
func (s *Store) CountRows(ctx context.Context, c Scope, files ...string) (map[Rows]uint64, error) {
	counts, err := gather(ctx, s, func(ctx context.Context, shard *Server) (map[Rows]uint64, error) {
		return shard.countRows(ctx, c, files...)
	})
	if err != nil {
		return nil, err
	}
	return sum(counts), nil
}

// CountInserts counts the rows whose INSERT lies in one of the ranges, by file and INSERT.
// The minmax index on _insert makes it cheap.
func (s *Store) CountInserts(ctx context.Context, c Scope, ranges []InsertRange) (map[Rows]uint64, error) {
	counts, err := gather(ctx, s, func(ctx context.Context, shard *Server) (map[Rows]uint64, error) {
		return shard.countInserts(ctx, c, ranges)
	})
	if err != nil {
		return nil, err
	}
	return sum(counts), nil
}

// DeleteRows deletes rows and returns when they are gone. It names each by file
// and INSERT, so it cannot hit rows of the same files that came since.
func (s *Store) DeleteRows(ctx context.Context, c Scope, rows []Rows, fence Fence) error {
	return s.each(ctx, func(ctx context.Context, shard *Server) error { return shard.deleteRows(ctx, c, rows, fence) })
}

// DeleteInserts deletes all that INSERTs of the caller's own brought, and
// returns when it is gone. It needs no fence: no other run uses their ids.
func (s *Store) DeleteInserts(ctx context.Context, c Scope, inserts []uint64) error {
	return s.each(ctx, func(ctx context.Context, shard *Server) error { return shard.deleteInserts(ctx, c, inserts) })
}

// DropRows deletes all rows of a scope, whoever loaded them, and returns when they are gone
// from the parts that are read. It may be repeated.
func (s *Store) DropRows(ctx context.Context, c Scope, fence Fence) error {
	return s.each(ctx, func(ctx context.Context, shard *Server) error { return shard.dropRows(ctx, c, fence) })
}

// Purge makes deletions of a table physical: rows that were only marked as deleted, by whatever
// deletion, are written no more. What was before is removed by the server after some minutes.
func (s *Store) Purge(ctx context.Context, table string) error {
	return s.each(ctx, func(ctx context.Context, shard *Server) error { return shard.purge(ctx, table) })
}

// Months lists the months, as 202511, in which a scope has rows.
func (s *Store) Months(ctx context.Context, c Scope) ([]uint32, error) {
	found, err := gather(ctx, s, func(ctx context.Context, shard *Server) ([]uint32, error) { return shard.months(ctx, c) })
	if err != nil {
		return nil, err
	}
	months := slices.Concat(found...)
	slices.Sort(months)
	return slices.Compact(months), nil
}

// onAll does something on all servers at once, but on the replicas of a shard after the one in use.
func (s *Store) onAll(ctx context.Context, do func(context.Context, *Server) error) error {
	return s.each(ctx, func(ctx context.Context, shard *Server) error { return shard.onEach(ctx, do) })
}

// KillQueries ends every query of this user whose id begins with prefix and
// returns when none is left on any shard: until then an INSERT whose client is dead may
// still land.
func (s *Store) KillQueries(ctx context.Context, prefix string) error {
	return s.each(ctx, func(ctx context.Context, shard *Server) error { return shard.KillQueries(ctx, prefix) })
}

// EndDeletions stops fenced deletions of a run that is over, on all shards.
func (s *Store) EndDeletions(ctx context.Context, run string) error {
	return s.each(ctx, func(ctx context.Context, shard *Server) error { return shard.endDeletions(ctx, run) })
}

// CopyTable makes an empty table of the definition of another, on each shard.
func (s *Store) CopyTable(ctx context.Context, name, of string) error {
	return s.each(ctx, func(ctx context.Context, shard *Server) error { return shard.CopyTable(ctx, name, of) })
}

// DropTable drops a table with its rows, where it is there.
func (s *Store) DropTable(ctx context.Context, name string) error {
	return s.each(ctx, func(ctx context.Context, shard *Server) error { return shard.DropTable(ctx, name) })
}

// DropCopies drops the copies of tables that a run left behind which is over.
func (s *Store) DropCopies(ctx context.Context, run string) error {
	return s.onAll(ctx, func(ctx context.Context, server *Server) error { return server.dropCopies(ctx, run) })
}

// AwaitMutations waits until no mutation of the table is unfinished on any shard, for as
// long as they get on; then it is a *StuckMutationError.
func (s *Store) AwaitMutations(ctx context.Context, table string) error {
	return s.each(ctx, func(ctx context.Context, shard *Server) error { return shard.awaitMutations(ctx, table) })
}

// Mutating reports whether a mutation of the table is unfinished, as far as this user may
// see.
func (s *Store) Mutating(ctx context.Context, table string) (bool, error) {
	busy, err := gather(ctx, s, func(ctx context.Context, shard *Server) (bool, error) { return shard.mutating(ctx, table) })
	return slices.Contains(busy, true), err
}

// FindPeople returns where the rows in scope are from that have what is wanted.
func (s *Store) FindPeople(ctx context.Context, c Scope, w Wanted) ([]Place, error) {
	found, err := gather(ctx, s, func(ctx context.Context, shard *Server) ([]Place, error) { return shard.findPeople(ctx, c, w) })
	return slices.Concat(found...), err
}

// DeletePlaces deletes the rows of the places, and returns when they are gone.
func (s *Store) DeletePlaces(ctx context.Context, c Scope, places []Place, fence Fence) error {
	return s.each(ctx, func(ctx context.Context, shard *Server) error { return shard.deletePlaces(ctx, c, places, fence) })
}

// WithholdRejected replaces the text of rejected lines of a type that hold a wanted value by
// its length, and returns how many lines those were. Other lines, and how many there are, stay.
func (s *Store) WithholdRejected(ctx context.Context, c Scope, w Wanted, fence Fence, dry bool) (lines int, err error) {
	found, err := gather(ctx, s, func(ctx context.Context, shard *Server) (int, error) {
		return shard.withholdRejected(ctx, c, w, fence, dry)
	})
	for _, n := range found {
		lines += n
	}
	return lines, err
}

// DifferentRollUps compares each roll-up of a raw table with the rows of a network, by day
// and shard: their number and all sums. What a load does meanwhile is not taken for a
// difference.
func (s *Store) DifferentRollUps(ctx context.Context, table, network string) ([]RollUpDifference, error) {
	found, err := gather(ctx, s, func(ctx context.Context, shard *Server) ([]RollUpDifference, error) {
		return shard.differentRollUps(ctx, table, network)
	})
	return slices.Concat(found...), err
}

// Update changes rows of a table in place, on all shards, and returns when that is done.
// sets and where are SQL.
func (s *Store) Update(ctx context.Context, op Op, table, sets, where string) error {
	return s.each(ctx, func(ctx context.Context, shard *Server) error { return shard.update(ctx, op, table, sets, where) })
}

// AddColumns adds those of the columns that the table lacks: all or none on each shard.
func (s *Store) AddColumns(ctx context.Context, table string, columns ...schema.Column) error {
	err := s.each(ctx, func(ctx context.Context, shard *Server) error { return shard.addColumns(ctx, table, columns...) })
	if err != nil || s.Cluster() == "" {
		return err
	}
	_, err = s.Apply(ctx) // the tables that stand for those of all shards follow
	return err
}

// Columns lists a table's columns in their order; a table that does not exist is an error.
func (s *Store) Columns(ctx context.Context, table string) ([]Column, error) {
	all, err := s.ColumnsOf(ctx, table)
	return all[table], err
}

// ColumnsOf lists several tables' columns, by table. That shards differ in them is an
// error: the same row would be refused by one of them and not by another.
func (s *Store) ColumnsOf(ctx context.Context, tables ...string) (map[string][]Column, error) {
	if len(s.shards) == 0 {
		return s.Server.ColumnsOf(ctx, tables...)
	}
	found, err := gather(ctx, s, func(ctx context.Context, shard *Server) (map[string][]Column, error) {
		return shard.ColumnsOf(ctx, tables...)
	})
	if err != nil {
		return nil, err
	}
	for i, of := range found {
		for _, table := range tables {
			if !slices.Equal(of[table], found[0][table]) { //guard:shards-alike
				return nil, fmt.Errorf("table %s has other columns on %s than on %s: make them alike by ALTER TABLE there",
					table, s.shards[i].Addr(), s.shards[0].Addr())
			}
		}
	}
	return found[0], nil
}

// Refusers lists, by table, by what of the definition that ingest did not make a server
// may refuse rows. columns are the tables'.
func (s *Store) Refusers(ctx context.Context, columns map[string][]Column) (map[string][]Refuser, error) {
	found, err := gather(ctx, s, func(ctx context.Context, shard *Server) (map[string][]Refuser, error) {
		return shard.Refusers(ctx, columns)
	})
	if err != nil {
		return nil, err
	}
	all := found[0]
	for _, of := range found[1:] {
		for table, refusers := range of {
			for _, r := range refusers {
				if !slices.Contains(all[table], r) {
					all[table] = append(all[table], r)
				}
			}
		}
	}
	return all, nil
}

// PutDictionary makes or replaces a dictionary and loads it, on each server: see
// Server.PutDictionary. It returns whether all of them are dictionaries.
func (s *Store) PutDictionary(ctx context.Context, d Dictionary) (bool, error) {
	var views atomic.Bool
	err := s.defining(ctx, func(ctx context.Context, front *Server) error {
		made, err := front.PutDictionary(ctx, d)
		if !made {
			views.Store(true)
		}
		return err
	})
	return !views.Load(), err
}

// ReloadDictionaries makes dictionaries show what their tables hold now; names
// that are views need none of it.
func (s *Store) ReloadDictionaries(ctx context.Context, names []string) error {
	return s.onAll(ctx, func(ctx context.Context, server *Server) error { return server.asked().ReloadDictionaries(ctx, names) })
}

// Comments are the comments of the tables of one engine in the database in which people
// ask, by name.
func (s *Store) Comments(ctx context.Context, engine string) (map[string]string, error) {
	return s.asked().Comments(ctx, engine)
}

// MemoryLimit is how many bytes of memory a statement may take on the shard that has the
// least; 0 if none says.
func (s *Store) MemoryLimit(ctx context.Context) (least uint64) {
	for _, shard := range s.shards {
		if n := shard.MemoryLimit(ctx); n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	return least
}

// Recover brings the store back after one of its servers was lost: see Server.Recover.
func (s *Store) Recover(ctx context.Context) error {
	var errs []error
	for _, server := range s.servers() {
		errs = append(errs, server.Recover(ctx))
	}
	return errors.Join(errs...)
}

// Close ends all connections; the last user of an embedded store waits until
// it has stopped.
func (s *Store) Close() error {
	var handing sync.WaitGroup
	for _, shard := range s.shards {
		handing.Go(shard.handOver)
	}
	handing.Wait()
	var errs []error
	for _, server := range s.servers() {
		errs = append(errs, server.Close())
	}
	return errors.Join(errs...)
}

// servers are all that are open: of a store that was opened for questions, the one that is asked.
func (s *Store) servers() []*Server {
	if len(s.shards) == 0 && s.Server != nil {
		return []*Server{s.Server}
	}
	return s.shards
}
