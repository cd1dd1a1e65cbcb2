package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"rawlogs/internal/engine"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
	"rawlogs/internal/testkit/cluster"
	"rawlogs/schema"
)

// A cluster is found by asking one of its servers, and each gets the tables; people ask in
// one database for the rows of all of them.
func TestCluster(t *testing.T) {
	t.Parallel()
	c := testkit.NewCluster(t, 3)
	st := testkit.OpenStore(t, testkit.ClusterConfig(c, 1))
	if len(st.Shards()) != 3 || st.Home() != st.Shards()[0] {
		t.Fatalf("%d shards", len(st.Shards()))
	}
	scope := store.Scope{Network: "acme", Type: rawlog.Clicks}
	for i, shard := range st.Shards() {
		err := shard.Conn().Exec(t.Context(), fmt.Sprintf("INSERT INTO %s (network, _file, _hour, _insert) SELECT 'acme', 'a', toDateTime('2016-09-30 20:00:00', 'UTC'), %d FROM numbers(%d)", shard.Holding("clicks"), i+1, i+3))
		if err != nil {
			t.Fatal(err)
		}
	}
	counts, err := st.CountRows(t.Context(), scope, "a")
	if err != nil || fmt.Sprint(counts) != "map[{a 1}:3 {a 2}:4 {a 3}:5]" {
		t.Errorf("counted %v, %v", counts, err)
	}
	var n uint64
	if err := st.Conn().QueryRow(t.Context(), "SELECT count() FROM "+st.TableName("clicks")).Scan(&n); err != nil || n != 12 {
		t.Errorf("asked for all, got %d rows, %v", n, err)
	}
	if err := st.DeleteRows(t.Context(), scope, []store.Rows{{File: "a", Insert: 2}}, store.Fence{Run: "20160930t200000-00000001", Condition: "(SELECT count() FROM " + st.TableName("ingest_leases") + ") = 0"}); err != nil {
		t.Fatal(err)
	}
	if counts, err = st.CountRows(t.Context(), scope); err != nil || fmt.Sprint(counts) != "map[{a 1}:3 {a 3}:5]" {
		t.Errorf("after a deletion: %v, %v", counts, err)
	}
	for i := range c.Addrs { // from wherever it is asked
		again := testkit.OpenStore(t, testkit.ClusterConfig(c, i))
		done, err := again.Apply(t.Context())
		if err != nil || len(done) > 0 {
			t.Errorf("applied again by %s: %v, %v", c.Addrs[i], done, err)
		}
		reader := testkit.ClusterConfig(c, i)
		reader.Reader = true
		asking, err := store.Open(t.Context(), reader)
		if err != nil {
			t.Fatal(err)
		}
		if err := asking.Conn().QueryRow(t.Context(), "SELECT count() FROM clicks").Scan(&n); err != nil || n != 8 {
			t.Errorf("asked by %s: %d rows, %v", c.Addrs[i], n, err)
		}
		if err := asking.Close(); err != nil {
			t.Error(err)
		}
	}
}

// inCluster is the store's address, by way of the first server, in another cluster.
func inCluster(c *cluster.Cluster, name string) store.Config {
	return store.Config{Spec: strings.Replace(testkit.ClusterConfig(c, 0).Spec, "cluster="+cluster.Name, "cluster="+name, 1)}
}

