package check_test

import (
	"strings"
	"testing"
	"time"

	"rawlogs/internal/load/insert"
	"rawlogs/internal/store"
	"rawlogs/internal/store/check"
	"rawlogs/internal/testkit"
)

func TestEnginesServed(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	for engine, want := range map[string]string{
		"MergeTree": "", "ReplacingMergeTree": "",
		"ReplicatedMergeTree": "?cluster=NAME", "SharedMergeTree": "ClickHouse Cloud", "ReplicatedReplacingMergeTree": "?cluster=NAME", "Distributed": "?cluster=NAME",
		"Memory": "RENAME TABLE", "View": "RENAME TABLE",
	} {
		f := check.ServedEngine(st, "clicks", engine)
		if (f.Level == check.OK) != (want == "") || !strings.Contains(f.Hint, want) {
			t.Errorf("%s: %+v", engine, f)
		}
	}
	if f := check.ServedEngine(st, "ingest_files", "MergeTree"); f.Level != check.Fail {
		t.Errorf("a ledger whose versions are not replaced: %+v", f)
	}
	if err := check.Loadable(t.Context(), st, []string{"clicks"}); err != nil {
		t.Error(err)
	}
	for _, sql := range []string{"DROP TABLE clicks", "CREATE TABLE clicks (network String) ENGINE = Memory"} {
		if err := st.Conn().Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	if err := check.Loadable(t.Context(), st, []string{"clicks"}); err == nil || !strings.Contains(err.Error(), "engine Memory") {
		t.Errorf("a table in memory: %v", err)
	}
}

// A check that was killed leaves tables; the next one removes them, and only those.
func TestDeadChecksLeaveNothing(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	names := []string{"ingest_check_1000000000_0123abcd_clicks", "ingest_check_4000000000_0123abcd_clicks",
		store.CopyOf("20260101T000000-0000000a", 3, "clicks"), store.CopyOf(insert.NewRun(time.Now()), 3, "clicks"), "ingest_checkered"}
	for _, name := range names {
		if err := st.Conn().Exec(t.Context(), "CREATE TABLE "+name+" (n UInt8) ENGINE = Memory"); err != nil {
			t.Fatal(err)
		}
	}
	check.Run(t.Context(), st)
	var left []string
	if err := st.Conn().QueryRow(t.Context(), "SELECT arraySort(groupArray(name)) FROM system.tables WHERE database = ? AND name LIKE 'ingest_check%'", st.Database()).Scan(&left); err != nil {
		t.Fatal(err)
	}
	if strings.Join(left, " ") != names[1]+" "+names[3]+" "+names[4] {
		t.Errorf("left: %v", left)
	}
}
