package store

import (
	"context"
	"fmt"

	"rawlogs/internal/rawlog"
)

// CountByFile counts the rows of every file of a network in a table whose hour
// lies within hours; its zero value looks at all.
func (s *Store) CountByFile(ctx context.Context, table, network string, hours rawlog.Period) (map[string]uint64, error) {
	file, hour := fileColumns(table)
	query := "SELECT " + file + ", count() FROM " + s.TableName(table) + " WHERE network = ?"
	args := []any{network}
	if hours != (rawlog.Period{}) {
		query += " AND " + hour + " >= fromUnixTimestamp(?) AND " + hour + " < fromUnixTimestamp(?)"
		args = append(args, hours.From.Unix(), hours.To.Unix())
	}
	rows, err := s.Conn().Query(ctx, query+" GROUP BY "+file, args...)
	if err != nil {
		return nil, fmt.Errorf("counting rows of %s: %w", table, err)
	}
	defer rows.Close()
	counts := map[string]uint64{}
	for rows.Next() {
		var name string
		var n uint64
		if err := rows.Scan(&name, &n); err != nil {
			return nil, fmt.Errorf("counting rows of %s: %w", table, err)
		}
		counts[name] = n
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("counting rows of %s: %w", table, err)
	}
	return counts, nil
}
