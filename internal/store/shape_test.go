package store

import (
	"strings"
	"testing"
)

// What holds rows on replicas, and what does not.
func TestServedOnReplicas(t *testing.T) {
	t.Parallel()
	replicated := target{cluster: "c", own: "d" + Local, database: "d", replicated: true}.shape()
	for _, c := range []struct{ table, engine, want string }{
		{"clicks", "ReplicatedMergeTree", ""},
		{"clicks", "ReplicatedReplacingMergeTree", ""},
		{"ingest_files", "ReplicatedReplacingMergeTree", ""},
		{"ingest_files", "ReplicatedMergeTree", "move it away"},
		{"clicks", "MergeTree", "AS REPLICATED"},
		{"clicks", "SharedMergeTree", "ClickHouse Cloud"},
		{"clicks", "Distributed", "move it away"},
		{"clicks", "Memory", "move it away"},
	} {
		if got := replicated.unserved(c.table, c.engine); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s of %s: %q, want %q", c.table, c.engine, got, c.want)
		}
	}
	for _, database := range []string{replicatedDatabase, sharedPrefix} {
		if replicated.unservedDatabase(database) == "" {
			t.Errorf("a database of the engine %s is served", database)
		}
	}
}

// A copy of a replicated table is one of its server alone, with all else that the table has.
func TestAlone(t *testing.T) {
	t.Parallel()
	for engine, want := range map[string]string{
		"MergeTree PARTITION BY a ORDER BY b":                                                  "MergeTree PARTITION BY a ORDER BY b",
		"ReplicatedMergeTree('/p/{shard}/t', '{replica}') ORDER BY b":                          "MergeTree() ORDER BY b",
		`ReplicatedReplacingMergeTree('/it\'s, here', 'r', version) ORDER BY b SETTINGS x = 1`: "ReplacingMergeTree(version) ORDER BY b SETTINGS x = 1",
	} {
		if got, err := single.alone(engine); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", engine, got, err, want)
		}
	}
	if got, err := single.alone("ReplicatedMergeTree ORDER BY b"); err == nil {
		t.Errorf("an engine without arguments became %q", got)
	}
}
