package store_test

import (
	"fmt"
	"testing"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// A part all of whose rows are marked as deleted has no roll-ups, and the server merges it with
// none of the parts beside it. So a deletion rewrites the parts that it leaves without a row:
// the server takes an empty part away, and then merges the others.
func TestDeadParts(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	exec(t, st, "ALTER TABLE clicks MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 1") // the parts stay apart
	// Of the INSERTs 1 to 6 the last two are in one part, and a.zip is a half of the first.
	for _, ids := range []string{"1", "2", "3", "4", "5 + number % 2"} {
		exec(t, st, fmt.Sprintf("INSERT INTO clicks (network, datetime, offer_id, _file, _line, _hour, _insert) "+
			"SELECT 'n', toDateTime('2016-09-09 00:00:00', 'UTC') + number, number %% 7, if(number < 500, 'a.zip', 'b.zip'), number + 2, toDateTime('2016-09-09 00:00:00', 'UTC'), %s FROM numbers(1000)", ids))
	}
	scope := store.Scope{Network: "n", Type: rawlog.Clicks}
	if err := st.DeleteInserts(t.Context(), scope, []uint64{2, 5}); err != nil {
		t.Fatal(err)
	}
	if err := st.DeleteRows(t.Context(), scope, []store.Rows{{File: "a.zip", Insert: 1}, {File: "a.zip", Insert: 4}, {File: "b.zip", Insert: 4}}, store.Fence{}); err != nil {
		t.Fatal(err)
	}
	const parts = "SELECT toString(arraySort(groupArray((rows, length(projections), has_lightweight_delete)))) FROM system.parts WHERE active AND rows > 0 AND database = currentDatabase() AND table = 'clicks'"
	if got := text(t, st, parts); got != "[(1000,4,0),(1000,4,1),(1000,4,1)]" {
		t.Errorf("rows, roll-ups and mask of the parts: %s", got)
	}
	const left = "SELECT toString(arraySort(groupArray((i, n)))) FROM (SELECT toString(_insert) || _file AS i, count() AS n FROM clicks GROUP BY i)"
	if got := text(t, st, left); got != "[('1b.zip',500),('3a.zip',500),('3b.zip',500),('6a.zip',250),('6b.zip',250)]" {
		t.Errorf("left: %s", got)
	}
	// The server takes empty parts away every half a minute.
	await(t, func() bool {
		return text(t, st, "SELECT toString(count()) FROM system.parts WHERE active AND rows = 0 AND database = currentDatabase() AND table = 'clicks'") == "0"
	})
	exec(t, st, "OPTIMIZE TABLE clicks PARTITION ID '201609' FINAL SETTINGS optimize_throw_if_noop = 1")
	if got := text(t, st, parts); got != "[(2000,4,0)]" {
		t.Errorf("after a merge: %s", got)
	}
	if found, err := st.DifferentRollUps(t.Context(), "clicks", "n"); err != nil || len(found) > 0 {
		t.Errorf("%v, %v", found, err)
	}
}
