package store_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// A shard's rows are on all of its replicas, and one takes the place of another that is away.
func TestReplicas(t *testing.T) {
	t.Parallel()
	c := testkit.NewReplicas(t, 1, 2)
	st := testkit.OpenStore(t, testkit.ClusterConfig(c, 0))
	if len(st.Shards()) != 1 || !st.Replicated() || st.Home().Addr() != c.Addrs[0] {
		t.Fatalf("%d shards, replicated %v", len(st.Shards()), st.Replicated())
	}
	if done, err := st.Apply(t.Context()); err != nil || len(done) > 0 {
		t.Fatalf("applied again: %v, %v", done, err)
	}
	scope := store.Scope{Network: "acme", Type: rawlog.Clicks}
	shard := st.Shards()[0]
	insert := func(id, rows int) error {
		return shard.Conn().Exec(t.Context(), fmt.Sprintf("INSERT INTO %s (network, _file, _hour, _insert) SELECT 'acme', 'a', toDateTime('2016-09-30 20:00:00', 'UTC'), %d FROM numbers(%d)", shard.Holding("clicks"), id, rows))
	}
	for id := 1; id <= 2; id++ {
		if err := insert(id, 3*id); err != nil {
			t.Fatal(err)
		}
		if err := shard.Copied(t.Context(), "clicks", uint64(id), 3*id); err != nil {
			t.Fatal(err)
		}
	}
	var few *store.CopiesError
	if err := shard.Copied(t.Context(), "clicks", 2, 7); !errors.As(err, &few) {
		t.Errorf("6 rows were taken for 7: %v", err)
	}
	fence := store.Fence{Run: "20160930t200000-00000001", Condition: "(SELECT count() FROM " + st.TableName("ingest_leases") + ") = 0"}
	if err := st.DeleteRows(t.Context(), scope, []store.Rows{{File: "a", Insert: 1}}, fence); err != nil {
		t.Fatal(err)
	}
	replicas, err := shard.Replicas(t.Context())
	if err != nil || len(replicas) != 2 {
		t.Fatalf("%d replicas, %v", len(replicas), err)
	}
	for _, r := range replicas {
		var n uint64
		if err := r.Conn().QueryRow(t.Context(), "SELECT count() FROM "+r.Holding("clicks")).Scan(&n); err != nil || n != 6 {
			t.Errorf("%s: %d rows, %v", r.Addr(), n, err)
		}
		if err := r.Conn().QueryRow(t.Context(), "SELECT count() FROM "+r.TableName("clicks")).Scan(&n); err != nil || n != 6 {
			t.Errorf("%s, asked for all: %d rows, %v", r.Addr(), n, err)
		}
	}
	running := make(chan error, 1)
	go func() {
		running <- replicas[1].Conn().Exec(clickhouse.Context(t.Context(), clickhouse.WithQueryID("ingest-dead-1")), "SELECT sleepEachRow(1) FROM numbers(100) SETTINGS max_block_size = 1, function_sleep_max_microseconds_per_block = 0")
	}()
	for n := uint64(0); n == 0; { // until it runs there
		if err := replicas[1].Conn().QueryRow(t.Context(), "SELECT count() FROM system.processes WHERE query_id = 'ingest-dead-1'").Scan(&n); err != nil {
			t.Fatal(err)
		}
	}
	if err := st.KillQueries(t.Context(), "ingest-dead-"); err != nil {
		t.Fatal(err)
	}
	if err := <-running; err == nil {
		t.Error("a query on the other replica was not ended")
	}
	if err := c.Kill(0); err != nil {
		t.Fatal(err)
	}
	patience := store.Patience{Store: st, Wait: time.Minute, Log: slog.New(slog.DiscardHandler)}
	err = patience.Steady(t.Context(), func(ctx context.Context) error {
		counts, err := st.CountRows(ctx, scope)
		if err == nil && fmt.Sprint(counts) != "map[{a 2}:6]" {
			err = fmt.Errorf("counted %v", counts)
		}
		return err
	})
	if err != nil || st.Home().Addr() != c.Addrs[1] {
		t.Fatalf("%s is in use, %v", st.Home().Addr(), err)
	}
	if err := insert(3, 1); err != nil {
		t.Fatal(err)
	}
	if err := shard.Copied(t.Context(), "clicks", 3, 1); !errors.As(err, &few) || few.Have != 1 || few.Wanted != 2 || !store.Retryable(err) {
		t.Errorf("on one replica alone: %v", err)
	}
	if err := st.DeleteRows(t.Context(), scope, []store.Rows{{File: "a", Insert: 2}}, fence); err != nil {
		t.Errorf("a dead replica keeps a deletion: %v", err)
	}
	if err := c.Restart(0, nil); err != nil {
		t.Fatal(err)
	}
	if err := patience.Steady(t.Context(), func(ctx context.Context) error { return shard.Copied(ctx, "clicks", 3, 1) }); err != nil {
		t.Error(err)
	}
	back := testkit.OpenStore(t, testkit.ClusterConfig(c, 0))
	if counts, err := back.CountRows(t.Context(), scope); err != nil || fmt.Sprint(counts) != "map[{a 3}:1]" || back.Home().Addr() != c.Addrs[0] {
		t.Errorf("%s, which was away: %v, %v", back.Home().Addr(), counts, err)
	}
}

