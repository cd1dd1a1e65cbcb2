package store

import (
	"context"
	"fmt"

	"rawlogs/schema"
)

// Apply brings the tables about, in the order of schema/*.sql, and returns
// what it made or changed; on a store that has them all it does nothing. Two
// may apply at once.
func (s *Store) Apply(ctx context.Context) ([]string, error) {
	statements, err := schema.Statements(s.Database(), engines)
	if err != nil {
		return nil, err
	}
	have, err := s.tables(ctx)
	if err != nil {
		return nil, err
	}
	var done []string
	for _, st := range statements {
		if st.Creates != "" && have[st.Creates] {
			continue
		}
		err := s.Write(ctx, Op{Kind: "ddl", Detail: st.Title}, func(ctx context.Context) error {
			return s.Conn().Exec(ctx, st.SQL)
		})
		if err != nil {
			return done, fmt.Errorf("%s:%d: %w", st.File, st.Line, err)
		}
		done = append(done, st.Title)
	}
	return done, nil
}

// tables lists the tables and views of the database.
func (s *Store) tables(ctx context.Context) (map[string]bool, error) {
	rows, err := s.Conn().Query(ctx, "SELECT name FROM system.tables WHERE database = ?", s.Database())
	if err != nil {
		return nil, fmt.Errorf("listing the tables: %w", err)
	}
	defer rows.Close()
	have := map[string]bool{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, fmt.Errorf("listing the tables: %w", err)
		}
		have[name] = true
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("listing the tables: %w", err)
	}
	return have, nil
}
