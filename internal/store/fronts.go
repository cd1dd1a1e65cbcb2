package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"rawlogs/schema"
)

// fronts are a cluster's servers by the database in which people ask: in it each table
// stands for those of all shards, and the views and dictionaries are. They are opened when
// something is made there.
type fronts struct {
	cfg    Config
	target target
	addrs  []string // by shard

	mu      sync.Mutex
	servers []*Server // by shard; nil: not opened yet
}

// each does something on all fronts at once.
func (f *fronts) each(ctx context.Context, do func(context.Context, *Server) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	group, ctx := errgroup.WithContext(ctx)
	for i, addr := range f.addrs {
		group.Go(func() (err error) {
			if f.servers[i] == nil {
				if f.servers[i], err = openServer(ctx, f.cfg, f.target.only(addr)); err != nil {
					return err
				}
			}
			if err = do(ctx, f.servers[i]); err != nil {
				return &ShardError{addr, err}
			}
			return nil
		})
	}
	return group.Wait()
}

func (f *fronts) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var errs []error
	for _, front := range f.servers {
		if front != nil {
			errs = append(errs, front.Close())
		}
	}
	return errors.Join(errs...)
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
	from, err := s.SchemaVersion(ctx)
	if err != nil {
		return nil, err
	}
	if from > schema.Version { //guard:newer-store-refused
		return nil, &NewerError{from, schema.Version}
	}
	var mu sync.Mutex
	var all []string
	apply := func(ctx context.Context, server *Server) error {
		done, err := server.apply(ctx, from)
		mu.Lock()
		defer mu.Unlock()
		for _, title := range done {
			if !slices.Contains(all, title) {
				all = append(all, title)
			}
		}
		return err
	}
	err = s.each(ctx, apply)
	if err == nil && s.fronts != nil {
		err = s.fronts.each(ctx, apply)
	}
	if err == nil && from < schema.Version {
		err = s.stamp(ctx, all)
	}
	return all, err
}

// follow makes the table of a front anew where its columns are not those of the server's
// own table. It has no rows.
func (s *Server) follow(ctx context.Context, table string) error {
	_, err := s.followed(ctx, table)
	return err
}

// followed reports whether it did.
func (s *Server) followed(ctx context.Context, table string) (bool, error) {
	var differ uint64
	err := s.Conn().QueryRow(ctx, `
		SELECT count() FROM
		(
			SELECT name FROM system.columns WHERE database IN ? AND table = ?
			GROUP BY name, type, default_kind, default_expression, comment HAVING count() != 2
		)`, []string{s.Database(), s.Database() + Local}, table).Scan(&differ)
	if err != nil {
		return false, fmt.Errorf("comparing the columns of %s with those of %s: %w", s.TableName(table), s.Holding(table), err)
	}
	if differ == 0 {
		return false, nil
	}
	return true, s.ddl(ctx, s.shape().replaceFront(table, s.TableName(table), s.Holding(table)))
}

// keepFront leaves the table of a front that is there, but for its columns.
func (s *Server) keepFront(ctx context.Context, st schema.Statement, o object) ([]string, error) {
	if !s.shape().stands(o) { //guard:front-taken
		return nil, s.taken(st.Creates, o)
	}
	followed, err := s.followed(ctx, st.Creates)
	if !followed || err != nil {
		return nil, err
	}
	return []string{"REPLACE TABLE " + st.Creates}, nil
}
