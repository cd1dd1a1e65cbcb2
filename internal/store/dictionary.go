package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Dictionary is a table of names that SQL asks by key:
// dictGet('offers', 'name', (network, offer_id)), or JOIN offers.
type Dictionary struct {
	Name    string
	Columns []Column // key columns first
	Keys    int
	// Query gives its rows; it names columns only as Columns do.
	Query string
	// Comment is what its table's comment says.
	Comment string
}

// PutDictionary makes or replaces a dictionary and loads it. The server reads
// the rows as the user of this connection, whose password therefore stands in
// the dictionary's definition: on the server's disk in clear, as such
// definitions are, and [HIDDEN] in everything that SQL shows.
//
// Where the server does not let this user have dictionaries, a view of the same
// name takes its place: JOIN works with either. It returns whether it is a
// dictionary; a table of the same name is an error.
func (s *Store) PutDictionary(ctx context.Context, d Dictionary) (bool, error) {
	kind, err := s.kind(ctx, d.Name)
	if err != nil {
		return false, err
	}
	switch kind {
	case "", "Dictionary":
	case "View":
		if err := s.ddl(ctx, "DROP VIEW "+d.Name, "DROP VIEW IF EXISTS "+s.TableName(d.Name)); err != nil {
			return false, err
		}
	default:
		return false, fmt.Errorf("making the dictionary %s: a table of that name is in its place", d.Name)
	}
	if err := s.createDictionary(ctx, d); err == nil {
		return true, nil
	} else if ctx.Err() != nil || Retryable(err) {
		return false, err
	} else {
		s.cfg.Log.Debug("no dictionary, a view takes its place", "name", d.Name, "error", err)
	}
	return false, errors.Join(
		s.ddl(ctx, "DROP DICTIONARY "+d.Name, "DROP DICTIONARY IF EXISTS "+s.TableName(d.Name)),
		s.ddl(ctx, "CREATE VIEW "+d.Name, "CREATE VIEW IF NOT EXISTS "+s.TableName(d.Name)+" AS "+d.Query),
	)
}

func (s *Store) createDictionary(ctx context.Context, d Dictionary) error {
	s.mu.RLock()
	user, password := s.native.User, s.native.Password
	s.mu.RUnlock()
	var columns, keys []string
	for i, c := range d.Columns {
		columns = append(columns, quote(c.Name)+" "+c.Type)
		if i < d.Keys {
			keys = append(keys, quote(c.Name))
		}
	}
	err := s.ddl(ctx, "CREATE DICTIONARY "+d.Name, "CREATE OR REPLACE DICTIONARY "+s.TableName(d.Name)+" ("+strings.Join(columns, ", ")+
		") PRIMARY KEY "+strings.Join(keys, ", ")+
		" SOURCE(CLICKHOUSE(QUERY "+literal(d.Query)+" USER "+literal(user)+" PASSWORD "+literal(password)+"))"+
		" LAYOUT(COMPLEX_KEY_HASHED()) LIFETIME(MIN 300 MAX 600) COMMENT "+literal(d.Comment))
	if err == nil {
		err = s.ddl(ctx, "SYSTEM RELOAD DICTIONARY "+d.Name, "SYSTEM RELOAD DICTIONARY "+s.TableName(d.Name))
	}
	if err != nil && password != "" && strings.Contains(err.Error(), password) {
		return errors.New(strings.ReplaceAll(err.Error(), password, "hidden"))
	}
	return err
}

// ReloadDictionaries makes dictionaries show what their tables hold now; names
// that are views need none of it.
func (s *Store) ReloadDictionaries(ctx context.Context, names []string) error {
	for _, name := range names {
		kind, err := s.kind(ctx, name)
		if err != nil {
			return err
		}
		if kind != "Dictionary" {
			continue
		}
		if err := s.ddl(ctx, "SYSTEM RELOAD DICTIONARY "+name, "SYSTEM RELOAD DICTIONARY "+s.TableName(name)); err != nil {
			return fmt.Errorf("loading the dictionary %s: %w", name, err)
		}
	}
	return nil
}

// Comments are the comments of the database's tables of one engine, by name.
func (s *Store) Comments(ctx context.Context, engine string) (map[string]string, error) {
	rows, err := s.Conn().Query(ctx, "SELECT name, comment FROM system.tables WHERE database = ? AND engine = ?", s.Database(), engine)
	if err != nil {
		return nil, fmt.Errorf("listing the tables: %w", err)
	}
	defer rows.Close()
	comments := map[string]string{}
	for rows.Next() {
		var name, comment string
		if err := rows.Scan(&name, &comment); err != nil {
			return nil, fmt.Errorf("listing the tables: %w", err)
		}
		comments[name] = comment
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("listing the tables: %w", err)
	}
	return comments, nil
}

// kind is a table's engine; "" where there is no such table.
func (s *Store) kind(ctx context.Context, name string) (string, error) {
	var kind string
	err := s.Conn().QueryRow(ctx, "SELECT any(engine) FROM system.tables WHERE database = ? AND name = ?", s.Database(), name).Scan(&kind)
	if err != nil {
		return "", fmt.Errorf("looking for %s: %w", name, err)
	}
	return kind, nil
}

func (s *Store) ddl(ctx context.Context, title, sql string) error {
	return s.Write(ctx, Op{Kind: "ddl", Detail: title}, func(ctx context.Context) error {
		return s.Conn().Exec(ctx, sql)
	})
}

// literal makes a string literal of any text.
func literal(s string) string {
	return "'" + strings.NewReplacer("\\", "\\\\", "'", "\\'").Replace(s) + "'"
}
