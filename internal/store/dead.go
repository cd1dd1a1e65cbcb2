package store

import (
	"context"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// dropDead drops the parts of a table with roll-ups whose rows are all deleted. The server
// sums such a part's roll-ups anew to nothing, keeps none, and merges no parts of which some
// have roll-ups and others none (code 388 of OPTIMIZE, seen with 26.7): it would stay, and
// keep its neighbors from being merged, one more with each file that is loaded again.
//
// It needs no fence. A part's rows are never deleted less: what is dead stays so. A part that
// is merged or changed meanwhile has another name, and DROP PART fails. It is for later
// merges alone, so a failure is no failure of the deletion; the next one finds the part again.
func (s *Store) dropDead(ctx context.Context, table string) {
	if declared, err := declaredRollUps(); err != nil || len(declared[table]) == 0 {
		return
	}
	dead, err := s.deadParts(ctx, table)
	for _, part := range dead {
		if err == nil {
			err = s.Conn().Exec(ctx, s.shape().dropPart(s.Holding(table), part))
		}
	}
	if err != nil && ctx.Err() == nil {
		s.cfg.Log.Debug("parts without a row that is left were not dropped", "table", table, "err", err)
	}
}

// deadParts lists them. The rows of a part are counted with those that are deleted, too: only
// where all can be seen, and no policy hides some, is it known that none is left.
func (s *Store) deadParts(ctx context.Context, table string) ([]string, error) {
	var named []string
	var sizes []uint64
	err := s.Conn().QueryRow(ctx, "SELECT groupArray(name), groupArray(rows) FROM system.parts WHERE active AND database = ? AND table = ? AND has_lightweight_delete AND rows > 0 AND empty(projections)",
		s.Database(), table).Scan(&named, &sizes)
	if err != nil || len(named) == 0 {
		return nil, err
	}
	rows, err := s.Conn().Query(clickhouse.Context(s.Wide(ctx), clickhouse.WithSettings(clickhouse.Settings{"apply_deleted_mask": 0})),
		"SELECT _part, count(), countIf(_row_exists) FROM "+s.Holding(table)+" WHERE _part IN ? GROUP BY _part", named)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	size := map[string]uint64{}
	for i, name := range named {
		size[name] = sizes[i]
	}
	var dead []string
	for rows.Next() {
		var part string
		var all, left uint64
		if err := rows.Scan(&part, &all, &left); err != nil {
			return nil, err
		}
		if left == 0 && all == size[part] { //guard:only-dead-parts
			dead = append(dead, part)
		}
	}
	return dead, rows.Err()
}
