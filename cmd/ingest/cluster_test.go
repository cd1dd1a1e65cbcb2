package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// loadedAt is when something was written into the store.
var loadedAt = regexp.MustCompile(`20(2[6-9]|[3-9][0-9])-[0-9-]+ [0-9:.]+`)

// The same logs give the same answers on one server and on the shards of a cluster, and the
// same commands work there.
func TestCluster(t *testing.T) {
	t.Parallel()
	likeOneServer(t, testkit.ClusterConfig(testkit.NewCluster(t, 3), 1).Spec, 3)
}

// It is so, too, where each of two shards has two replicas, and what is asked is in a Replicated
// database.
func TestClusterOfReplicas(t *testing.T) {
	t.Parallel()
	c := testkit.NewReplicas(t, 2, 2)
	if err := c.MakeReplicated(t.Context(), "logs"); err != nil {
		t.Fatal(err)
	}
	likeOneServer(t, c.Spec(1, "logs"), 2)
}

// likeOneServer loads the same logs into one server and into the store of a cluster of so many
// shards, and compares.
func likeOneServer(t *testing.T, spec string, n int) {
	t.Helper()
	dir := t.TempDir()
	archive := filepath.Join(dir, "archive")
	writeArchive(t, archive, 30)
	path := filepath.Join(dir, "store")
	held(t, path)
	command := func(spec string) func(want int, args ...string) string {
		return func(want int, args ...string) string {
			t.Helper()
			var stdout, stderr bytes.Buffer
			env := func(name string) string {
				if name == "INGEST_STORE" {
					return spec
				}
				return os.Getenv(name)
			}
			status := run(append(args, "--source", archive, "--network", "acme"), strings.NewReader(""), &stdout, &stderr, env)
			if status != want {
				t.Errorf("ingest %s: exit status %d, want %d\n%s%s", strings.Join(args, " "), status, want, stdout.String(), stderr.String())
			}
			return stdout.String()
		}
	}
	one, shards := command("embedded:"+path), command(spec)
	for _, in := range []func(int, ...string) string{one, shards} {
		in(exitIncomplete, "backfill", "2016-09-09", "-q") // broken lines
		in(exitIncomplete, "backfill", "2016", "-q")
		in(exitDone, "schema", "evolve", "--min-files", "1", "--min-rows", "1", "-q")
		in(exitIncomplete, "reload", "2016-09-09", "-q")
	}
	var tables []string
	for _, table := range append(store.RawTables(), store.RejectedRows) { // INSERTs into any of them take turns
		tables = append(tables, "SELECT _shard_num AS shard FROM "+table)
	}
	if got := strings.TrimSpace(shards(exitDone, "sql", "--format", "tsv", "SELECT uniqExact(shard) FROM ("+strings.Join(tables, " UNION ALL ")+")")); got != strconv.Itoa(n) {
		t.Errorf("the rows are on %s shards", got)
	}
	shards(exitDone, "verify")
	shards(exitIncomplete, "status")
	shards(exitDone, "check")
	if again := shards(exitIncomplete, "run", "--json"); !strings.Contains(again, `"loaded": 0`) {
		t.Errorf("run again: %s", again)
	}
	id := strings.TrimSpace(one(exitDone, "sql", "--format", "tsv", "SELECT min(transaction_id) FROM conversions WHERE transaction_id != ''"))
	if want, got := loadedAt.ReplaceAllString(one(exitDone, "trace", id), ""), loadedAt.ReplaceAllString(shards(exitDone, "trace", id), ""); want != got || !strings.Contains(got, id) {
		t.Errorf("the trace of %s on one server\n%s\nin the cluster\n%s", id, want, got)
	}
	lines := func(in func(int, ...string) string, query string) []string {
		text := loadedAt.ReplaceAllString(in(exitDone, "sql", "--format", "tsv", query), "(now)")
		sorted := strings.Split(text, "\n")
		slices.Sort(sorted) // of rows that no ORDER BY tells apart, either may come first
		return sorted
	}
	for _, q := range append(documented(t, "sql-cookbook.md"), "SELECT traffic_quality, count() FROM clicks GROUP BY ALL") {
		if strings.Contains(q, "system.parts") {
			continue
		}
		if want, got := lines(one, q), lines(shards, q); !slices.Equal(want, got) {
			t.Errorf("on one server\n%s\nin the cluster\n%s\nby\n%s", strings.Join(want, "\n"), strings.Join(got, "\n"), q)
		}
	}
}
