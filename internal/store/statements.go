package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/schema"
)

// This file holds every setting and statement that would differ between one
// server and a cluster (ON CLUSTER, Replicated engines, quorum, Distributed
// tables): the rest of the program speaks of tables only.

// engines fill the placeholders of schema/*.sql.
var engines = map[string]string{
	"mergetree": "MergeTree",
	//guard:ledger-replacing
	"replacing:version": "ReplacingMergeTree(version)",
	"replacing:seq":     "ReplacingMergeTree(seq)",
	"on_cluster":        "",
	"durable":           "fsync_after_insert = 1, fsync_part_directory = 1",
	"no_insert_dedup":   "non_replicated_deduplication_window = 0",
}

// TableName is the table's quoted name with its database.
func (s *Store) TableName(table string) string { return quote(s.Database()) + "." + quote(table) }

// quote makes an identifier of any text.
func quote(name string) string { return schema.Identifier(name) }

// filesChunk bounds the names in one statement, whose text the server bounds
// at 256 KiB.
const filesChunk = 1000

// deleteTries bounds how often a deletion is begun anew. One in a hundred needs
// a second time where several run at once.
const deleteTries = 10

// DeleteFiles deletes the rows of files from a table and returns when they are
// gone. hours spans the files' hours and keeps the deletion to their
// partitions; its zero value looks at all.
//
// That they are gone is counted, not believed: of two deletions at once the
// server may register the one with the higher number first, run it, and then
// acknowledge the other without ever running it, as the parts seem past it.
func (s *Store) DeleteFiles(ctx context.Context, table, network string, files []string, hours rawlog.Period) error {
	for chunk := range slices.Chunk(files, filesChunk) {
		for try := 1; len(chunk) > 0; try++ {
			if try > deleteTries {
				return fmt.Errorf("deleting from %s: rows of %d files are still there after %d deletions", table, len(chunk), deleteTries)
			}
			if err := s.deleteOnce(ctx, table, network, chunk, hours); err != nil {
				return err
			}
			left, err := s.CountFiles(ctx, table, network, chunk, hours)
			if err != nil {
				return err
			}
			chunk = slices.Sorted(maps.Keys(left)) //guard:delete-counted
		}
	}
	return nil
}

func (s *Store) deleteOnce(ctx context.Context, table, network string, files []string, hours rawlog.Period) error {
	column, hour := fileColumns(table)
	where, args := filesWhere(column, hour, network, files, hours)
	op := Op{Kind: "delete", Detail: fmt.Sprintf("%s ×%d", table, len(files))}
	err := s.Write(ctx, op, func(ctx context.Context) error {
		return s.Conn().Exec(ctx, "DELETE FROM "+s.TableName(table)+" WHERE "+where, args...)
	})
	if err != nil {
		return fmt.Errorf("deleting %d files from %s: %w", len(files), table, err)
	}
	return nil
}

// CountFiles counts the rows of each file in a table; files without rows are
// absent from the map. hours is as for DeleteFiles.
func (s *Store) CountFiles(ctx context.Context, table, network string, files []string, hours rawlog.Period) (map[string]uint64, error) {
	counts := map[string]uint64{}
	for chunk := range slices.Chunk(files, filesChunk) {
		column, hour := fileColumns(table)
		where, args := filesWhere(column, hour, network, chunk, hours)
		rows, err := s.Conn().Query(ctx, "SELECT "+column+", count() FROM "+s.TableName(table)+" WHERE "+where+" GROUP BY "+column, args...)
		if err != nil {
			return nil, fmt.Errorf("counting rows of %s: %w", table, err)
		}
		for rows.Next() {
			var file string
			var n uint64
			if err := rows.Scan(&file, &n); err != nil {
				_ = rows.Close()
				return nil, fmt.Errorf("counting rows of %s: %w", table, err)
			}
			counts[file] = n
		}
		err = rows.Err()
		if cerr := rows.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return nil, fmt.Errorf("counting rows of %s: %w", table, err)
		}
	}
	return counts, nil
}

// fileColumns names the columns that hold a row's file and its hour: raw
// tables keep theirs apart from the source's columns by an underscore.
func fileColumns(table string) (file, hour string) {
	if table == RejectedRows {
		return "file", "hour"
	}
	return "_file", "_hour"
}

// RejectedRows is the table of the lines that were no rows.
const RejectedRows = "rejected_rows"

func filesWhere(file, hour, network string, files []string, hours rawlog.Period) (string, []any) {
	where, args := "network = ? AND has(?, "+file+")", []any{network, files}
	if hours != (rawlog.Period{}) {
		where += " AND " + hour + " >= fromUnixTimestamp(?) AND " + hour + " < fromUnixTimestamp(?)"
		args = append(args, hours.From.Unix(), hours.To.Unix())
	}
	return where, args
}

// CountInsert counts the rows that an INSERT left in a table.
func (s *Store) CountInsert(ctx context.Context, table string, insert uint64) (uint64, error) {
	var n uint64
	err := s.Conn().QueryRow(ctx, "SELECT count() FROM "+s.TableName(table)+" WHERE _insert = ?", insert).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("counting the rows of insert %d in %s: %w", insert, table, err)
	}
	return n, nil
}

// Now is the server's clock.
func (s *Store) Now(ctx context.Context) (time.Time, error) {
	var now time.Time
	if err := s.Conn().QueryRow(ctx, "SELECT now64(3, 'UTC')").Scan(&now); err != nil {
		return time.Time{}, fmt.Errorf("asking the store's clock: %w", err)
	}
	return now.UTC(), nil
}
