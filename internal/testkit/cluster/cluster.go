// Package cluster runs ClickHouse servers that know each other as the shards of a cluster, each
// with one replica. Each is an engine in a process of its own.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"rawlogs/internal/engine"
	"rawlogs/internal/store"
)

// Name is the cluster's, as its servers know it.
const Name = "testing"

const password = "of-the-test"

// Cluster is servers that run. It is for one goroutine, but for Kill and Restart of different
// shards. Shards are counted from 0.
type Cluster struct {
	Addrs   []string // of the native protocol, by shard
	configs []engine.Config
	engines []*engine.Engine
	held    []io.Closer
}

// Start starts so many servers, whose data are in folders of dir. They are known to each other,
// and to whoever asks them, by the address of what stands before each: a proxy, perhaps. Stop
// ends them.
func Start(dir string, shards int, before func(addr string) string) (*Cluster, error) {
	ports, held, err := reserve(2 * shards)
	c := &Cluster{engines: make([]*engine.Engine, shards), held: held}
	if err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	for i := range shards {
		c.Addrs = append(c.Addrs, fmt.Sprintf("127.0.0.1:%d", ports[2*i]))
		c.configs = append(c.configs, engine.Config{
			Path: filepath.Join(dir, fmt.Sprintf("shard%d", i+1)), TCPPort: ports[2*i], HTTPPort: ports[2*i+1], Password: password, MaxMemory: 2 << 30,
		})
	}
	definition := c.definition(before)
	for i := range shards {
		if err = errors.Join(err, c.configure(i, definition), c.start(i)); err != nil {
			return nil, errors.Join(err, c.Stop())
		}
	}
	return c, nil
}

// Direct is for Start where nothing stands before the servers.
func Direct(addr string) string { return addr }

// Other clusters that the servers know.
const (
	Fewer      = "fewer"      // without the last shard
	Reversed   = "reversed"   // of the same shards in the opposite order
	Replicated = "replicated" // of one shard, of which each server is a replica
	Twice      = "twice"      // of which two shards are one server
)

// definition is the clusters as the servers' configuration has them.
func (c *Cluster) definition(before func(addr string) string) string {
	var replicas []string
	for _, addr := range c.Addrs {
		host, port, _ := strings.Cut(before(addr), ":")
		replicas = append(replicas, fmt.Sprintf("<replica><host>%s</host><port>%s</port><user>ingest</user><password>%s</password></replica>", host, port, password))
	}
	backwards := slices.Clone(replicas)
	slices.Reverse(backwards)
	var b strings.Builder
	b.WriteString("<clickhouse><remote_servers>\n")
	for name, shards := range map[string][]string{
		Name: replicas, Fewer: replicas[:len(replicas)-1], Reversed: backwards, Twice: append(slices.Clone(replicas), replicas[0]), Replicated: {strings.Join(replicas, "")},
	} {
		fmt.Fprintf(&b, "<%s>\n", name)
		for _, shard := range shards {
			fmt.Fprintf(&b, "<shard><internal_replication>true</internal_replication>%s</shard>\n", shard)
		}
		fmt.Fprintf(&b, "</%s>\n", name)
	}
	b.WriteString("</remote_servers></clickhouse>\n")
	return b.String()
}

// Definition is where, in a server's folder, it has its clusters from.
const Definition = "config.d/cluster.xml"

// configure puts an addition to a server's configuration in place, for its next start.
func (c *Cluster) configure(shard int, config string) error {
	path := filepath.Join(c.configs[shard].Path, Definition)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(config), 0o600)
}

func (c *Cluster) start(shard int) (err error) {
	c.engines[shard], err = engine.Open(context.Background(), c.configs[shard])
	return err
}

// Stop ends the servers.
func (c *Cluster) Stop() error {
	var errs []error
	for _, e := range c.engines {
		if e != nil {
			errs = append(errs, e.Close())
		}
	}
	for _, port := range c.held {
		errs = append(errs, port.Close())
	}
	return errors.Join(errs...)
}

// Kill ends the process of a shard's server at once.
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

// Spec is the address of the cluster's store in a database, by way of the server of a shard.
func (c *Cluster) Spec(shard int, database string) string {
	return Server(c.Addrs[shard], database) + "?cluster=" + Name
}

// Server is the address of one of the servers as a store of its own.
func Server(addr, database string) string {
	return fmt.Sprintf("clickhouse://ingest:%s@%s/%s", password, addr, database)
}

// Make makes a database on all servers.
func (c *Cluster) Make(ctx context.Context, database string) error {
	return c.on(ctx, "CREATE DATABASE "+database)
}

// Drop drops it, and that of the shards' own tables beside it.
func (c *Cluster) Drop(ctx context.Context, database string) error {
	return c.on(ctx, "DROP DATABASE IF EXISTS "+database+" SYNC", "DROP DATABASE IF EXISTS "+database+store.Local+" SYNC")
}

func (c *Cluster) on(ctx context.Context, statements ...string) error {
	var errs []error
	for _, addr := range c.Addrs {
		st, err := store.Open(ctx, store.Config{Spec: Server(addr, engine.DefaultDatabase)})
		if err != nil {
			return err
		}
		for _, statement := range statements {
			errs = append(errs, st.Conn().Exec(ctx, statement))
		}
		errs = append(errs, st.Close())
	}
	return errors.Join(errs...)
}

// Logs are the folders of the servers' logs.
func (c *Cluster) Logs() []string {
	var dirs []string
	for _, cfg := range c.configs {
		dirs = append(dirs, filepath.Join(cfg.Path, "logs"))
	}
	return dirs
}

// reserve finds ports of 127.0.0.1 on which nobody listens, and keeps other clusters from them
// until what it returns is closed. They lie below those that the system gives to connections, as
// a server that is started again needs the one that it had.
func reserve(n int) (ports []int, held []io.Closer, err error) {
	for len(ports) < n {
		const first, last = 20_000, 32_000
		port := first + rand.IntN(last-first)
		// A socket without a file: the system drops it with its process.
		mark, err := net.Listen("unix", fmt.Sprintf("@rawlogs-cluster-%d", port))
		if err != nil {
			continue // another cluster has it
		}
		l, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			err = l.Close()
		}
		if err != nil {
			if err = mark.Close(); err != nil {
				return nil, held, err
			}
			continue
		}
		ports, held = append(ports, port), append(held, mark)
	}
	return ports, held, nil
}
