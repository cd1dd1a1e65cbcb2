// Package store is the ClickHouse that rows and ledger live in: the embedded
// one, or servers named by an address. It hands out connections, holds every
// statement and setting that the exactly-once promise leans on, and decides
// which of the server's errors another attempt may mend.
//
// # One server, or the shards of a cluster
//
// A Server is one ClickHouse and all that can be said to it. A Store is what the rest of
// the program has: its home, the Server with ledger, leases and names, and its shards,
// over which the rows are spread. On a single server all of them are one and the same.
//
// What differs on a cluster stands in three places: in the Shape of a Server (shape.go),
// in how the servers are found (topology.go), and in what is done on every shard
// (shards.go). The protocol of an INSERT, the ledger and the lease know nothing of it.
package store

import (
	"context"
	"log/slog"
	"time"

	"rawlogs/internal/engine"
)

// Config says which ClickHouse to open.
type Config struct {
	// Spec is "embedded:PATH" or
	// "clickhouse://user:password@host:9000/database?secure=true", with cluster=NAME
	// where the rows are spread over the shards of a cluster.
	Spec string
	// Log receives what happens to the store; nil is silent.
	Log *slog.Logger
	// Existing opens only what is there: an embedded store that is absent is
	// engine.ErrAbsent, and is not made.
	Existing bool
	// Reader connects to an embedded store as the user who may only read its
	// tables; a server knows its users by the address.
	Reader bool
	// Engine is how to start an embedded store; its Path comes from Spec.
	Engine engine.Config
	// KillWait bounds the wait for killed queries to end; 0 is 90 seconds.
	KillWait time.Duration
	// MutationWait is how long a deletion may make no progress before it is
	// called stuck; 0 is 45 seconds.
	MutationWait time.Duration
	// ReplicaWait is how long a replica may take to fetch what it lacks; 0 is 10 seconds.
	ReplicaWait time.Duration
	// Hook wraps every write; nil runs it as it is.
	Hook Hook
}

// Hook is the seam at which a test lets a write fail, or succeed and be
// reported lost: every write to the store goes through it. It must call do at
// most once.
type Hook func(ctx context.Context, op Op, do func(context.Context) error) error

// Op names a write: Kind is one of ledger, lease, insert, rejects, delete, ddl
// and kill.
type Op struct{ Kind, Detail string }

// Store is an open ClickHouse. It is safe for concurrent use.
//
// Its own methods are about all of it. Those of its Server are about the home, where
// ledger, leases, names and reports are; TableName is the way from there to the rows of
// all shards.
type Store struct {
	*Server
	shards []*Server // none where the store was opened for questions alone
}

// Open opens the store and makes sure that it answers. It changes nothing in
// it but that an embedded store is created if absent, and the databases of shards.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	t, err := parseSpec(cfg.Spec)
	if err != nil {
		return nil, err
	}
	if err = checkDatabase(cfg.Engine.Database); err != nil {
		return nil, err
	}
	t.reads = cfg.Reader
	if t.cluster != "" {
		return openCluster(ctx, cfg, t)
	}
	s, err := openServer(ctx, cfg, t)
	if err != nil {
		return nil, err
	}
	return &Store{Server: s, shards: []*Server{s}}, nil
}

// Cluster is the cluster over whose shards the rows are spread; "" on a single server.
func (s *Store) Cluster() string { return s.target.cluster }
