package store

import (
	"context"
	"fmt"
)

// A database of the engine Replicated passes on what one server defines in it, by way of the
// Keeper. People may ask in one: tables that stand for those of all shards, views and dictionaries
// have no rows. Rows are never in one: there, a deletion in a cluster of several shards is passed
// on as well, and a server that was away runs it when it is back, after rows may have been loaded
// again.
const (
	replicatedDatabase = "Replicated"
	sharedPrefix       = "Shared" // of ClickHouse Cloud: a database, and the engines of its tables
)

// definingOnce is pinned on the connections to servers of which one defines for all. Those that
// are away follow when they are back.
var definingOnce = map[string]string{
	"distributed_ddl_output_mode": "none_only_active", //guard:absent-not-awaited
}

const cloudNotServed = "ClickHouse Cloud is not served: whether rows are loaded is asked of each server that may have them, and its servers cannot be asked one by one; use servers of your own"

// unservedDatabase says what to do about a database of an engine that puts other engines
// into the tables than were asked for; "" for one that is served.
func (sh Shape) unservedDatabase(engine string) string {
	switch {
	case engine == sharedPrefix:
		return cloudNotServed
	case engine != replicatedDatabase || sh.layer == front:
		return ""
	case sh.layer == own:
		return "it has the servers' own tables, and a deletion there would be run later by a server that was away: use a database of the engine Atomic"
	}
	return notServed
}

// databaseEngine is the engine of one of the server's two databases, "" where it is not there; one
// that is not served is an error.
func (s *Server) databaseEngine(ctx context.Context, name string) (engine string, err error) {
	err = s.Conn().QueryRow(ctx, "SELECT any(engine) FROM system.databases WHERE name = ?", name).Scan(&engine)
	if err != nil {
		return "", fmt.Errorf("looking at the database %s: %w", name, err)
	}
	sh := s.shape()
	if name == s.Asked() {
		sh = s.asked().shape()
	}
	if hint := sh.unservedDatabase(engine); hint != "" {
		return "", fmt.Errorf("the database %s has the engine %s: %s", name, engine, hint)
	}
	return engine, nil
}

// defining does something where definitions in the database in which people ask are changed: on
// all servers, or on the home for all of them.
func (s *Store) defining(ctx context.Context, do func(ctx context.Context, front *Server) error) error {
	if s.target.definedOnce { //guard:defined-once
		return s.named(do(ctx, s.asked()))
	}
	return s.onAll(ctx, func(ctx context.Context, server *Server) error { return do(ctx, server.asked()) })
}
