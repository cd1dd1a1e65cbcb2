package check

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"rawlogs/internal/store"
	"rawlogs/schema"
)

// Loadable returns an error if rows that a run loads into these tables could be
// torn apart, hidden from it or lost: it looks before a run decides anything.
// The ledger and the leases are always looked at too.
func Loadable(ctx context.Context, st *store.Store, tables []string) error {
	for _, shard := range st.Shards() {
		if err := (checker{shard}).loadable(ctx, tables); err != nil {
			if st.Cluster() != "" {
				err = fmt.Errorf("%s: %w", shard.Addr(), err)
			}
			return err
		}
	}
	return nil
}

func (c checker) loadable(ctx context.Context, tables []string) error {
	if served, err := c.servedDatabase(ctx); err != nil || served.Level == Fail {
		return refusal(served, err)
	}
	have, err := c.definitions(ctx, slices.Concat(tables, ownTables()))
	if err != nil {
		return err
	}
	var read []string
	for _, table := range slices.Concat(tables, []string{store.RejectedRows, "ingest_files", "ingest_leases"}) {
		t, ok := have[table]
		if !ok {
			continue // whoever needs it says what to do
		}
		if f := c.servedEngine(table, t.engine); f.Level == Fail { //guard:engines-served
			return refusal(f, nil)
		}
		read = append(read, table)
	}
	if f, err := c.allUnfiltered(ctx, read); err != nil || f.Level == Fail { //guard:rows-seen
		return refusal(f, err)
	}
	for _, table := range ownTables() {
		if f := c.unconstrained(table, have[table].create); f.Level == Fail { //guard:own-unconstrained
			return refusal(f, nil)
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

// servedDatabase looks for an engine of the database that puts other engines into the
// tables than were asked for.
func (c checker) servedDatabase(ctx context.Context) (Finding, error) {
	var engine string
	err := c.st.Conn().QueryRow(ctx, "SELECT any(engine) FROM system.databases WHERE name = ?", c.st.Database()).Scan(&engine)
	if err != nil {
		return Finding{}, fmt.Errorf("looking at the database: %w", err)
	}
	return served("database "+c.st.Database(), engine, c.st.UnservedDatabase(engine)), nil
}

// servedEngine reports whether a table of the engine may hold our rows.
func (c checker) servedEngine(table, engine string) Finding {
	return served("table "+table, engine, c.st.Unserved(table, engine))
}

// served is the finding about an engine; hint says what to do where it is not served.
func served(what, engine, hint string) Finding {
	if hint != "" {
		return Finding{Fail, what, "has the engine " + engine, hint}
	}
	return Finding{OK, what, engine, ""}
}

func (c checker) engines(ctx context.Context) (map[string]string, error) {
	rows, err := c.st.Conn().Query(ctx, "SELECT name, engine FROM system.tables WHERE database = ?", c.st.Database())
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

// definitions are the engines and definitions of those of the tables that are there.
func (c checker) definitions(ctx context.Context, names []string) (map[string]table, error) {
	rows, err := c.st.Conn().Query(ctx, "SELECT name, engine, create_table_query FROM system.tables WHERE database = ? AND name IN ?", c.st.Database(), names)
	if err != nil {
		return nil, fmt.Errorf("listing the tables: %w", err)
	}
	defer rows.Close()
	have := map[string]table{}
	for rows.Next() {
		var name string
		var t table
		if err := rows.Scan(&name, &t.engine, &t.create); err != nil {
			return nil, fmt.Errorf("listing the tables: %w", err)
		}
		have[name] = t
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("listing the tables: %w", err)
	}
	return have, nil
}

// allUnfiltered is unfiltered of several tables. It looks at each only where a look at
// all of them at once shows a filter, or fails.
func (c checker) allUnfiltered(ctx context.Context, tables []string) (Finding, error) {
	if len(tables) == 0 {
		return Finding{}, nil
	}
	var selects []string
	for _, table := range tables {
		selects = append(selects, "SELECT 1 FROM "+c.st.Holding(table))
	}
	filter, err := c.planned(ctx, strings.Join(selects, " UNION ALL "))
	if err == nil && filter == "" && c.policy(ctx, tables...) == "" {
		return Finding{}, nil
	}
	for _, table := range tables {
		if f, err := c.unfiltered(ctx, table); err != nil || f.Level == Fail {
			return f, err
		}
	}
	return Finding{}, nil
}

// unfiltered looks for a filter that the server puts on what this user reads of
// a table: a row policy, or one of the profile that cannot be switched off. A
// count proves nothing through it. The plan shows it where the table has rows; the
// list of policies does where this user may read it.
func (c checker) unfiltered(ctx context.Context, table string) (Finding, error) {
	filter, err := c.planned(ctx, "SELECT * FROM "+c.st.Holding(table))
	if err != nil {
		return Finding{}, fmt.Errorf("looking for row policies on %s: %w", table, err)
	}
	if filter == "" { //guard:policies-listed
		filter = c.policy(ctx, table)
	}
	if filter == "" {
		return Finding{OK, "table " + table, "is read whole", ""}, nil
	}
	return hidden(table, filter, c.st.User()), nil
}

// planned is the filter in the plan of a query that has none itself; "" where there is none.
func (c checker) planned(ctx context.Context, query string) (filter string, err error) {
	rows, err := c.st.Conn().Query(ctx, "EXPLAIN actions = 1 "+query)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return "", err
		}
		if _, after, found := strings.Cut(line, "filter column:"); found && !strings.Contains(after, "_row_exists") {
			filter = strings.TrimSpace(after)
		}
	}
	return filter, rows.Err()
}

// policy returns the condition of a row policy on one of the tables that is in force for
// this user and hides rows, and "" where there is none or the user may not list policies:
// then the first INSERT of a run shows it.
func (c checker) policy(ctx context.Context, tables ...string) string {
	var filter string
	err := c.st.Conn().QueryRow(ctx, `
		SELECT any(select_filter) FROM system.row_policies
		WHERE database = ? AND table IN ? AND select_filter NOT IN ('', '1')
			AND (apply_to_all AND NOT has(apply_to_except, currentUser()) OR has(apply_to_list, currentUser()))`,
		c.st.Database(), append(slices.Clone(tables), "")).Scan(&filter)
	if err != nil {
		return ""
	}
	return filter
}

func hidden(table, filter, user string) Finding {
	return Finding{
		Fail, "table " + table, "is filtered for this user by " + filter + " (a row policy)",
		"a loader must see every row, or it takes what is there for lost and loads it again: CREATE ROW POLICY ingest ON " + table + " USING 1 TO " + schema.Identifier(user) + ", or drop the policy",
	}
}
