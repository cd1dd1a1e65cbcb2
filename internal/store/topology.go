package store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"rawlogs/internal/engine"
)

// Local ends the name of the database that has a shard's own tables, beside the database of
// the address. In the latter each of them stands for those of all shards.
const Local = "_local"

// openCluster opens the store of a cluster: the servers that one of them names, at the
// addresses that it names. The address of the store is only the way to ask.
func openCluster(ctx context.Context, cfg Config, t target) (*Store, error) {
	entry, err := openEntry(ctx, cfg, t)
	if err != nil {
		return nil, err
	}
	if cfg.Reader {
		return &Store{Server: entry}, nil
	}
	shards, err := entry.Topology(ctx)
	if err == nil {
		var kind string
		kind, err = entry.databaseEngine(ctx, entry.Asked())
		t.definedOnce = kind == replicatedDatabase
	}
	if err = errors.Join(err, entry.Close()); err != nil {
		return nil, fmt.Errorf("store %s: %w", entry.Name(), err)
	}
	t.replicated = slices.ContainsFunc(shards, func(addrs []string) bool { return len(addrs) > 1 })
	s := &Store{shards: make([]*Server, len(shards))}
	group, opening := errgroup.WithContext(ctx)
	for i, addrs := range shards {
		group.Go(func() (err error) {
			s.shards[i], err = openShard(opening, cfg, t, addrs)
			return err
		})
	}
	if err = group.Wait(); err == nil {
		err = s.settle(ctx)
	}
	if err != nil {
		for _, shard := range s.shards {
			if shard != nil {
				err = errors.Join(err, shard.Close())
			}
		}
		return nil, err
	}
	return s, nil
}

