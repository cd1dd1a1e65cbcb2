package store_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/engine"
	"rawlogs/internal/store"
	"rawlogs/internal/store/check"
	"rawlogs/internal/testkit"
	"rawlogs/internal/testkit/cluster"
	"rawlogs/schema"
)

// In a database that passes on what one server defines in it, the home defines for all servers, also
// for one that is away. Rows are in an ordinary one.
func TestReplicatedDatabase(t *testing.T) {
	t.Parallel()
	c := testkit.NewReplicas(t, 2, 2)
	if err := c.MakeReplicated(t.Context(), "logs"); err != nil {
		t.Fatal(err)
	}
	statements := 0
	cfg := store.Config{Spec: c.Spec(0, "logs") + "&distributed_ddl_task_timeout=10", Hook: func(ctx context.Context, op store.Op, do func(context.Context) error) error {
		if op.Detail == "CREATE TABLE clicks" {
			statements++
		}
		return do(ctx)
	}}
	st := testkit.OpenStore(t, cfg)
	if statements != 4+1 {
		t.Errorf("clicks was made %d times, want once on each of four servers and once for all of them", statements)
	}
	if done, err := st.Apply(t.Context()); err != nil || len(done) > 0 {
		t.Errorf("applied again: %v, %v", done, err)
	}
	names := store.Dictionary{Name: "names", Keys: 1, Columns: []store.Column{{Name: "id", Type: "UInt64"}, {Name: "name", Type: "String"}},
		Query: "SELECT 1 AS id, 'one' AS name", Comment: store.DictionaryComment("network, id", "0123456789ab")}
	if made, err := st.PutDictionary(t.Context(), names); err != nil || !made {
		t.Fatalf("%v, %v", made, err)
	}
	if err := st.ReloadDictionaries(t.Context(), []string{names.Name}); err != nil {
		t.Error(err)
	}
	complete := func(st *store.Store) error {
		for _, shard := range st.Shards() {
			replicas, err := shard.Replicas(t.Context())
			if err != nil || len(replicas) != 2 {
				return fmt.Errorf("%d replicas, %w", len(replicas), err)
			}
			for _, r := range replicas {
				var name string
				var views, own uint64
				if strays, err := r.StrayFronts(t.Context()); err != nil || len(strays) > 0 {
					return fmt.Errorf("%s: %v, %w", r.Addr(), strays, err)
				}
				err := r.Conn().QueryRow(t.Context(), `
					SELECT countIf(database = 'logs' AND engine = 'View'), countIf(database = 'logs_local' AND startsWith(engine, 'Replicated')), dictGet('logs.names', 'name', toUInt64(1))
					FROM system.tables`).Scan(&views, &own, &name)
				if err != nil || views < 10 || own < 10 || name != "one" {
					return fmt.Errorf("%s has %d views, %d tables of its own and the name %q, %w", r.Addr(), views, own, name, err)
				}
			}
		}
		return nil
	}
	if err := complete(st); err != nil {
		t.Error(err)
	}
	if err := c.Kill(3); err != nil {
		t.Fatal(err)
	}
	if err := st.Home().Conn().Exec(t.Context(), "DROP VIEW logs.conversions_current"); err != nil {
		t.Fatal(err)
	}
	if done, err := st.Apply(t.Context()); err != nil || !slices.Equal(done, []string{"CREATE VIEW conversions_current"}) {
		t.Errorf("applied beside a server that is away: %v, %v", done, err)
	}
	if err := st.AddColumns(t.Context(), "clicks", schema.Column{Name: "evolved", Definition: "evolved UInt8"}); err != nil {
		t.Fatal(err)
	}
	if err := c.Restart(3, nil); err != nil {
		t.Fatal(err)
	}
	back := testkit.OpenStore(t, store.Config{Spec: c.Spec(3, "logs")})
	for deadline := time.Now().Add(time.Minute); ; {
		err := complete(back)
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("a server that was away: %v", err)
		}
	}
}

// Databases that would have rows deleted later, or that differ, are refused before anything is made.
func TestReplicatedDatabaseRefused(t *testing.T) {
	t.Parallel()
	c := testkit.NewReplicas(t, 1, 2)
	for _, make := range []error{
		c.MakeReplicated(t.Context(), "logs"),
		c.MakeReplicated(t.Context(), "owned"+store.Local), c.Make(t.Context(), "owned"),
		c.Make(t.Context(), "differ"),
	} {
		if make != nil {
			t.Fatal(make)
		}
	}
	for _, addr := range c.Addrs[1:] {
		st, err := store.Open(t.Context(), store.Config{Spec: cluster.Server(addr, engine.DefaultDatabase)})
		if err != nil {
			t.Fatal(err)
		}
		for _, statement := range []string{"DROP DATABASE differ SYNC", "CREATE DATABASE differ ENGINE = Replicated('/differ', '{shard}', '{replica}')"} {
			if err := st.Conn().Exec(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for database, want := range map[string]string{
		"owned":  "the database owned_local has the engine Replicated: it has the servers' own tables",
		"differ": "the database differ has the engine Replicated here, and another one elsewhere",
	} {
		if st, err := store.Open(t.Context(), store.Config{Spec: c.Spec(0, database)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", database, err, want)
			if err == nil {
				_ = st.Close()
			}
		}
	}
	alone, err := store.Open(t.Context(), store.Config{Spec: cluster.Server(c.Addrs[0], "logs"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := check.Loadable(t.Context(), alone, nil); err == nil || !strings.Contains(err.Error(), "has the engine Replicated") || !strings.Contains(err.Error(), "?cluster=NAME") {
		t.Errorf("without a cluster: %v", err)
	}
	if err := alone.Close(); err != nil {
		t.Error(err)
	}
}