// Who may only look looks at what the replica has.
func TestLookingAtReplicas(t *testing.T) {
	t.Parallel()
	c := testkit.NewReplicas(t, 1, 2)
	cfg := testkit.ClusterConfig(c, 0)
	testkit.OpenStore(t, cfg)
	cfg.Spec += "&readonly=1"
	if _, err := store.Open(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "readonly") {
		t.Errorf("a loader that may not write: %v", err)
	}
	cfg.Existing = true
	st, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := st.CountRows(t.Context(), store.Scope{Network: "acme", Type: rawlog.Clicks}); err != nil || len(n) > 0 {
		t.Errorf("%v, %v", n, err)
	}
	if err := st.Close(); err != nil {
		t.Error(err)
	}
}

// A count on a replica that lacks rows is no count.
func TestCountOnReplica(t *testing.T) {
	t.Parallel()
	c := testkit.NewReplicas(t, 1, 2)
	cfg := testkit.ClusterConfig(c, 0)
	cfg.ReplicaWait = time.Second
	st := testkit.OpenStore(t, cfg)
	replicas, err := st.Home().Replicas(t.Context())
	if err != nil || len(replicas) != 2 {
		t.Fatalf("%d replicas, %v", len(replicas), err)
	}
	for _, statement := range []struct {
		on  *store.Server
		sql string
	}{
		{replicas[1], "SYSTEM STOP FETCHES " + replicas[1].Holding("clicks")},
		{replicas[0], "INSERT INTO " + replicas[0].Holding("clicks") + " (network, _insert) VALUES ('acme', 7)"},
	} {
		if err := statement.on.Conn().Exec(t.Context(), statement.sql); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := replicas[1].CountInsert(t.Context(), "clicks", 7); err == nil || !store.Retryable(err) {
		t.Errorf("counted %d, %v", n, err)
	}
	if err := replicas[1].Conn().Exec(t.Context(), "SYSTEM START FETCHES "+replicas[1].Holding("clicks")); err != nil {
		t.Fatal(err)
	}
	if n, err := replicas[1].CountInsert(t.Context(), "clicks", 7); err != nil || n != 1 {
		t.Errorf("counted %d, %v", n, err)
	}
}

func TestWrongMacros(t *testing.T) {
	t.Parallel()
	good := []store.Macros{{Addr: "a", Of: 0, Shard: "1", Replica: "x"}, {Addr: "b", Of: 0, Shard: "1", Replica: "y"}, {Addr: "c", Of: 1, Shard: "2", Replica: "x"}}
	if err := store.WrongMacros(good); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(all []store.Macros){
		"b lacks the macros": func(all []store.Macros) { all[1].Replica = "" },
		"c lacks the macros": func(all []store.Macros) { all[2].Shard = "" },
		`a and b are replicas of one shard, and their macros shard are "1" and "3"`: func(all []store.Macros) { all[1].Shard = "3" },
		`a and b are replicas of one shard, and their macros replica are both "x"`:  func(all []store.Macros) { all[1].Replica = "x" },
		`a and c are of two shards, and their macros shard are both "1"`:            func(all []store.Macros) { all[2].Shard = "1" },
	} {
		all := slices.Clone(good)
		change(all)
		if err := store.WrongMacros(all); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
