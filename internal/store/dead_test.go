package store_test

import (
	"fmt"
	"testing"

	"rawlogs/internal/testkit"
)

// A part that a deletion leaves without a row has no roll-ups, and the server does not merge it
// with the parts beside it: docs/schema-evolution.md has what brings them together.
func TestDeadParts(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	exec(t, st, "ALTER TABLE clicks MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 1") // the parts stay apart
	for id := range 4 {
		exec(t, st, fmt.Sprintf("INSERT INTO clicks (network, datetime, offer_id, _file, _line, _hour, _insert) "+
			"SELECT 'n', toDateTime('2016-09-09 00:00:00', 'UTC') + number, number %% 7, 'a.zip', number + 2, toDateTime('2016-09-09 00:00:00', 'UTC'), %d FROM numbers(1000)", id+1))
	}
	if err := st.Delete(t.Context(), "clicks", "_insert = 2 OR _line < 12"); err != nil {
		t.Fatal(err)
	}
	const merge = "OPTIMIZE TABLE clicks PARTITION ID '201609' FINAL SETTINGS optimize_throw_if_noop = 1"
	if err := st.Conn().Exec(t.Context(), merge); err == nil {
		t.Error("the parts are merged: does the server do so now? Then the document has a sentence too many")
	}
	exec(t, st, "ALTER TABLE clicks APPLY DELETED MASK IN PARTITION ID '201609' SETTINGS mutations_sync = 2")
	// The server takes an empty part away, within a minute or so; the others are alike.
	const parts = "SELECT toString(arraySort(groupArray((rows, length(projections), has_lightweight_delete)))) FROM system.parts WHERE active AND rows > 0 AND database = currentDatabase() AND table = 'clicks'"
	if got := text(t, st, parts); got != "[(990,4,0),(990,4,0),(990,4,0)]" {
		t.Errorf("rows, roll-ups and mask of the parts: %s", got)
	}
	if found, err := st.DifferentRollUps(t.Context(), "clicks", "n"); err != nil || len(found) > 0 {
		t.Errorf("%v, %v", found, err)
	}
}