// openEntry opens the first server of the address that answers.
func openEntry(ctx context.Context, cfg Config, t target) (*Server, error) {
	var errs []error
	for _, addr := range t.addrs {
		entry, err := openServer(ctx, cfg, t.only(addr))
		if err == nil {
			return entry, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// Topology asks the server which servers its cluster has: the addresses of the replicas of each
// shard, in the order of the shards.
func (s *Server) Topology(ctx context.Context) ([][]string, error) {
	name := s.target.cluster
	rows, err := s.Conn().Query(ctx, "SELECT toUInt64(shard_num), toUInt64(replica_num), host_name, port FROM system.clusters WHERE cluster = ? ORDER BY shard_num, replica_num", name)
	if err != nil {
		return nil, fmt.Errorf("asking for the servers of the cluster %s: %w", name, err)
	}
	defer rows.Close()
	var shards [][]string
	for rows.Next() {
		var shard, replica uint64
		var host string
		var port uint16
		if err := rows.Scan(&shard, &replica, &host, &port); err != nil {
			return nil, fmt.Errorf("asking for the servers of the cluster %s: %w", name, err)
		}
		if replica == 1 || len(shards) == 0 {
			shards = append(shards, nil)
		}
		last := len(shards) - 1
		shards[last] = append(shards[last], net.JoinHostPort(host, strconv.Itoa(int(port))))
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("asking for the servers of the cluster %s: %w", name, err)
	}
	if len(shards) == 0 {
		return nil, s.unknownCluster(ctx)
	}
	return shards, nil
}

// unknownCluster is the error about a cluster that the server does not know.
func (s *Server) unknownCluster(ctx context.Context) error {
	var known []string
	if err := s.Conn().QueryRow(ctx, "SELECT arraySort(groupUniqArray(cluster)) FROM system.clusters").Scan(&known); err != nil {
		return fmt.Errorf("asking for the clusters that the server knows: %w", err)
	}
	has := "it knows none"
	if len(known) > 0 {
		has = "it knows " + strings.Join(known, ", ")
	}
	return fmt.Errorf("the server knows no cluster %s (remote_servers in its configuration): %s", s.target.cluster, has)
}

// openShard opens the server of a shard, or its replicas.
func openShard(ctx context.Context, cfg Config, t target, addrs []string) (*Server, error) {
	t = t.only(addrs[0])
	t.own, t.ofShard = t.database+Local, len(addrs)
	shard := &Server{cfg: cfg, target: t, pin: &pin{own: t.own}, replicas: replicas{addrs: addrs}}
	if err := shard.connect(ctx); err != nil {
		return nil, fmt.Errorf("store %s: %w", shard.Name(), portOf(err, t.tls != nil))
	}
	return shard, nil
}

// haveOwnDatabase makes the database of a shard's own tables if absent.
func (s *Server) haveOwnDatabase(ctx context.Context) error {
	asked, err := s.databaseEngine(ctx, s.Asked())
	if err != nil {
		return err
	}
	own, err := s.databaseEngine(ctx, s.target.own)
	switch {
	case err != nil:
		return err
	case (asked == replicatedDatabase) != s.target.definedOnce: //guard:databases-alike
		return fmt.Errorf("the database %s has the engine %s here, and another one elsewhere in the cluster: make it alike on all servers", s.Asked(), asked)
	case own == "" && s.cfg.Existing: //guard:looking-makes-no-shard
		return engine.ErrAbsent
	case own == "":
		if err = s.ddl(ctx, s.shape().createDatabase(s.target.own)); err != nil {
			return fmt.Errorf("making the database %s of its own tables: %w", s.target.own, err)
		}
	}
	return nil
}

// settle makes sure that all servers are different ones, makes the databases of their own tables
// if absent, and finds the home among the shards: the one with the ledger, or the first where there is none yet.
func (s *Store) settle(ctx context.Context) error {
	if err := s.different(ctx); err != nil {
		return err
	}
	err := s.onAll(ctx, func(ctx context.Context, server *Server) error {
		if err := server.haveOwnDatabase(ctx); err != nil {
			return fmt.Errorf("store %s: %w", server.Name(), err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	homes, err := gather(ctx, s, func(ctx context.Context, shard *Server) (bool, error) { return shard.isHome(ctx) })
	if err != nil {
		return err
	}
	s.Server = s.shards[0]
	if i := slices.Index(homes, true); i >= 0 { //guard:home-found
		s.Server = s.shards[i]
		if j := slices.Index(homes[i+1:], true); j >= 0 { //guard:one-home
			return fmt.Errorf("%s and %s both have a ledger (%s with versions): rows of one of them would be loaded again; drop the database %s that is not of this store",
				s.shards[i].Addr(), s.shards[i+1+j].Addr(), schemaTable, s.Database())
		}
	}
	return nil
}

// different makes sure that no server is there twice, and that the macros of replicas are what
// they must be.
func (s *Store) different(ctx context.Context) error {
	var all []*Server
	var macros []Macros
	for i, shard := range s.shards {
		of, err := shard.answering(ctx)
		if err != nil {
			return err
		}
		all = append(all, of...)
		if !shard.shape().replicated {
			continue
		}
		for _, r := range of {
			m, err := r.macros(ctx, i)
			if err != nil {
				return err
			}
			macros = append(macros, m)
		}
	}
	for i, server := range all {
		for _, other := range all[:i] {
			if server.pin.server == other.pin.server { //guard:shards-differ
				return fmt.Errorf("the cluster %s has one server twice, as %s and as %s: %s", server.target.cluster, other.Addr(), server.Addr(), server.pin.server)
			}
		}
	}
	return WrongMacros(macros)
}

// isHome reports whether a shard has the ledger: only there the schema's version is written.
func (s *Server) isHome(ctx context.Context) (bool, error) {
	have, err := s.objects(ctx)
	if err != nil || have[schemaTable].engine == "" {
		return false, err
	}
	var versions uint64
	if err := s.Conn().QueryRow(ctx, "SELECT count() FROM "+s.Holding(schemaTable)).Scan(&versions); err != nil {
		return false, fmt.Errorf("reading the version of the schema: %w", err)
	}
	return versions > 0, nil
}

// WritesEachReplica reports whether the server's cluster has INSERTs through a Distributed table
// go to every replica, as far as it says.
func (s *Server) WritesEachReplica(ctx context.Context) (bool, error) {
	var says, twice uint64
	err := s.Conn().QueryRow(ctx, "SELECT count() FROM system.columns WHERE database = 'system' AND table = 'clusters' AND name = 'internal_replication'").Scan(&says)
	if err == nil && says > 0 {
		err = s.Conn().QueryRow(ctx, "SELECT countIf(internal_replication = 0) FROM system.clusters WHERE cluster = ?", s.target.cluster).Scan(&twice)
	}
	if err != nil {
		return false, fmt.Errorf("asking how %s is written to: %w", s.target.cluster, err)
	}
	return twice > 0, nil
}
