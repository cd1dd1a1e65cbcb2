package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"golang.org/x/sync/errgroup"
)

// copiesWanted is on how many replicas rows must be before they count as loaded.
func (s *Server) copiesWanted() int { return min(s.target.copies, len(s.replicas.addrs)) }

// defaultCopies is that where the address does not say.
const defaultCopies = 2

// CopiesError means that rows are on too few replicas to count as loaded.
type CopiesError struct {
	Table        string
	Have, Wanted int
	err          error // of the others; nil where they only lack the rows
}

// Error says what to do.
func (e *CopiesError) Error() string {
	text := fmt.Sprintf("rows of %s are on %d replicas, and count as loaded when they are on %d: start the replicas that are away, or allow less (copies=%d in the address)", e.Table, e.Have, e.Wanted, e.Have)
	if e.err != nil {
		text += ": " + e.err.Error()
	}
	return text
}

// Unwrap returns the errors of the others.
func (e *CopiesError) Unwrap() error { return e.err }

// Replicating is a table as one of its replicas knows it.
type Replicating struct {
	Name          string
	ReadOnly      bool
	Total, Active int    // replicas
	Delay         uint64 // seconds behind the others
}

// Replicating lists the server's replicated tables.
func (s *Server) Replicating(ctx context.Context) ([]Replicating, error) {
	rows, err := s.Conn().Query(ctx, "SELECT table, toBool(is_readonly), toUInt64(total_replicas), toUInt64(active_replicas), absolute_delay FROM system.replicas WHERE database = ? ORDER BY table", s.Database())
	if err != nil {
		return nil, fmt.Errorf("listing the replicated tables: %w", err)
	}
	defer rows.Close()
	var out []Replicating
	for rows.Next() {
		var r Replicating
		var total, active uint64
		if err := rows.Scan(&r.Name, &r.ReadOnly, &total, &active, &r.Delay); err != nil {
			return nil, fmt.Errorf("listing the replicated tables: %w", err)
		}
		r.Total, r.Active = int(total), int(active)
		out = append(out, r)
	}
	return out, rows.Err()
}

// replicates reports whether a table of the server's own is replicated: those to try something out
// are not.
func (s *Server) replicates(table string) bool {
	return s.target.own != "" && s.target.replicated && !strings.HasPrefix(table, ScratchPrefix)
}

// replicaWait bounds the wait for a replica to fetch what it lacks.
const replicaWait = 10 * time.Second

// Sync waits until the replica in use has all parts of a table that any replica acknowledged
// before. It does nothing where there are none, or where the table is the server's alone.
func (s *Server) Sync(ctx context.Context, table string) error {
	if !s.replicates(table) {
		return nil
	}
	bounded := context.Context(unmarked{ctx})
	if _, known := s.Pinned(); known["receive_timeout"] { // else it waits for as long as the profile says
		wait := cmp.Or(s.cfg.ReplicaWait, replicaWait)
		bounded = clickhouse.Context(bounded, clickhouse.WithSettings(clickhouse.Settings{"receive_timeout": strconv.Itoa(int(wait / time.Second))}))
	}
	err := s.Conn().Exec(bounded, s.shape().syncReplica(s.Holding(table)))
	switch {
	case err == nil:
		return nil
	case code(err) != codeTimeout:
		return s.named(fmt.Errorf("asking it to have all of %s: %w", table, err))
	}
	return s.named(fmt.Errorf("waiting for what it lacks of %s, which a replica that is away may have (start that one, or if its disk is lost, SYSTEM DROP REPLICA on another one): %w", table, err))
}

// catchUp waits until the server has all that any replica acknowledged before: parts, and
// deletions that are done elsewhere.
func (s *Server) catchUp(ctx context.Context) error {
	var tables, mutated []string
	err := s.Conn().QueryRow(ctx, `
		SELECT groupArray(table), groupArrayIf(table, table IN (SELECT table FROM system.mutations WHERE database = ? AND NOT is_done))
		FROM system.replicas WHERE database = ?`, s.Database(), s.Database()).Scan(&tables, &mutated)
	if err != nil {
		return s.named(fmt.Errorf("asking for its replicated tables: %w", err))
	}
	group, syncing := errgroup.WithContext(ctx)
	group.SetLimit(mostConns / 2)
	for _, table := range tables {
		group.Go(func() error { return s.Sync(syncing, table) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, table := range mutated {
		var stuck *StuckMutationError
		if err := s.awaitMutations(ctx, table); err != nil && !errors.As(err, &stuck) { // whoever deletes is told of one that is stuck
			return err
		}
	}
	return nil
}

// CatchUp waits until each shard's replica in use has all that any other acknowledged before:
// a run that has its lease decides by no less. It does nothing where there are no replicas.
func (s *Store) CatchUp(ctx context.Context) error {
	if !s.Replicated() {
		return nil
	}
	return s.each(ctx, func(ctx context.Context, shard *Server) error { return shard.catchUp(ctx) })
}

// Copied returns when the rows that an INSERT brought are on as many replicas as they are to
// be: it is counted on each of them. An error passes when replicas come back.
func (s *Server) Copied(ctx context.Context, table string, insert uint64, rows int) error {
	return s.copied(ctx, table, func(ctx context.Context, r *Server) (bool, error) {
		n, err := r.CountInsert(ctx, table, insert)
		return n == uint64(rows), err //guard:copies-counted
	})
}

// Spread returns when all that was written to a table is on as many replicas as rows are to be.
func (s *Server) Spread(ctx context.Context, table string) error {
	return s.copied(ctx, table, func(ctx context.Context, r *Server) (bool, error) { return true, r.Sync(ctx, table) })
}

func (s *Server) copied(ctx context.Context, table string, has func(context.Context, *Server) (bool, error)) error {
	if s.copiesWanted() < 2 || !s.replicates(table) {
		return nil
	}
	all, err := s.Replicas(ctx)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var errs []error
	have := 1
	var group sync.WaitGroup
	for _, r := range all[1:] {
		group.Go(func() {
			is, err := has(ctx, r)
			mu.Lock()
			defer mu.Unlock()
			if is && err == nil {
				have++
			}
			errs = append(errs, r.named(err))
		})
	}
	group.Wait()
	if have < s.copiesWanted() { //guard:copies-wanted
		return &CopiesError{table, have, s.copiesWanted(), errors.Join(errs...)}
	}
	return nil
}

// handOver waits, at the end of a store that wrote something, for the other replicas to have it:
// should the one in use be lost next, nothing is lacking for another to take its place. It is not
// owed to anybody, so an error is only told.
func (s *Server) handOver() {
	if !s.replicated() || !s.replicas.wrote.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), handOverWait)
	defer cancel()
	err := s.elsewhere(ctx, func(ctx context.Context, r *Server) error { return r.catchUp(ctx) })
	if err != nil {
		s.cfg.Log.Debug("not all replicas have what was written last", "err", err)
	}
}

const handOverWait = 5 * time.Second
