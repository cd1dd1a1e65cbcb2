package store_test

import (
	"fmt"
	"strings"
	"testing"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
	"rawlogs/internal/testkit/cluster"
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

func TestUnknownCluster(t *testing.T) {
	t.Parallel()
	c := testkit.NewCluster(t, 1)
	cfg := testkit.ClusterConfig(c, 0)
	cfg.Spec = strings.Replace(cfg.Spec, "cluster="+cluster.Name, "cluster=other", 1)
	_, err := store.Open(t.Context(), cfg)
	if err == nil || !strings.Contains(err.Error(), "knows no cluster other") || !strings.Contains(err.Error(), cluster.Name) {
		t.Error(err)
	}
}
