package testkit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"rawlogs/internal/engine"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit/cluster"
)

// Main is the TestMain of packages that need a ClickHouse:
//
//	func TestMain(m *testing.M) { testkit.Main(m) }
//
// It ends the process with the tests' status, after the shared engine has stopped.
func Main(m *testing.M) {
	engine.Loaded = cluster.Replicate
	engine.HostMain()
	code := m.Run()
	if err := shared.stop(); err != nil {
		fmt.Fprintln(os.Stderr, "testkit:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// Store opens an engine of the test's own, with the tables in place: for tests
// that stop, kill or restart it. Others take Database, which is cheaper.
func Store(tb testing.TB) *store.Store {
	tb.Helper()
	return OpenStore(tb, store.Config{Spec: "embedded:" + filepath.Join(tb.TempDir(), "store")})
}

// Database opens a new database on the engine that the package's tests share,
// with the tables in place. It is gone with the test.
func Database(tb testing.TB) *store.Store {
	tb.Helper()
	return OpenStore(tb, DatabaseConfig(tb))
}

// DatabaseConfig names a new database on the shared engine, for tests that
// open it several times or through a hook. Where the environment says SHAPE=shards, it is
// one on three engines, over which the rows are spread; with SHAPE=replicas it is one on two
// shards of two replicas.
func DatabaseConfig(tb testing.TB) store.Config {
	tb.Helper()
	name := fmt.Sprintf("test_%d", shared.databases.Add(1))
	if Sharded() {
		return shared.shardedDatabase(tb, name)
	}
	path, err := shared.start()
	if err != nil {
		tb.Fatal(err)
	}
	cfg := store.Config{Spec: "embedded:" + path, Engine: engine.Config{Database: name}}
	tb.Cleanup(func() {
		if err := dropDatabase(cfg, name); err != nil {
			tb.Error(err)
		}
	})
	return cfg
}

// Sharded reports whether the tests' databases are to lie over shards.
func Sharded() bool { return os.Getenv("SHAPE") == "shards" || replicas() }

func replicas() bool { return os.Getenv("SHAPE") == "replicas" }

func (s *sharedEngine) shardedDatabase(tb testing.TB, name string) store.Config {
	tb.Helper()
	s.once.Do(func() {
		if s.dir, s.err = memoryDir(); s.err != nil {
			return
		}
		if replicas() {
			s.cluster, s.err = cluster.StartReplicated(s.dir, 2, 2, cluster.Direct)
		} else {
			s.cluster, s.err = cluster.Start(s.dir, 3, cluster.Direct)
		}
	})
	if s.err != nil {
		tb.Fatal(s.err)
	}
	tb.Cleanup(func() {
		if err := s.cluster.Drop(context.Background(), name); err != nil {
			tb.Error(err)
		}
	})
	if err := s.cluster.Make(tb.Context(), name); err != nil {
		tb.Fatal(err)
	}
	return store.Config{Spec: s.cluster.Spec(0, name)}
}

// OpenStore opens a store, brings the tables about and closes it with the test.
func OpenStore(tb testing.TB, cfg store.Config) *store.Store {
	tb.Helper()
	st, err := store.Open(tb.Context(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := st.Close(); err != nil {
			tb.Error(err)
		}
	})
	if _, err := st.Apply(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return st
}

func dropDatabase(cfg store.Config, name string) error {
	ctx := context.Background()
	cfg.Engine.Database, cfg.Hook = "", nil
	st, err := store.Open(ctx, cfg)
	if err != nil {
		return err
	}
	return errors.Join(st.Conn().Exec(ctx, "DROP DATABASE IF EXISTS "+name+" SYNC"), st.Close())
}

// sharedEngine is the one engine of a test binary. A test process has one
// TestMain, which leaves no other place than this for what its tests share.
type sharedEngine struct {
	once      sync.Once
	dir       string
	engine    *engine.Engine
	cluster   *cluster.Cluster
	err       error
	databases atomic.Int64
}

var shared sharedEngine

func (s *sharedEngine) path() string { return filepath.Join(s.dir, "store") }

func (s *sharedEngine) start() (string, error) {
	s.once.Do(func() {
		if s.dir, s.err = memoryDir(); s.err == nil {
			s.engine, s.err = engine.Open(context.Background(), engine.Config{Path: s.path()})
		}
	})
	return s.path(), s.err
}

// memoryDir is a folder on a file system in memory where there is one: every
// write of the ledger is synced, and hundreds of tiny ones are what tests do.
func memoryDir() (string, error) {
	if dir, err := os.MkdirTemp("/dev/shm", "rawlogs-test-"); err == nil {
		return dir, nil
	}
	return os.MkdirTemp("", "rawlogs-test-")
}

func (s *sharedEngine) stop() error {
	var errs []error
	if s.cluster != nil {
		errs = append(errs, s.cluster.Stop())
	}
	if s.engine != nil {
		errs = append(errs, s.engine.Close())
	}
	if s.dir != "" {
		errs = append(errs, os.RemoveAll(s.dir))
	}
	return errors.Join(errs...)
}
