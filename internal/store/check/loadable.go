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
	c := checker{st}
	if served, err := c.servedDatabase(ctx); err != nil || served.Level == Fail {
		return refusal(served, err)
	}
	engines, err := c.engines(ctx)
	if err != nil {
		return err
	}
	for _, table := range slices.Concat(tables, []string{store.RejectedRows, "ingest_files", "ingest_leases"}) {
		engine, ok := engines[table]
		if !ok {
			continue // whoever needs it says what to do
		}
		if f := c.servedEngine(table, engine); f.Level == Fail { //guard:engines-served
			return refusal(f, nil)
		}
		if f, err := c.unfiltered(ctx, table); err != nil || f.Level == Fail { //guard:rows-seen
			return refusal(f, err)
		}
	}
	for _, table := range ownTables() {
		if f, err := c.unconstrained(ctx, table); err != nil || f.Level == Fail { //guard:own-unconstrained
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

// unfiltered looks for a filter that the server puts on what this user reads of
// a table: a row policy, or one of the profile that cannot be switched off. A
// count proves nothing through it. The plan shows it where the table has rows; the
// list of policies does where this user may read it.
func (c checker) unfiltered(ctx context.Context, table string) (Finding, error) {
	what := "table " + table
	rows, err := c.st.Conn().Query(ctx, "EXPLAIN actions = 1 SELECT * FROM "+c.st.TableName(table))
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
		filter = c.policy(ctx, table)
	}
	if filter == "" {
		return Finding{OK, what, "is read whole", ""}, nil
	}
	return hidden(table, filter, c.st.User()), nil
}

// policy returns the condition of a row policy that is in force for this user
// and hides rows, and "" where there is none or the user may not list policies:
// then the first INSERT of a run shows it.
func (c checker) policy(ctx context.Context, table string) string {
	var filter string
	err := c.st.Conn().QueryRow(ctx, `
		SELECT any(select_filter) FROM system.row_policies
		WHERE database = ? AND table IN (?, '') AND select_filter NOT IN ('', '1')
			AND (apply_to_all AND NOT has(apply_to_except, currentUser()) OR has(apply_to_list, currentUser()))`,
		c.st.Database(), table).Scan(&filter)
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
