package testkit

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"rawlogs/internal/engine"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit/cluster"
)

// NewCluster starts a cluster of so many shards. It ends with the test.
func NewCluster(tb testing.TB, shards int) *cluster.Cluster {
	tb.Helper()
	return NewClusterBehind(tb, shards, cluster.Direct)
}

// NewClusterBehind is NewCluster with something before each server: see cluster.Start.
func NewClusterBehind(tb testing.TB, shards int, before func(addr string) string) *cluster.Cluster {
	tb.Helper()
	return clusterIn(tb, func(dir string) (*cluster.Cluster, error) { return cluster.Start(dir, shards, before) })
}

// NewReplicas starts a cluster whose shards have so many replicas. It ends with the test.
func NewReplicas(tb testing.TB, shards, replicas int) *cluster.Cluster {
	tb.Helper()
	return NewReplicasBehind(tb, shards, replicas, cluster.Direct)
}

// NewReplicasBehind is NewReplicas with something before each server: see cluster.Start.
func NewReplicasBehind(tb testing.TB, shards, replicas int, before func(addr string) string) *cluster.Cluster {
	tb.Helper()
	return clusterIn(tb, func(dir string) (*cluster.Cluster, error) {
		return cluster.StartReplicated(dir, shards, replicas, before)
	})
}

// clusterIn starts a cluster in a folder of its own.
func clusterIn(tb testing.TB, start func(dir string) (*cluster.Cluster, error)) *cluster.Cluster {
	tb.Helper()
	dir, err := memoryDir()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if failed := os.RemoveAll(dir); failed != nil {
			tb.Error(failed)
		}
	})
	c, err := start(dir)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := c.Stop(); err != nil {
			tb.Error(err)
		}
	})
	return c
}

// ClusterConfig names the store of a cluster, by way of the server of a shard, counted from 0.
func ClusterConfig(c *cluster.Cluster, shard int) store.Config {
	return store.Config{Spec: c.Spec(shard, engine.DefaultDatabase)}
}

// OnShards runs a statement about a store's own tables, as somebody would by hand who names them
// without a database: on each shard. Rows are inserted at the home alone.
func OnShards(ctx context.Context, st *store.Store, statement string, args ...any) error {
	if st.Cluster() == "" || strings.HasPrefix(strings.TrimSpace(statement), "INSERT") {
		return st.Conn().Exec(ctx, statement, args...)
	}
	var errs []error
	for _, shard := range st.Shards() {
		own, err := store.Open(ctx, store.Config{Spec: cluster.Server(shard.Addr(), shard.Database())})
		if err != nil {
			return err
		}
		errs = append(errs, own.Conn().Exec(ctx, statement, args...), own.Close())
	}
	return errors.Join(errs...)
}
