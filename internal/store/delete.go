package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"rawlogs/internal/ended"
)

// ErrFenced means that a fenced statement did nothing, as its run lost the lease.
var ErrFenced = errors.New("lost the lease to another run")

// Fence ties a statement to its run's lease: the server itself asks, as part of
// the statement, whether the lease is still the run's. A run that slept between
// asking for its lease and sending the statement can so destroy nothing that
// another run holds as loaded by then.
//
// The zero Fence lets everything through. It is for a run's own INSERTs alone: rows of
// another run that the ledger disowns now may be vouched for a moment later.
type Fence struct {
	Run       string
	Condition string // SQL; true while the run holds its lease
}

// Context names the run's statement, so that a later run can end it.
func (f Fence) Context(ctx context.Context) context.Context {
	if f.Run == "" {
		return ctx
	}
	return clickhouse.Context(ctx, clickhouse.WithQueryID(fmt.Sprintf("%s%016x", QueryPrefix(f.Run), rand.Uint64())))
}

// Holding makes an INSERT … SELECT fail with ErrFenced unless the lease is held.
func (f Fence) Holding() string {
	if f.Condition == "" {
		return "true"
	}
	return "throwIf(NOT (" + f.Condition + "), 'the lease is lost') = 0"
}

// Fenced turns the failure that Holding brings about into ErrFenced.
func Fenced(err error) error {
	const throwIfIsTrue = 395
	if code(err) == throwIfIsTrue {
		return ErrFenced
	}
	return err
}

// deleteTries bounds how often a deletion is begun anew. One in a hundred needs
// a second time where several run at once.
const deleteTries = 10

// deleteRows deletes rows and returns when they are gone. It names each by file
// and INSERT, so it cannot hit rows of the same files that came since.
//
// That they are gone is counted, not believed: of two deletions at once the
// server may register the one with the higher number first, run it, and then
// acknowledge the other without ever running it, as the parts seem past it.
func (s *Server) deleteRows(ctx context.Context, c Scope, rows []Rows, fence Fence) error {
	for chunk := range chunks(rows, func(r Rows) int { return len(r.File) + 20 }) {
		pairs := make([]string, len(chunk))
		args := make([]any, 0, 2*len(chunk))
		for i, r := range chunk {
			pairs[i] = "(?, ?)"
			args = append(args, r.File, r.Insert)
		}
		if err := s.deleteUntilGone(ctx, c, fence, "("+c.file()+", _insert) IN ("+strings.Join(pairs, ", ")+")", args); err != nil {
			return err
		}
	}
	return nil
}

// deleteInserts deletes all that INSERTs of the caller's own brought, and
// returns when it is gone. It needs no fence: no other run uses their ids.
func (s *Server) deleteInserts(ctx context.Context, c Scope, inserts []uint64) error {
	for chunk := range chunks(inserts, func(uint64) int { return 20 }) {
		if err := s.deleteUntilGone(ctx, c, Fence{}, "_insert IN ?", []any{chunk}); err != nil {
			return err
		}
	}
	return nil
}

// deleteUntilGone counts before it deletes, as mostly there is nothing, and
// after it.
func (s *Server) deleteUntilGone(ctx context.Context, c Scope, fence Fence, cond string, args []any) error {
	where, bound := c.where()
	where, bound = where+" AND "+cond, append(bound, args...)
	for try := 0; ; try++ {
		left, err := s.countByPart(ctx, c.Table(), where, bound...)
		switch {
		case err != nil || len(left) == 0 && try == 0:
			return err
		case len(left) == 0:
			return s.goneElsewhere(ctx, c.Table(), where, bound)
		}
		if try > 0 {
			if err = s.holds(ctx, fence); err != nil {
				return err
			}
		}
		if try == deleteTries {
			return fmt.Errorf("deleting from %s: %d rows are still there after %d deletions", c.Table(), left.rows(), deleteTries)
		}
		for _, partition := range left.partitions() {
			var whole []string
			if try == 0 { // parts that got new names since are not waited for
				if whole, err = s.wholeParts(ctx, c.Table(), left.within(partition)); err != nil {
					return err
				}
			}
			if err := s.deleteOnce(ctx, c, fence, partition, where, bound, whole); err != nil { //guard:delete-counted
				return fmt.Errorf("deleting %d rows from %s: %w", left.rows(), c.Table(), err)
			}
		}
	}
}

// goneElsewhere waits until the other replicas, too, have none of the rows that were deleted.
func (s *Server) goneElsewhere(ctx context.Context, table, where string, args []any) error {
	return s.elsewhere(ctx, func(ctx context.Context, r *Server) error {
		for since := time.Now(); ; {
			left, err := r.countByPart(ctx, table, where, args...)
			if err != nil || len(left) == 0 {
				return err
			}
			if wait := r.patienceWithMutations(ctx); time.Since(since) > wait {
				return fmt.Errorf("deleting from %s: %d rows are still there %s after they were deleted on %s", table, left.rows(), wait, s.Addr())
			}
			if err := pause(ctx); err != nil {
				return err
			}
		}
	})
}

