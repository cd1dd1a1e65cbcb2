package check_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/store"
	"rawlogs/internal/store/check"
	"rawlogs/internal/testkit"
	"rawlogs/internal/testkit/cluster"
)

// wantFound wants a finding with some words among those that were found.
func wantFound(t *testing.T, found []check.Finding, what string, level check.Level, words string) {
	t.Helper()
	var all []string
	for _, f := range found {
		if f.What == what && f.Level == level && strings.Contains(f.Detail, words) {
			return
		}
		all = append(all, fmt.Sprintf("%s %s: %s (%s)", f.Level, f.What, f.Detail, f.Hint))
	}
	t.Errorf("no %s %s of %q in\n%s", level, what, words, strings.Join(all, "\n"))
}

// A cluster is looked at as a whole, and each of its servers as one server is.
func TestCluster(t *testing.T) {
	t.Parallel()
	c := testkit.NewCluster(t, 2)
	st := testkit.OpenStore(t, testkit.ClusterConfig(c, 0))
	find := func(what string, level check.Level, words string) {
		t.Helper()
		wantFound(t, check.Run(t.Context(), st), what, level, words)
	}
	for _, f := range check.Run(t.Context(), st) {
		if f.Level == check.Fail {
			t.Errorf("%s: %s", f.What, f.Detail)
		}
	}
	find("cluster", check.OK, "has 2 shards")
	second := st.Shards()[1]
	find("rehearsal clicks on "+second.Addr(), check.OK, "counted, deleted and counted")

	exec := func(statement string) {
		t.Helper()
		if err := second.Conn().Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	exec("ALTER TABLE " + second.Holding("impressions") + " ADD COLUMN more String")
	find("fronts on "+second.Addr(), check.Fail, "impressions")
	if _, err := st.ColumnsOf(t.Context(), "impressions"); err == nil || !strings.Contains(err.Error(), second.Addr()) {
		t.Errorf("columns that differ: %v", err)
	}
	exec("ALTER TABLE " + second.Holding("impressions") + " DROP COLUMN more")
	exec("DROP TABLE " + second.TableName("clicks"))
	exec("CREATE TABLE " + second.TableName("clicks") + " AS " + second.Holding("clicks"))
	find("fronts on "+second.Addr(), check.Fail, "clicks")
	_, err := st.Apply(t.Context())
	if err == nil || !strings.Contains(err.Error(), "did not make") {
		t.Errorf("a table of somebody's in a front: %v", err)
	}
	exec("DROP TABLE " + second.TableName("clicks"))
	if done, err := st.Apply(t.Context()); err != nil || fmt.Sprint(done) != "[CREATE TABLE clicks]" {
		t.Errorf("applied %v, %v", done, err)
	}
	exec("DROP TABLE " + second.Holding("rejected_rows"))
	exec("CREATE TABLE " + second.Holding("rejected_rows") + " (network String) ENGINE = Log")
	if err := check.Loadable(t.Context(), st, store.RawTables()); err == nil || !strings.Contains(err.Error(), second.Addr()) {
		t.Errorf("a table that may not hold rows on one shard: %v", err)
	}
}

// Each replica is looked at, and those of a shard beside each other.
func TestReplicas(t *testing.T) {
	t.Parallel()
	c := testkit.NewReplicas(t, 1, 2)
	cfg := testkit.ClusterConfig(c, 0)
	st := testkit.OpenStore(t, cfg)
	good := check.Run(t.Context(), st)
	for _, f := range good {
		if f.Level == check.Fail {
			t.Errorf("%s: %s", f.What, f.Detail)
		}
	}
	wantFound(t, good, "cluster", check.OK, "has 1 shards on 2 servers")
	for _, addr := range c.Addrs {
		wantFound(t, good, "replica "+addr, check.OK, "replicates")
		wantFound(t, good, "rehearsal clicks on "+addr, check.OK, "counted, deleted and counted")
	}
	all, err := st.Home().Replicas(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := all[1].DropTable(t.Context(), "rejected_rows"); err != nil {
		t.Fatal(err)
	}
	cfg.Spec = strings.Replace(cfg.Spec, "cluster="+cluster.Name, "cluster="+cluster.Mirrored, 1)
	other, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	bad := check.Run(t.Context(), other)
	wantFound(t, bad, "replica "+c.Addrs[0], check.Fail, "rejected_rows (1)")
	wantFound(t, bad, "replicas", check.Warn, "internal_replication")
	if err := other.Close(); err != nil {
		t.Error(err)
	}
	if done, err := st.Apply(t.Context()); err != nil || fmt.Sprint(done) != "[CREATE TABLE rejected_rows]" {
		t.Errorf("applied %v, %v", done, err)
	}
	if tables, err := all[1].Replicating(t.Context()); err != nil || slices.ContainsFunc(tables, func(r store.Replicating) bool { return r.Total != 2 }) {
		t.Errorf("%+v, %v", tables, err)
	}
}

// A server that takes others for its cluster puts together other rows.
func TestClusterKnownOtherwise(t *testing.T) {
	t.Parallel()
	c := testkit.NewCluster(t, 2)
	if err := c.Restart(1, func(folder string) error {
		path := filepath.Join(folder, cluster.Definition)
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		swapped := strings.NewReplacer("<"+cluster.Name+">", "<"+cluster.Reversed+">", "</"+cluster.Name+">", "</"+cluster.Reversed+">",
			"<"+cluster.Reversed+">", "<"+cluster.Name+">", "</"+cluster.Reversed+">", "</"+cluster.Name+">").Replace(string(text))
		return os.WriteFile(path, []byte(swapped), 0o600)
	}); err != nil {
		t.Fatal(err)
	}
	st := testkit.OpenStore(t, testkit.ClusterConfig(c, 0))
	found := check.Run(t.Context(), st)
	if f := found[0]; f.Level != check.Fail || !strings.Contains(f.Detail, c.Addrs[1]+" takes "+c.Addrs[1]+", "+c.Addrs[0]) {
		t.Errorf("%+v", f)
	}
}

func TestClocksApart(t *testing.T) {
	t.Parallel()
	for diff, want := range map[time.Duration]bool{0: false, 4 * time.Second: false, -7 * time.Second: true, 7 * time.Second: true} {
		if check.Apart(diff, time.Second) != want {
			t.Errorf("%s: %t", diff, !want)
		}
	}
	if check.Apart(7*time.Second, 3*time.Second) {
		t.Error("7 s, of which 3 are ours")
	}
}
