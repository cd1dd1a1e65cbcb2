package testkit

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"rawlogs/internal/engine"
	"rawlogs/internal/store"
)

// ClusterName is the cluster of a Cluster's servers.
const ClusterName = "testing"

const clusterPassword = "of-the-test"

// Cluster is servers that know each other as the shards of a cluster, each with one
// replica. Each is an engine in a process of its own.
type Cluster struct {
	Addrs   []string // of the native protocol, by shard
	dir     string
	configs []engine.Config
	engines []*engine.Engine
}

// NewCluster starts a cluster of so many shards. It ends with the test.
func NewCluster(tb testing.TB, shards int) *Cluster {
	tb.Helper()
	return NewClusterBehind(tb, shards, func(addr string) string { return addr })
}

// NewClusterBehind starts a cluster whose servers are known to each other, and to whoever asks
// them, by the address of what stands before each: a proxy, perhaps.
func NewClusterBehind(tb testing.TB, shards int, before func(addr string) string) *Cluster {
	tb.Helper()
	c, err := startCluster(shards, before)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := c.stop(); err != nil {
			tb.Error(err)
		}
	})
	return c
}

// startCluster starts one that its caller stops.
func startCluster(shards int, before func(addr string) string) (*Cluster, error) {
	ports, err := freePorts(2 * shards)
	if err != nil {
		return nil, err
	}
	dir, err := memoryDir()
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: dir, engines: make([]*engine.Engine, shards)}
	for i := range shards {
		c.Addrs = append(c.Addrs, fmt.Sprintf("127.0.0.1:%d", ports[2*i]))
		c.configs = append(c.configs, engine.Config{
			Path: filepath.Join(dir, fmt.Sprintf("shard%d", i+1)), TCPPort: ports[2*i], HTTPPort: ports[2*i+1], Password: clusterPassword, MaxMemory: 2 << 30,
		})
	}
	definition := c.definition(before)
	for i := range shards {
		if err = errors.Join(err, c.configure(i, definition), c.start(i)); err != nil {
			return nil, errors.Join(err, c.stop())
		}
	}
	return c, nil
}

// definition is the cluster as the servers' configuration has it.
func (c *Cluster) definition(before func(addr string) string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<clickhouse><remote_servers><%s>\n", ClusterName)
	for _, addr := range c.Addrs {
		host, port, _ := strings.Cut(before(addr), ":")
		fmt.Fprintf(&b, "<shard><internal_replication>true</internal_replication><replica><host>%s</host><port>%s</port><user>ingest</user><password>%s</password></replica></shard>\n",
			host, port, clusterPassword)
	}
	fmt.Fprintf(&b, "</%s></remote_servers></clickhouse>\n", ClusterName)
	return b.String()
}

// configure puts an addition to a server's configuration in place, for its next start.
func (c *Cluster) configure(shard int, config string) error {
	dir := filepath.Join(c.configs[shard].Path, "config.d")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "cluster.xml"), []byte(config), 0o600)
}

func (c *Cluster) start(shard int) (err error) {
	c.engines[shard], err = engine.Open(context.Background(), c.configs[shard])
	return err
}

func (c *Cluster) stop() error {
	var errs []error
	for _, e := range c.engines {
		if e != nil {
			errs = append(errs, e.Close())
		}
	}
	return errors.Join(append(errs, os.RemoveAll(c.dir))...)
}

// Kill ends the process of a shard's server, counted from 0, at once.
func (c *Cluster) Kill(shard int) error {
	e := c.engines[shard]
	if err := syscall.Kill(e.PID(), syscall.SIGKILL); err != nil {
		return err
	}
	<-e.Died()
	return nil
}

// Restart starts the server of a shard again, which may have ended, at the address that it
// has for good. Before it does, it calls between, if that is not nil, with the server's folder.
func (c *Cluster) Restart(shard int, between func(folder string) error) error {
	if err := c.engines[shard].Close(); err != nil {
		return err
	}
	if between != nil {
		if err := between(c.configs[shard].Path); err != nil {
			return err
		}
	}
	return c.start(shard)
}

// Config names the cluster's store, by way of the server of a shard.
func (c *Cluster) Config(shard int) store.Config {
	return store.Config{Spec: c.spec(shard, engine.DefaultDatabase)}
}

func (c *Cluster) spec(shard int, database string) string {
	return c.server(shard, database) + "?cluster=" + ClusterName
}

// server is the address of one of its servers.
func (c *Cluster) server(shard int, database string) string {
	return fmt.Sprintf("clickhouse://ingest:%s@%s/%s", clusterPassword, c.Addrs[shard], database)
}

// database makes a database of a name on all servers, and returns what drops it again.
func (c *Cluster) database(name string) (drop func() error, err error) {
	on := func(statements ...string) error {
		var errs []error
		for i := range c.Addrs {
			st, err := store.Open(context.Background(), store.Config{Spec: c.server(i, engine.DefaultDatabase)})
			if err != nil {
				return err
			}
			for _, statement := range statements {
				errs = append(errs, st.Conn().Exec(context.Background(), statement))
			}
			errs = append(errs, st.Close())
		}
		return errors.Join(errs...)
	}
	return func() error {
		return on("DROP DATABASE IF EXISTS "+name+" SYNC", "DROP DATABASE IF EXISTS "+name+store.Local+" SYNC")
	}, on("CREATE DATABASE " + name)
}

// OnShards runs a statement about a store's own tables, as somebody would by hand who names them
// without a database: on each shard. Rows are inserted at the home alone.
func OnShards(ctx context.Context, st *store.Store, statement string, args ...any) error {
	if st.Cluster() == "" || strings.HasPrefix(strings.TrimSpace(statement), "INSERT") {
		return st.Conn().Exec(ctx, statement, args...)
	}
	var errs []error
	for _, shard := range st.Shards() {
		own, err := store.Open(ctx, store.Config{Spec: fmt.Sprintf("clickhouse://ingest:%s@%s/%s", clusterPassword, shard.Addr(), shard.Database())})
		if err != nil {
			return err
		}
		errs = append(errs, own.Conn().Exec(ctx, statement, args...), own.Close())
	}
	return errors.Join(errs...)
}

// freePorts finds ports of 127.0.0.1 on which nobody listens.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer func() { _ = l.Close() }() // all stay open until the last is found, so that they differ
		addr, ok := l.Addr().(*net.TCPAddr)
		if !ok {
			return nil, fmt.Errorf("%s is no address of TCP", l.Addr())
		}
		ports = append(ports, addr.Port)
	}
	return ports, nil
}
