package store

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"rawlogs/schema"
)

// asked is the server by the database in which people ask: on a cluster each table in it
// stands for those of all shards, and views and dictionaries are only there. It shares the
// server's connections, is not to be closed, and is of use until they are lost.
func (s *Server) asked() *Server {
	if s.target.own == "" {
		return s
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	f := &Server{cfg: s.cfg, target: s.target, pin: s.pin, conn: s.conn, native: s.native, profile: s.profile}
	f.target.own = ""
	return f
}

// Apply brings the tables about, in the order of schema/*.sql, and returns what it made or
// changed; on a store that has them all it does nothing. Two may apply at once. On a
// cluster what several servers lacked is listed once.
//
// It touches only what ingest made. A view of ours of an older revision is
// replaced. Where an analyst's view or table has the name of one of our views, it
// stays, with a warning; where something that cannot hold rows has the name of one
// of our tables, the error is a *TakenError.
func (s *Store) Apply(ctx context.Context) ([]string, error) {
	have, err := s.objects(ctx)
	if err != nil {
		return nil, err
	}
	from, err := s.schemaVersion(ctx, have)
	if err != nil {
		return nil, err
	}
	if from > schema.Version { //guard:newer-store-refused
		return nil, &NewerError{from, schema.Version}
	}
	var mu sync.Mutex
	var all []string
	apply := func(ctx context.Context, server *Server) error {
		there := have // of the home, which is asked once
		if server != s.Server {
			there = nil
		}
		done, failed := server.apply(ctx, from, there)
		failed = server.lostDisk(ctx, failed)
		mu.Lock()
		defer mu.Unlock()
		for _, title := range done {
			if !slices.Contains(all, title) {
				all = append(all, title)
			}
		}
		return failed
	}
	err = s.onAll(ctx, apply)
	if err == nil && s.Cluster() != "" { // each stands for the tables of all shards, which are there by now
		err = s.defining(ctx, apply)
	}
	if err == nil && from < schema.Version {
		err = s.stamp(ctx, all)
	}
	return all, err
}

// strays are the tables of a front that stand for others than the own tables of the cluster's
// shards, or have other columns than the server's own.
func (s *Server) strays(ctx context.Context) (map[string]bool, error) {
	strays := map[string]bool{}
	add := func(rows driver.Rows, err error) error {
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var table, engine string
			if err := rows.Scan(&table, &engine); err != nil {
				return err
			}
			if engine != s.shape().standsFor(s.Database()+Local, table) {
				strays[table] = true
			}
		}
		return rows.Err()
	}
	err := add(s.Conn().Query(ctx, "SELECT name, engine_full FROM system.tables WHERE database = ?", s.Database()))
	if err == nil {
		err = add(s.Conn().Query(ctx, `
			SELECT table, '' FROM system.columns WHERE database IN ?
			GROUP BY table, name, type, default_kind, default_expression, comment HAVING count() != 2`, []string{s.Database(), s.Database() + Local}))
	}
	if err != nil {
		return nil, fmt.Errorf("comparing the tables of %s with each server's own: %w", s.Database(), err)
	}
	return strays, nil
}

// keepFront leaves the table of a front that is there, but makes one anew that is a stray: it
// has no rows.
func (s *Server) keepFront(ctx context.Context, st schema.Statement, o object, stray bool) ([]string, error) {
	if !s.shape().stands(o) { //guard:front-taken
		return nil, s.taken(st.Creates, o)
	}
	if !stray { //guard:front-follows
		return nil, nil
	}
	replace := s.shape().replaceFront(s.Database(), st.Creates)
	return []string{replace.title}, s.ddl(ctx, replace)
}

// StrayFronts lists the tables of the schema that do not stand, in the database in which
// people ask this server, for those of all shards, with their columns.
func (s *Server) StrayFronts(ctx context.Context) ([]string, error) {
	f := s.asked()
	statements, err := f.shape().statements(f.Database())
	if err != nil {
		return nil, err
	}
	strays, err := f.strays(ctx)
	if err != nil {
		return nil, err
	}
	have, err := f.objects(ctx)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, st := range statements {
		if st.View == nil && (strays[st.Creates] || !f.shape().stands(have[st.Creates])) {
			out = append(out, st.Creates)
		}
	}
	return out, nil
}

// Parts is where the parts of the tables of all servers are listed, and of which database
// they are.
func (s *Server) Parts() (from, database string) {
	if s.target.cluster == "" {
		return "system.parts", s.Database()
	}
	return "cluster(" + literal(s.target.cluster) + ", system.parts)", s.Asked() + Local
}
