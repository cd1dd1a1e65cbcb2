package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// dropRows deletes all rows of a scope, whoever loaded them, and returns when they are gone
// from the parts that are read: rows that were deleted by a mark before, too. Rows of others
// in the same partitions stay, those that come meanwhile as well, which is why it does not
// drop the partition. It may be repeated.
//
// As DeleteRows it counts what is left, and asks for the lease as part of the deletion.
func (s *Server) dropRows(ctx context.Context, c Scope, fence Fence) error {
	where, args := c.where()
	touched := map[string]bool{c.Hours.From.UTC().Format("200601"): true}
	for try := 0; ; try++ {
		left, err := s.partitions(ctx, c, where, args)
		if err != nil || len(left) == 0 {
			if err == nil {
				err = s.unmask(ctx, c.Table(), slices.Sorted(maps.Keys(touched)), fence)
			}
			return err
		}
		if try > 0 {
			if err := s.holds(ctx, fence); err != nil {
				return err
			}
		}
		if try == deleteTries {
			return fmt.Errorf("dropping rows of %s: some are still there after %d deletions", c.Table(), deleteTries)
		}
		cond := where
		if fence.Condition != "" {
			cond += " AND (" + fence.Condition + ")" //guard:drop-fenced
		}
		for _, id := range left {
			touched[id] = true
			err := s.alterRows(fence.Context(ctx), "delete", c.Table(), s.shape().rewrite(s.Holding(c.Table()), id, cond), args...)
			if err != nil {
				return fmt.Errorf("dropping rows of %s: %w", c.Table(), err)
			}
		}
	}
}

// partitions are those in which rows are.
func (s *Server) partitions(ctx context.Context, c Scope, where string, args []any) (ids []string, err error) {
	err = s.Conn().QueryRow(s.Wide(ctx), "SELECT arraySort(groupUniqArray(toString(_partition_id))) FROM "+s.Holding(c.Table())+" WHERE "+where, args...).Scan(&ids)
	if err != nil {
		return nil, fmt.Errorf("looking for rows of %s: %w", c.Table(), err)
	}
	return ids, nil
}

// unmask takes rows that are marked as deleted off the disk, in those of the partitions that
// have some.
func (s *Server) unmask(ctx context.Context, table string, ids []string, fence Fence) error {
	masked, err := s.masked(ctx, table)
	if code(err) == codeAccessDenied {
		return nil // merges do it in time
	}
	if err != nil {
		return err
	}
	return s.rewriteMasked(ctx, table, slices.DeleteFunc(masked, func(id string) bool { return !slices.Contains(ids, id) }), "delete", fence)
}

// purge makes deletions of a table physical: rows that were only marked as deleted, by whatever
// deletion, are written no more. What was before is removed by the server after some minutes.
func (s *Server) purge(ctx context.Context, table string) error {
	for try := 0; ; try++ {
		left, err := s.masked(ctx, table)
		if err != nil || len(left) == 0 {
			return err
		}
		if try == deleteTries {
			return fmt.Errorf("%s still has rows that are only marked as deleted, after %d tries", table, try)
		}
		if err := s.rewriteMasked(ctx, table, left, "purge", Fence{}); err != nil { //guard:forget-physical
			return err
		}
	}
}

// masked are the partitions of a table in which rows are deleted by a mark alone.
func (s *Server) masked(ctx context.Context, table string) (ids []string, err error) {
	err = s.Conn().QueryRow(ctx, `SELECT arraySort(groupUniqArray(toString(partition_id))) FROM system.parts
		WHERE database = ? AND table = ? AND active AND has_lightweight_delete`, s.Database(), table).Scan(&ids)
	if err != nil {
		return nil, fmt.Errorf("looking for rows of %s that are marked as deleted: %w", table, err)
	}
	return ids, nil
}

// rewriteMasked writes the parts of partitions anew, without rows that are marked as deleted.
// kind is what hooks know the statements by.
func (s *Server) rewriteMasked(ctx context.Context, table string, ids []string, kind string, fence Fence) error {
	for _, id := range ids {
		if err := s.alterRows(fence.Context(ctx), kind, table, s.shape().unmask(s.Holding(table), id)); err != nil {
			return fmt.Errorf("taking deleted rows of %s off the disk: %w", table, err)
		}
	}
	return nil
}

// alterRows runs a mutation, and none while another one is at work on the table.
func (s *Server) alterRows(ctx context.Context, kind, table, statement string, args ...any) error {
	if err := s.awaitMutations(ctx, table); err != nil {
		return err
	}
	return s.Write(ctx, Op{Kind: kind, Detail: table}, func(ctx context.Context) error {
		return s.mutate(ctx, table, statement, args...)
	})
}

// months lists the months, as 202511, in which a scope has rows.
func (s *Server) months(ctx context.Context, c Scope) (months []uint32, err error) {
	where, args := c.where()
	hour := "_hour"
	if c.Rejected {
		hour = "hour"
	}
	err = s.Conn().QueryRow(s.Wide(ctx), "SELECT arraySort(groupUniqArray(toYYYYMM("+hour+"))) FROM "+s.Holding(c.Table())+" WHERE "+where, args...).Scan(&months)
	if err != nil {
		return nil, fmt.Errorf("looking for months of %s: %w", c.Table(), err)
	}
	return months, nil
}
