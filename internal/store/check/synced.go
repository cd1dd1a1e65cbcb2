package check

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"rawlogs/internal/store"
)

var mergeSync = regexp.MustCompile(`min_rows_to_fsync_after_merge = (\d+)`)

// unsynced tells of tables whose INSERTs are on disk when they are acknowledged, and whose merges a
// power cut may take, with the rows that were merged: those that an ingest of before made, on a
// server with the usual settings.
func (c checker) unsynced(ctx context.Context, have map[string]table) ([]Finding, error) {
	var usual string
	err := c.st.Conn().QueryRow(ctx, "SELECT any(value) FROM system.merge_tree_settings WHERE name = 'min_rows_to_fsync_after_merge'").Scan(&usual)
	if store.Denied(err) { // a load does not need to look there
		usual, err = "1", nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking at the settings of tables: %w", err)
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(have)) {
		value := usual
		if own := mergeSync.FindStringSubmatch(have[name].full); own != nil {
			value = own[1]
		}
		durable := strings.Contains(have[name].full, "fsync_after_insert = 1")
		if durable && value != "1" { //guard:unsynced-told
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	return []Finding{{
		Warn, "tables", strings.Join(names, ", ") + ": what a merge writes is not synced to disk, so a power cut soon after one may take rows that are loaded",
		"for each of them: " + c.st.SyncMerges(names[0]),
	}}, nil
}