func (s *Server) holds(ctx context.Context, fence Fence) error {
	if fence.Condition == "" {
		return nil
	}
	var held bool
	if err := s.Conn().QueryRow(ctx, "SELECT toBool("+fence.Condition+")").Scan(&held); err != nil {
		return fmt.Errorf("asking for the lease: %w", err)
	}
	if !held {
		return ErrFenced
	}
	return nil
}

// deleteOnce deletes rows of a partition by marking them, but first those of the parts that
// would be left without a row. The server gives a part of marked rows alone no roll-ups and
// then merges it with none of the parts beside it, for ever; one whose rows are deleted by
// rewriting it becomes an empty part, which costs nothing and goes by itself.
//
// It names the partition, as the server otherwise looks for the rows in every part of the table.
func (s *Server) deleteOnce(ctx context.Context, c Scope, fence Fence, partition, where string, args []any, whole []string) error {
	if fence.Condition != "" {
		where += " AND (" + fence.Condition + ")" //guard:deletion-fenced
	}
	if len(whole) > 0 { //guard:whole-parts-rewritten
		args = append(slices.Clip(args), whole)
		return s.alterRows(fence.Context(ctx), "delete", c.Table(), s.shape().rewrite(s.Holding(c.Table()), partition, where+" AND _part IN ?"), args...)
	}
	return s.deleteIn(fence.Context(ctx), c.Table(), partition, where, args...)
}

// wholeParts lists those of the parts, of a thousand at most, that have no rows but the counted.
func (s *Server) wholeParts(ctx context.Context, table string, counted byPart) ([]string, error) {
	names := make([]string, 0, len(counted))
	for p := range counted {
		names = append(names, p.name)
	}
	slices.Sort(names)
	names = names[:min(len(names), 1000)] // for one statement: see statementBytes
	all, err := s.countByPart(ctx, table, "_part IN ?", names)
	if err != nil {
		return nil, err
	}
	var whole []string
	for p, n := range all {
		if counted[p] == n {
			whole = append(whole, p.name)
		}
	}
	slices.Sort(whole)
	return whole, nil
}

// part is one of a table; partition is the id of the partition that it belongs to.
type part struct{ partition, name string }

// byPart is how many rows are in which parts.
type byPart map[part]uint64

func (b byPart) rows() (n uint64) {
	for _, of := range b {
		n += of
	}
	return n
}

func (b byPart) partitions() []string {
	ids := map[string]bool{}
	for p := range b {
		ids[p.partition] = true
	}
	return slices.Sorted(maps.Keys(ids))
}

func (b byPart) within(partition string) byPart {
	out := maps.Clone(b)
	maps.DeleteFunc(out, func(p part, _ uint64) bool { return p.partition != partition })
	return out
}

// countByPart counts the rows for which a condition holds.
func (s *Server) countByPart(ctx context.Context, table, where string, args ...any) (byPart, error) {
	counts := byPart{}
	rows, err := s.Conn().Query(s.Wide(ctx), "SELECT toString(_partition_id) AS partition, toString(_part) AS part, count() FROM "+s.Holding(table)+" WHERE "+where+" GROUP BY partition, part", args...)
	if err != nil {
		return nil, fmt.Errorf("counting rows of %s: %w", table, err)
	}
	defer rows.Close()
	for rows.Next() {
		var p part
		var n uint64
		if err := rows.Scan(&p.partition, &p.name, &n); err != nil {
			return nil, fmt.Errorf("counting rows of %s: %w", table, err)
		}
		counts[p] = n
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("counting rows of %s: %w", table, err)
	}
	return counts, nil
}

// endDeletions stops fenced deletions of a run that is over. KILL QUERY ends
// only the waiting for a deletion, which goes on in the background; rows that
// it has not reached yet may be the only ones there are.
func (s *Server) endDeletions(ctx context.Context, run string) error {
	const mine = "database = ? AND position(command, ?) > 0"
	for {
		var n uint64
		err := s.Conn().QueryRow(ctx, "SELECT count() FROM system.mutations WHERE NOT is_done AND "+mine, s.Database(), run).Scan(&n)
		if err != nil {
			return fmt.Errorf("looking for deletions of run %s: %w", run, err)
		}
		if n == 0 {
			return nil
		}
		err = s.Write(ctx, Op{Kind: "kill", Detail: "deletions of " + run}, func(ctx context.Context) error {
			return s.Conn().Exec(ctx, "KILL MUTATION WHERE "+mine+" SYNC", s.Database(), run)
		})
		if err != nil {
			return fmt.Errorf("ending deletions of run %s: %w", run, err)
		}
		if err := pause(ctx); err != nil {
			return fmt.Errorf("waiting for the end of deletions of run %s: %w", run, err)
		}
	}
}

// pause waits between two looks at what cannot be awaited.
func pause(ctx context.Context) error {
	if ended.Wait(ctx, 50*time.Millisecond) != nil {
		return context.Cause(ctx)
	}
	return nil
}
