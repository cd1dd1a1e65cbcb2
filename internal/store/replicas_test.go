package store_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

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
	var few *store.CopiesError
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
