package store_test

import (
	"fmt"
	"testing"

	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// Parts that a merge or a mutation replaces are removed at once, so what replaces them must be on
// disk before.
func TestMergesAreSynced(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	if testkit.Sharded() {
		t.Skip("it goes by the name of one server's tables")
	}
	exec(t, st, "CREATE TABLE merged (n UInt8, m UInt8) ENGINE = MergeTree ORDER BY n") // in which we set nothing
	for _, table := range []string{"merged", "clicks"} {
		column := map[string]string{"merged": "n", "clicks": "offer_id"}[table]
		for _, value := range []string{"1", "2"} {
			exec(t, st, "INSERT INTO "+table+" ("+column+") VALUES ("+value+")")
		}
		for _, statement := range []string{"OPTIMIZE TABLE " + table + " FINAL", "DELETE FROM " + table + " WHERE " + column + " = 2", "SYSTEM FLUSH LOGS part_log"} {
			exec(t, st, statement)
		}
		for _, event := range []string{"MergeParts", "MutatePart"} {
			unsynced := fmt.Sprintf("SELECT toString((count() > 0, countIf(ProfileEvents['FileSync'] = 0))) FROM system.part_log WHERE database = currentDatabase() AND table = '%s' AND event_type = '%s'", table, event)
			if got := text(t, st, unsynced); got != "(1,0)" {
				t.Errorf("%s of %s: there are some, and so many are not synced: %s", event, table, got)
			}
		}
	}
	// Elsewhere the server's own setting is another one.
	if got := text(t, st, "SELECT toString(groupArray(name)) FROM system.tables WHERE database = currentDatabase() AND name != 'merged' AND position(engine_full, 'fsync_after_insert = 1') > 0 AND position(engine_full, '"+store.SyncedMerges+"') = 0"); got != "[]" {
		t.Errorf("not set in %s", got)
	}
}
