// Package cluster runs ClickHouse servers that know each other as the shards of a cluster, or as
// replicas of its shards. Each is an engine in a process of its own.
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
// servers. They are counted from 0, those of the first shard first.
type Cluster struct {
	Addrs    []string // of the native protocol, by server
	replicas int      // of each shard
	configs  []engine.Config
	engines  []*engine.Engine
	keeper   *keeper // nil where nothing is replicated
	held     []io.Closer
}

// Start starts so many servers, whose data are in folders of dir. They are known to each other,
// and to whoever asks them, by the address of what stands before each: a proxy, perhaps. Stop
// ends them.
func Start(dir string, shards int, before func(addr string) string) (*Cluster, error) {
	return StartReplicated(dir, shards, 1, before)
}

// StartReplicated is Start of shards that have so many replicas, and of a Keeper if they are several.
func StartReplicated(dir string, shards, replicas int, before func(addr string) string) (*Cluster, error) {
	servers := shards * replicas
	ports, held, err := reserve(2*servers + 1)
	c := &Cluster{replicas: replicas, engines: make([]*engine.Engine, servers), held: held}
	if err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	if replicas > 1 && engine.Loaded == nil {
		return nil, errors.Join(errors.New("servers replicate where main sets engine.Loaded to Replicate, before HostMain"), c.Stop())
	}
	if replicas > 1 {
		c.keeper = &keeper{dir: filepath.Join(dir, "keeper"), port: ports[2*servers]}
		if err = c.keeper.start(); err != nil {
			return nil, errors.Join(err, c.Stop())
		}
	}
	for i := range servers {
		c.Addrs = append(c.Addrs, fmt.Sprintf("127.0.0.1:%d", ports[2*i]))
		c.configs = append(c.configs, engine.Config{
			Path: filepath.Join(dir, fmt.Sprintf("server%d", i+1)), TCPPort: ports[2*i], HTTPPort: ports[2*i+1], Password: password, MaxMemory: 2 << 30,
		})
	}
	definition := c.definition(before)
	for i := range servers {
		if err = errors.Join(err, c.configure(i, Definition, definition), c.replicate(i), c.start(i)); err != nil {
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
	Mirrored   = "mirrored"   // of the same shards, each with its replicas in the opposite order; without internal_replication
)

// definition is the clusters as the servers' configuration has them.
func (c *Cluster) definition(before func(addr string) string) string {
	var servers []string
	for _, addr := range c.Addrs {
		host, port, _ := strings.Cut(before(addr), ":")
		servers = append(servers, fmt.Sprintf("<replica><host>%s</host><port>%s</port><user>ingest</user><password>%s</password></replica>", host, port, password))
	}
	var shards, mirrored []string
	for of := range slices.Chunk(servers, c.replicas) {
		shards = append(shards, strings.Join(of, ""))
		of = slices.Clone(of)
		slices.Reverse(of)
		mirrored = append(mirrored, strings.Join(of, ""))
	}
	backwards := slices.Clone(shards)
	slices.Reverse(backwards)
	var b strings.Builder
	b.WriteString("<clickhouse><remote_servers>\n")
	for name, of := range map[string][]string{
		Name: shards, Fewer: shards[:len(shards)-1], Reversed: backwards, Mirrored: mirrored, Twice: append(slices.Clone(servers), servers[0]), Replicated: {strings.Join(servers, "")},
	} {
		if len(of) == 0 {
			continue // which the server refuses
		}
		fmt.Fprintf(&b, "<%s>\n", name)
		for _, shard := range of {
			fmt.Fprintf(&b, "<shard><internal_replication>%t</internal_replication>%s</shard>\n", name != Mirrored, shard)
		}
		fmt.Fprintf(&b, "</%s>\n", name)
	}
	b.WriteString("</remote_servers></clickhouse>\n")
	return b.String()
}

// Definition is where, in a server's folder, it has its clusters from.
const Definition = "config.d/cluster.xml"

// configure puts an addition to a server's configuration in place, for its next start.
func (c *Cluster) configure(server int, name, config string) error {
	path := filepath.Join(c.configs[server].Path, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(config), 0o600)
}

// replicates, in a server's folder, is what makes it one that replicates.
const replicates = "config.d/replica.xml"

// replicate makes a server a replica of its shard. Embedded servers have no id of their own, by
// which a Keeper would tell their sessions apart.
func (c *Cluster) replicate(server int) error {
	if c.keeper == nil {
		return nil
	}
	return c.configure(server, replicates, fmt.Sprintf(`<clickhouse>
<listen_host>127.0.0.1</listen_host><listen_host>%s</listen_host>
<zookeeper><node><host>127.0.0.1</host><port>%d</port></node><session_timeout_ms>4000</session_timeout_ms><sessions_path>/sessions/%d</sessions_path></zookeeper>
<macros><shard>%d</shard><replica>%d</replica></macros>
</clickhouse>
`, interserverHost, c.keeper.port, server, server/c.replicas+1, server%c.replicas+1))
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
	errs = append(errs, c.keeper.stop())
	for _, port := range c.held {
		errs = append(errs, port.Close())
	}
	return errors.Join(errs...)
}

// Kill ends the process of a server at once.
func (c *Cluster) Kill(server int) error {
	e := c.engines[server]
	if err := syscall.Kill(e.PID(), syscall.SIGKILL); err != nil {
		return err
	}
	<-e.Died()
	return nil
}

// KillKeeper ends the Keeper's process at once.
func (c *Cluster) KillKeeper() error { return c.keeper.stop() }

// StartKeeper starts it again, with what it acknowledged before.
func (c *Cluster) StartKeeper() error { return c.keeper.start() }

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

// MakeReplicated makes a database on all servers in which a definition that is changed on one of
// them is changed on all.
func (c *Cluster) MakeReplicated(ctx context.Context, database string) error {
	return c.on(ctx, "CREATE DATABASE "+database+" ENGINE = Replicated('/clickhouse/databases/"+database+"', '{shard}', '{replica}')")
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