// What cannot be served is refused before anything is made.
func TestClustersRefused(t *testing.T) {
	t.Parallel()
	c := testkit.NewCluster(t, 2)
	for name, want := range map[string]string{
		"other":            "knows no cluster other (remote_servers in its configuration): it knows",
		cluster.Replicated: "lacks the macros shard and replica",
		cluster.Twice:      "has one server twice, as " + c.Addrs[0],
	} {
		if st, err := store.Open(t.Context(), inCluster(c, name)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
			if err == nil {
				_ = st.Close()
			}
		}
	}
	for spec, want := range map[string]string{
		strings.Replace(testkit.ClusterConfig(c, 0).Spec, "cluster="+cluster.Name, "cluster=", 1):         "want the name of a cluster",
		strings.Replace(testkit.ClusterConfig(c, 0).Spec, "cluster="+cluster.Name, "clusters=testing", 1): "did you mean cluster?",
	} {
		if _, err := store.Open(t.Context(), store.Config{Spec: spec}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// Whoever looks makes nothing.
func TestClusterLookedAt(t *testing.T) {
	t.Parallel()
	c := testkit.NewCluster(t, 2)
	looking := testkit.ClusterConfig(c, 0)
	looking.Existing = true
	for range 2 {
		if _, err := store.Open(t.Context(), looking); !errors.Is(err, engine.ErrAbsent) {
			t.Fatalf("%v, want %v", err, engine.ErrAbsent)
		}
	}
}

// The home is where the ledger is, whatever the order in which the cluster has its servers.
func TestClusterHome(t *testing.T) {
	t.Parallel()
	c := testkit.NewCluster(t, 3)
	st := testkit.OpenStore(t, testkit.ClusterConfig(c, 0))
	reversed := testkit.OpenStore(t, inCluster(c, cluster.Reversed))
	if reversed.Home().Addr() != c.Addrs[0] || reversed.Shards()[2].Addr() != c.Addrs[0] {
		t.Errorf("the home is %s, want %s", reversed.Home().Addr(), c.Addrs[0])
	}
	second := st.Shards()[1]
	if err := second.Conn().Exec(t.Context(), "INSERT INTO "+second.Holding("ingest_schema")+" (version) VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(t.Context(), testkit.ClusterConfig(c, 0)); err == nil || !strings.Contains(err.Error(), "both have a ledger") {
		t.Errorf("two homes: %v", err)
	}
}

// A shard that is added gets its tables, and nothing of the old ones moves.
func TestClusterGrows(t *testing.T) {
	t.Parallel()
	c := testkit.NewCluster(t, 3)
	st := testkit.OpenStore(t, inCluster(c, cluster.Fewer))
	for i, shard := range st.Shards() {
		if err := shard.Conn().Exec(t.Context(), fmt.Sprintf("INSERT INTO %s (network, _file) SELECT 'acme', 'a' FROM numbers(%d)", shard.Holding("impressions"), i+1)); err != nil {
			t.Fatal(err)
		}
	}
	grown := testkit.OpenStore(t, testkit.ClusterConfig(c, 2))
	if len(grown.Shards()) != 3 || grown.Home().Addr() != c.Addrs[0] {
		t.Fatalf("%d shards, the home is %s", len(grown.Shards()), grown.Home().Addr())
	}
	for _, shard := range grown.Shards() {
		if strays, err := shard.StrayFronts(t.Context()); err != nil || len(strays) > 0 {
			t.Errorf("%s: %v, %v", shard.Addr(), strays, err)
		}
		var n uint64
		if err := shard.Conn().QueryRow(t.Context(), "SELECT count() FROM "+shard.TableName("impressions")).Scan(&n); err != nil || n != 3 {
			t.Errorf("%s: %d rows, %v", shard.Addr(), n, err)
		}
	}
}

// A table that stands for those of all shards follows them in their columns.
func TestFrontsFollow(t *testing.T) {
	t.Parallel()
	c := testkit.NewCluster(t, 2)
	st := testkit.OpenStore(t, testkit.ClusterConfig(c, 0))
	if err := testkit.OnShards(t.Context(), st, "ALTER TABLE clicks ADD COLUMN by_hand String"); err != nil {
		t.Fatal(err)
	}
	if done, err := st.Apply(t.Context()); err != nil || fmt.Sprint(done) != "[REPLACE TABLE clicks]" {
		t.Errorf("applied %v, %v", done, err)
	}
	if err := st.AddColumns(t.Context(), "clicks", schema.Column{Name: "evolved", Definition: "evolved UInt8"}); err != nil {
		t.Fatal(err)
	}
	var n uint64
	if err := st.Conn().QueryRow(t.Context(), "SELECT countIf(by_hand = '') + countIf(evolved = 0) FROM "+st.TableName("clicks")).Scan(&n); err != nil {
		t.Error(err)
	}
}
