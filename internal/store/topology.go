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
	addrs, err := entry.Topology(ctx)
	if err = errors.Join(err, entry.Close()); err != nil {
		return nil, fmt.Errorf("store %s: %w", entry.Name(), err)
	}
	s := &Store{shards: make([]*Server, len(addrs))}
	group, opening := errgroup.WithContext(ctx)
	for i, addr := range addrs {
		group.Go(func() (err error) {
			s.shards[i], err = openShard(opening, cfg, t, addr)
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

// Topology asks the server which servers its cluster has, in the order of the shards.
func (s *Server) Topology(ctx context.Context) ([]string, error) {
	name := s.target.cluster
	rows, err := s.Conn().Query(ctx, "SELECT toUInt64(shard_num), toUInt64(replica_num), host_name, port FROM system.clusters WHERE cluster = ? ORDER BY shard_num, replica_num", name)
	if err != nil {
		return nil, fmt.Errorf("asking for the servers of the cluster %s: %w", name, err)
	}
	defer rows.Close()
	var addrs []string
	for rows.Next() {
		var shard, replica uint64
		var host string
		var port uint16
		if err := rows.Scan(&shard, &replica, &host, &port); err != nil {
			return nil, fmt.Errorf("asking for the servers of the cluster %s: %w", name, err)
		}
		if replica > 1 { //guard:replicas-refused
			return nil, fmt.Errorf("the cluster %s has several replicas of shard %d, and replicated tables are not served yet: name a cluster whose shards have one replica each", name, shard)
		}
		addrs = append(addrs, net.JoinHostPort(host, strconv.Itoa(int(port))))
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("asking for the servers of the cluster %s: %w", name, err)
	}
	if len(addrs) == 0 {
		return nil, s.unknownCluster(ctx)
	}
	return addrs, nil
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

// openShard opens the server of a shard, and makes the database of its own tables if absent.
func openShard(ctx context.Context, cfg Config, t target, addr string) (*Server, error) {
	t = t.only(addr)
	t.own = t.database + Local
	shard, err := openServer(ctx, cfg, t)
	if err != nil {
		return nil, err
	}
	var there uint64
	err = shard.Conn().QueryRow(ctx, "SELECT count() FROM system.databases WHERE name = ?", t.own).Scan(&there)
	switch {
	case err != nil:
		err = fmt.Errorf("looking for the database %s: %w", t.own, err)
	case there == 0 && cfg.Existing: //guard:looking-makes-no-shard
		err = engine.ErrAbsent
	case there == 0:
		if err = shard.ddl(ctx, shard.shape().createDatabase(t.own)); err != nil {
			err = fmt.Errorf("making the database %s of its own tables: %w", t.own, err)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", shard.Name(), errors.Join(err, shard.Close()))
	}
	return shard, nil
}

// settle makes sure that the shards are different servers with databases of their own, and
// finds the home among them: the one with the ledger, or the first where there is none yet.
func (s *Store) settle(ctx context.Context) error {
	for i, shard := range s.shards {
		for _, other := range s.shards[:i] {
			if shard.pin.server == other.pin.server { //guard:shards-differ
				return fmt.Errorf("the cluster %s has one server twice, as %s and as %s: %s", shard.target.cluster, other.target.addrs[0], shard.target.addrs[0], shard.pin.server)
			}
		}
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
				s.shards[i].target.addrs[0], s.shards[i+1+j].target.addrs[0], schemaTable, s.Database())
		}
	}
	return nil
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
