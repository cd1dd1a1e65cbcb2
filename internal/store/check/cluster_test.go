package check_test

import (
	"fmt"
	"strings"
	"testing"

	"rawlogs/internal/store"
	"rawlogs/internal/store/check"
	"rawlogs/internal/testkit"
)

// A cluster is looked at as a whole, and each of its servers as one server is.
func TestCluster(t *testing.T) {
	t.Parallel()
	c := testkit.NewCluster(t, 2)
	st := testkit.OpenStore(t, testkit.ClusterConfig(c, 0))
	find := func(what string, level check.Level, words string) {
		t.Helper()
		var all []string
		for _, f := range check.Run(t.Context(), st) {
			if f.What == what && f.Level == level && strings.Contains(f.Detail, words) {
				return
			}
			all = append(all, fmt.Sprintf("%s %s: %s (%s)", f.Level, f.What, f.Detail, f.Hint))
		}
		t.Errorf("no %s %s of %q in\n%s", level, what, words, strings.Join(all, "\n"))
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
