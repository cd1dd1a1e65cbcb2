package store

import (
	"context"
	"fmt"
)

// Macros are what a server's configuration says for the paths of its tables in the Keeper.
type Macros struct {
	Addr           string
	Of             int // the shard that the cluster has it in, from 0
	Shard, Replica string
}

// macros asks for them; those that are not set are "".
func (s *Server) macros(ctx context.Context, of int) (Macros, error) {
	m := Macros{Addr: s.Addr(), Of: of}
	err := s.Conn().QueryRow(ctx, "SELECT anyIf(substitution, macro = ?), anyIf(substitution, macro = ?) FROM system.macros", shardMacro, replicaMacro).Scan(&m.Shard, &m.Replica)
	if err != nil {
		return m, s.named(fmt.Errorf("asking for its macros: %w", err))
	}
	return m, nil
}

// WrongMacros is an error if tables made by these macros would be replicas of the wrong others:
// rows of two shards in one, or those of one on a single server.
func WrongMacros(all []Macros) error {
	for i, m := range all {
		if m.Shard == "" || m.Replica == "" { //guard:macros-there
			return fmt.Errorf("%s lacks the macros %s and %s (macros in its configuration), by which replicas know each other: set shard alike on the replicas of a shard and replica differently",
				m.Addr, shardMacro, replicaMacro)
		}
		for _, other := range all[:i] {
			same := m.Of == other.Of
			switch {
			case same && m.Shard != other.Shard:
				return fmt.Errorf("%s and %s are replicas of one shard, and their macros shard are %q and %q (macros in their configuration): make them alike", other.Addr, m.Addr, other.Shard, m.Shard)
			case same && m.Replica == other.Replica:
				return fmt.Errorf("%s and %s are replicas of one shard, and their macros replica are both %q (macros in their configuration): give each its own", other.Addr, m.Addr, m.Replica)
			case !same && m.Shard == other.Shard: //guard:macros-differ
				return fmt.Errorf("%s and %s are of two shards, and their macros shard are both %q (macros in their configuration): give each shard its own, or each would get the rows of the other", other.Addr, m.Addr, m.Shard)
			}
		}
	}
	return nil
}

// lostDisk says what to do where the Keeper knows a replica by a table that it does not have.
func (s *Server) lostDisk(ctx context.Context, err error) error {
	const replicaAlreadyExists = 253
	if code(err) != replicaAlreadyExists {
		return err
	}
	name := "NAME"
	if m, failed := s.macros(ctx, 0); failed == nil {
		name = m.Replica
	}
	return fmt.Errorf("%w\nthe Keeper knows %s by tables that it no longer has, as after its disk was lost: on another replica of the shard, %s, then `ingest schema apply`",
		err, s.Addr(), s.shape().dropReplica(name, s.Database()))
}
