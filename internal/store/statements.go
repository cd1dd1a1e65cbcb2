package store

import (
	"context"
	"fmt"
	"strings"
	"time"

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

// QueryPrefix begins the query ids of a run's statements, by which a later run
// finds what a dead one still has running.
func QueryPrefix(run string) string { return "ingest-" + strings.ToLower(run) + "-" }

// Now is the server's clock.
func (s *Store) Now(ctx context.Context) (time.Time, error) {
	var now time.Time
	if err := s.Conn().QueryRow(ctx, "SELECT now64(3, 'UTC')").Scan(&now); err != nil {
		return time.Time{}, fmt.Errorf("asking the store's clock: %w", err)
	}
	return now.UTC(), nil
}
