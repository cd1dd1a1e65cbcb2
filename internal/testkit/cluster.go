package testkit

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rawlogs/internal/engine"
	"rawlogs/internal/store"
)

// ClusterName is the cluster of NewCluster's servers.
const ClusterName = "testing"

const clusterPassword = "of-the-test"

// Cluster is servers that know each other as the shards of a cluster, each with one
// replica. Each is an engine in a process of its own.
type Cluster struct {
	Addrs   []string // of the native protocol, by shard
	engines []*engine.Engine
	configs []engine.Config
}

// NewCluster starts a cluster of so many shards. It ends with the test.
func NewCluster(tb testing.TB, shards int) *Cluster {
	tb.Helper()
	c := &Cluster{}
	ports := ports(tb, 2*shards)
	for i := range shards {
		c.Addrs = append(c.Addrs, fmt.Sprintf("127.0.0.1:%d", ports[2*i]))
	}
	dir, err := memoryDir()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		for i := range c.engines {
			c.Stop(tb, i)
		}
		if err := os.RemoveAll(dir); err != nil {
			tb.Error(err)
		}
	})
	for i := range shards {
		path := filepath.Join(dir, fmt.Sprintf("shard%d", i+1))
		c.write(tb, path, c.definition(ClusterName))
		c.configs = append(c.configs, engine.Config{Path: path, TCPPort: ports[2*i], HTTPPort: ports[2*i+1], Password: clusterPassword, MaxMemory: 2 << 30})
		c.engines = append(c.engines, nil)
		c.Start(tb, i)
	}
	return c
}

// definition is the cluster of a name as the servers' configuration has it.
func (c *Cluster) definition(name string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<clickhouse><remote_servers><%s>\n", name)
	for _, addr := range c.Addrs {
		host, port, _ := strings.Cut(addr, ":")
		fmt.Fprintf(&b, "<shard><internal_replication>true</internal_replication><replica><host>%s</host><port>%s</port><user>ingest</user><password>%s</password></replica></shard>\n", host, port, clusterPassword)
	}
	fmt.Fprintf(&b, "</%s></remote_servers></clickhouse>\n", name)
	return b.String()
}

// write puts an addition to a server's configuration in place, for its next start.
func (c *Cluster) write(tb testing.TB, path, config string) {
	tb.Helper()
	dir := filepath.Join(path, "config.d")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "cluster.xml"), []byte(config), 0o600); err != nil {
		tb.Fatal(err)
	}
}

// Start starts the server of a shard, counted from 0, at the address that it has for good.
func (c *Cluster) Start(tb testing.TB, shard int) {
	tb.Helper()
	e, err := engine.Open(context.Background(), c.configs[shard])
	if err != nil {
		tb.Fatal(err)
	}
	c.engines[shard] = e
}

// Stop ends the server of a shard, if it runs.
func (c *Cluster) Stop(tb testing.TB, shard int) {
	tb.Helper()
	if e := c.engines[shard]; e != nil {
		c.engines[shard] = nil
		if err := e.Close(); err != nil {
			tb.Error(err)
		}
	}
}

// Config names the cluster's store, by way of the server of a shard.
func (c *Cluster) Config(shard int) store.Config {
	return store.Config{Spec: c.Spec(shard)}
}

// Spec is its address.
func (c *Cluster) Spec(shard int) string {
	return fmt.Sprintf("clickhouse://ingest:%s@%s/%s?cluster=%s", clusterPassword, c.Addrs[shard], engine.DefaultDatabase, ClusterName)
}

// ports finds free ones of 127.0.0.1.
func ports(tb testing.TB, n int) []int {
	tb.Helper()
	var out []int
	for range n {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			tb.Fatal(err)
		}
		defer func() { _ = l.Close() }() // all stay open until the last is found, so that they differ
		out = append(out, l.Addr().(*net.TCPAddr).Port)
	}
	return out
}
