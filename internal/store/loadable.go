package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Loadable returns an error if rows that a run loads into these tables could be
// torn apart, hidden from it or lost: it looks before a run decides anything.
// The ledger and the leases are always looked at too.
func (s *Store) Loadable(ctx context.Context, tables []string) error {
	if served, err := s.servedDatabase(ctx); err != nil || served.Level == Fail {
		return refusal(served, err)
	}
	engines, err := s.engines(ctx)
	if err != nil {
		return err
	}
	for _, table := range slices.Concat(tables, []string{RejectedRows, "ingest_files", "ingest_leases"}) {
		engine, ok := engines[table]
		if !ok {
			continue // whoever needs it says what to do
		}
		if f := s.shape().servedEngine(table, engine); f.Level == Fail { //guard:engines-served
			return refusal(f, nil)
		}
		if f, err := s.unfiltered(ctx, table); err != nil || f.Level == Fail { //guard:rows-seen
			return refusal(f, err)
		}
	}
	return nil
}

// refusal is a finding as an error.
func refusal(f Finding, err error) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("%s %s: %s", f.What, f.Detail, f.Hint)
}

// servedDatabase looks for engines of databases that put other engines into the
// tables than were asked for.
func (s *Store) servedDatabase(ctx context.Context) (Finding, error) {
	var engine string
	err := s.Conn().QueryRow(ctx, "SELECT any(engine) FROM system.databases WHERE name = ?", s.Database()).Scan(&engine)
	if err != nil {
		return Finding{}, fmt.Errorf("looking at the database: %w", err)
	}
	return s.shape().servedDatabase(s.Database(), engine), nil
}

func (s *Store) engines(ctx context.Context) (map[string]string, error) {
	rows, err := s.Conn().Query(ctx, "SELECT name, engine FROM system.tables WHERE database = ?", s.Database())
	if err != nil {
		return nil, fmt.Errorf("listing the tables: %w", err)
	}
	defer rows.Close()
	engines := map[string]string{}
	for rows.Next() {
		var name, engine string
		if err := rows.Scan(&name, &engine); err != nil {
			return nil, fmt.Errorf("listing the tables: %w", err)
		}
		engines[name] = engine
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("listing the tables: %w", err)
	}
	return engines, nil
}

// unfiltered looks for a filter that the server puts on what this user reads of
// a table: a row policy, or one of the profile that cannot be switched off. A
// count is no proof through it. The plan shows it where the table has rows; the
// list of policies does where this user may read it.
func (s *Store) unfiltered(ctx context.Context, table string) (Finding, error) {
	what := "table " + table
	rows, err := s.Conn().Query(ctx, "EXPLAIN actions = 1 SELECT * FROM "+s.TableName(table))
	if err != nil {
		return Finding{}, fmt.Errorf("looking for row policies on %s: %w", table, err)
	}
	defer rows.Close()
	var filter string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return Finding{}, fmt.Errorf("looking for row policies on %s: %w", table, err)
		}
		if _, after, found := strings.Cut(line, "filter column:"); found && !strings.Contains(after, "_row_exists") {
			filter = strings.TrimSpace(after)
		}
	}
	if err := rows.Err(); err != nil {
		return Finding{}, fmt.Errorf("looking for row policies on %s: %w", table, err)
	}
	if filter == "" { //guard:policies-listed
		filter = s.policy(ctx, table)
	}
	if filter == "" {
		return Finding{OK, what, "is read whole", ""}, nil
	}
	return hidden(table, filter, s.user()), nil
}

// policy returns the condition of a row policy that is in force for this user
// and hides rows, and "" where there is none or the user may not list policies:
// then the first INSERT of a run shows it.
func (s *Store) policy(ctx context.Context, table string) string {
	var filter string
	err := s.Conn().QueryRow(ctx, `
		SELECT any(select_filter) FROM system.row_policies
		WHERE database = ? AND table IN (?, '') AND select_filter NOT IN ('', '1')
			AND (apply_to_all AND NOT has(apply_to_except, currentUser()) OR has(apply_to_list, currentUser()))`,
		s.Database(), table).Scan(&filter)
	if err != nil {
		return ""
	}
	return filter
}

func hidden(table, filter, user string) Finding {
	return Finding{
		Fail, "table " + table, "is filtered for this user by " + filter + " (a row policy)",
		"a loader must see every row, or it takes what is there for lost and loads it again: CREATE ROW POLICY ingest ON " + table + " USING 1 TO " + quote(user) + ", or drop the policy",
	}
}
