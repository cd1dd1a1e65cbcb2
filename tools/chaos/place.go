package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"rawlogs/internal/testkit/cluster"
)

// place is where the store of a game is.
type place interface {
	// spec names the store.
	spec() string
	// renew begins an empty store and gives up the one before it, which nobody has open.
	renew(ctx context.Context) error
	// kill ends a server of the store, also one that is just starting.
	kill(signal syscall.Signal) error
	// ready waits for servers that are being started again.
	ready() error
	// logs are the folders of what its servers have to say.
	logs() []string
	// leave gives up all of it.
	leave() error
}

// newPlace returns the place of a shape that has no store yet.
func newPlace(shape, root string) (place, error) {
	switch shape {
	case "single":
		return &alone{root: root}, nil
	case "shards":
		c, err := cluster.Start(root, 3, cluster.Direct)
		return &shards{cluster: c}, err
	case "replicas":
		c, err := cluster.StartReplicated(root, 2, 2, cluster.Direct)
		return &shards{cluster: c}, err
	}
	return nil, fmt.Errorf("shape %q: want single, shards or replicas", shape)
}

// alone is an embedded store, whose server ingest starts and ends.
type alone struct {
	root string
	n    int // stores begun
}

func (a *alone) path() string { return filepath.Join(a.root, fmt.Sprintf("store%d", a.n)) }

func (a *alone) spec() string { return "embedded:" + a.path() }

func (a *alone) renew(context.Context) error {
	former := a.path()
	a.n++
	return os.RemoveAll(former)
}

// kill strikes whoever hosts the store's ClickHouse.
func (a *alone) kill(signal syscall.Signal) error {
	pids, err := processes(func(pid string) bool {
		dir, _ := os.Readlink(filepath.Join(pid, "cwd")) // gone, or somebody else's
		return filepath.Dir(dir) == a.path() || dir == a.path()
	})
	for _, pid := range pids {
		_ = syscall.Kill(pid, signal) // gone since
	}
	return err
}

func (a *alone) ready() error { return nil } // ingest starts its server

func (a *alone) logs() []string { return []string{filepath.Join(a.path(), "logs")} }

func (a *alone) leave() error { return nil }

// shards is a cluster, with replicas or without, each of whose servers is started again at once when it was killed.
type shards struct {
	cluster *cluster.Cluster
	n       int // stores begun
	kills   int // they take turns

	restarts sync.WaitGroup
	mu       sync.Mutex
	failed   error // of a restart
}

func (s *shards) database() string { return fmt.Sprintf("store%d", s.n) }

func (s *shards) spec() string { return s.cluster.Spec(s.n%len(s.cluster.Addrs), s.database()) }

func (s *shards) renew(ctx context.Context) error {
	if err := s.ready(); err != nil {
		return err
	}
	former := s.database()
	s.n++
	return errors.Join(s.cluster.Drop(ctx, former), s.cluster.Make(ctx, s.database()))
}

func (s *shards) kill(syscall.Signal) error {
	if err := s.ready(); err != nil {
		return err
	}
	shard := s.kills % len(s.cluster.Addrs)
	s.kills++
	if err := s.cluster.Kill(shard); err != nil {
		return err
	}
	s.restarts.Go(func() {
		err := s.cluster.Restart(shard, nil)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.failed = errors.Join(s.failed, err)
	})
	return nil
}

func (s *shards) ready() error {
	s.restarts.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

func (s *shards) logs() []string { return s.cluster.Logs() }

func (s *shards) leave() error {
	return errors.Join(s.ready(), s.cluster.Stop())
}
