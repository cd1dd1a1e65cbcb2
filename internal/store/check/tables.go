package check

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"rawlogs/internal/store"
	"rawlogs/schema"
)

var identifier = regexp.MustCompile("[a-zA-Z_][a-zA-Z0-9_]*[ \t]*\\(?|`[^`]*`")

// oneFileOnePartition reports whether a partition key looks at nothing of a row
// but its file's hour.
func oneFileOnePartition(key string) bool {
	return !slices.ContainsFunc(identifier.FindAllString(key, -1), func(word string) bool {
		return !strings.HasSuffix(word, "(") && word != "_hour" && word != "`_hour`"
	})
}

// table is one as system.tables lists it.
type table struct{ engine, partition, views, full, create string }

func (c checker) tables(ctx context.Context) (map[string]table, error) {
	rows, err := c.st.Conn().Query(ctx, `
		SELECT name, engine, partition_key, arrayStringConcat(dependencies_table, ', '), engine_full, create_table_query
		FROM system.tables WHERE database = ?`, c.st.Database())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	have := map[string]table{}
	for rows.Next() {
		var name string
		var t table
		if err := rows.Scan(&name, &t.engine, &t.partition, &t.views, &t.full, &t.create); err != nil {
			return nil, err
		}
		have[name] = t
	}
	return have, rows.Err()
}

// checkTables compares the tables with what the commands rely on, and not
// with the whole schema: columns are the analysts' to add.
func (c checker) checkTables(ctx context.Context) ([]Finding, error) {
	have, err := c.tables(ctx)
	if err != nil {
		return nil, err
	}
	var out []Finding
	for _, name := range append(store.RawTables(), "ingest_files", "ingest_leases", "ingest_listings", store.RejectedRows) {
		t, ok := have[name]
		if !ok {
			out = append(out, Finding{Fail, "table " + name, "is not there", "ingest schema apply makes it"})
			continue
		}
		var found []Finding
		if found, err = c.checkTable(ctx, name, t); err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	unsynced, err := c.unsynced(ctx, have)
	return append(out, unsynced...), err
}

func (c checker) checkTable(ctx context.Context, name string, t table) ([]Finding, error) {
	var out []Finding
	add := func(l Level, detail, hint string) { out = append(out, Finding{l, "table " + name, detail, hint}) }
	columns, err := c.st.Columns(ctx, name)
	if err != nil {
		return nil, err
	}
	f := c.servedEngine(name, t.engine)
	if f.Level == OK {
		if f, err = c.unfiltered(ctx, name); err != nil {
			return nil, err
		}
	}
	if f.Level != OK {
		out = append(out, f)
	}
	out = append(out, additions(name, t.full)...)
	rolled, err := c.projections(ctx, name, t.create)
	if err != nil {
		return nil, err
	}
	out = append(out, rolled...)
	refusers, err := c.refusers(ctx, name, t.create, columns)
	if err != nil {
		return nil, err
	}
	out = append(out, refusers...)
	want := wanted(name)
	for _, column := range slices.Sorted(maps.Keys(want)) {
		i := slices.IndexFunc(columns, func(of store.Column) bool { return of.Name == column })
		switch {
		case i < 0:
			add(Fail, "lacks the column "+column, "ALTER TABLE "+c.st.Holding(name)+" ADD COLUMN "+schema.Identifier(column)+" "+want[column])
		case !fits(name, column, columns[i].Type): //guard:lineage-types
			add(Fail, fmt.Sprintf("column %s is %s, not %s", column, columns[i].Type, want[column]), "ALTER TABLE "+c.st.Holding(name)+" MODIFY COLUMN "+schema.Identifier(column)+" "+want[column])
		}
	}
	raw := slices.Contains(store.RawTables(), name)
	if raw && !oneFileOnePartition(t.partition) {
		add(Fail, "is partitioned by "+t.partition+", so that a file's rows spread and can land in part", "recreate it with PARTITION BY toYYYYMM(_hour) and copy its rows") //guard:partition-check
	}
	if raw && t.views != "" {
		broken, err := c.brokenViews(ctx, name)
		if err != nil {
			return nil, err
		}
		out = append(out, broken...)
		add(Warn, "feeds "+t.views, "deletions and reloads do not reach a materialized view: it will drift from the table")
	}
	switch {
	case len(out) > 0:
	case raw:
		add(OK, fmt.Sprintf("%s by month of the file, %d columns", t.engine, len(columns)), "")
	default:
		add(OK, fmt.Sprintf("%s, %d columns", t.engine, len(columns)), "")
	}
	return out, nil
}

var (
	quoted = regexp.MustCompile(`'(?:[^'\\]|\\.)*'`)
	rowTTL = regexp.MustCompile(`\bTTL (.*?)(?: SETTINGS |$)`)
)

// additions looks for what administrators and analysts add to a table that
// takes rows away, or keeps them from being taken away.
func additions(table, full string) []Finding {
	var out []Finding
	what := "table " + table
	if m := rowTTL.FindStringSubmatch(quoted.ReplaceAllString(full, "''")); m != nil && table != "ingest_leases" { // whose TTL is the schema's
		level, hint := Warn, "the final count of a load of older files fails, and verify names them: load only what the TTL keeps, or remove it (ALTER TABLE "+table+" REMOVE TTL)"
		if table == "ingest_files" {
			level, hint = Fail, "files that the ledger forgets are loaded again: ALTER TABLE ingest_files REMOVE TTL"
		}
		out = append(out, Finding{level, what, "loses rows by its TTL " + m[1], hint})
	}
	return out
}
