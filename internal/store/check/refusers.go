package check

import (
	"context"
	"slices"
	"strings"

	"rawlogs/internal/store"
)

// ownTables are those that a load writes beside the rows: without them it has no outcome.
func ownTables() []string {
	return []string{store.RejectedRows, "ingest_files", "ingest_leases", "ingest_listings"}
}

// refusers names what of a table's definition may refuse rows, or keep fewer than are
// sent. Projections and TTLs have findings of their own.
func (c checker) refusers(ctx context.Context, table, create string, columns []store.Column) ([]Finding, error) {
	if slices.Contains(ownTables(), table) {
		if f := c.unconstrained(table, create); f.Level != OK {
			return []Finding{f}, nil
		}
		return nil, nil
	}
	found, err := c.st.Refusers(ctx, map[string][]store.Column{table: columns})
	if err != nil {
		return nil, err
	}
	var out []Finding
	for _, r := range found[table] {
		const then = "a file whose rows it refuses fails, and the rows of its version before stay: they are tried on a copy of the table, which takes twice the time"
		switch r.Kind {
		case store.Projection, store.TTL:
		case store.Merging:
			out = append(out, Finding{Warn, "table " + table, "has " + r.Text, c.st.Merging(r.Name)})
		default:
			out = append(out, Finding{Warn, "table " + table, "has " + r.Text + ", by which the server may refuse rows", then})
		}
	}
	return out, nil
}

// unconstrained looks for a constraint in the definition of a table of ours, "" where it
// is absent: an INSERT that one refuses would leave rows without their outcome in the ledger.
func (c checker) unconstrained(table, create string) Finding {
	if create == "" {
		return Finding{OK, "table " + table, "is not there", ""}
	}
	if names := store.Constraints(create); len(names) > 0 {
		return Finding{Fail, "table " + table, "has the constraint " + strings.Join(names, ", ") + ", which may refuse what a load has to write",
			c.st.DropConstraint(table, names[0])}
	}
	return Finding{OK, "table " + table, "takes all rows", ""}
}
