package check_test

import (
	"strings"
	"testing"

	"rawlogs/internal/store/check"
	"rawlogs/internal/testkit"
)

// A check writes nothing into a table behind an engine that passes rows on, as a copy of
// it would.
func TestRehearsalPassesNothingOn(t *testing.T) {
	t.Parallel()
	for _, table := range []string{"clicks", "rejected_rows", "ingest_listings"} {
		t.Run(table, func(t *testing.T) {
			t.Parallel()
			st := testkit.Database(t)
			for _, sql := range []string{
				"RENAME TABLE " + table + " TO real",
				"CREATE TABLE " + table + " AS real ENGINE = Buffer(currentDatabase(), real, 1, 0, 0, 1, 1, 1, 1)",
			} {
				if err := st.Conn().Exec(t.Context(), sql); err != nil {
					t.Fatal(err)
				}
			}
			found := check.Run(t.Context(), st)
			if f := find(found, "table "+table, "Buffer"); f == nil || f.Level != check.Fail {
				t.Errorf("%+v", found)
			}
			for _, f := range found {
				if strings.HasPrefix(f.What, "rehearsal "+table) {
					t.Errorf("%+v", f)
				}
			}
			var rows uint64
			if err := st.Conn().QueryRow(t.Context(), "SELECT count() FROM real").Scan(&rows); err != nil || rows > 0 {
				t.Errorf("%d rows of the check's, %v", rows, err)
			}
		})
	}
}

// A mutation of ours that is stuck keeps files from being replaced; one of another table
// does not.
func TestStuckMutationFails(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	for _, sql := range []string{
		"INSERT INTO clicks (network, affiliate_sub1) VALUES ('n', 'x')",
		"ALTER TABLE clicks UPDATE affiliate_sub2 = toString(throwIf(1)) WHERE 1 SETTINGS mutations_sync = 0",
	} {
		if err := st.Conn().Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	for {
		var failed uint64
		if err := st.Conn().QueryRow(t.Context(), "SELECT count() FROM system.mutations WHERE database = ? AND latest_fail_reason != ''", st.Database()).Scan(&failed); err != nil {
			t.Fatal(err)
		}
		if failed > 0 {
			break
		}
	}
	if f := find(check.Run(t.Context(), st), "table clicks", "replacing a file's rows"); f == nil || f.Level != check.Fail {
		t.Errorf("%+v", f)
	}
}
