package store

import (
	"slices"
	"strings"

	"rawlogs/schema"
)

// acrossShards is pinned on the connections to a cluster's servers. A table that stands for
// those of all shards may be joined with another one, or be one of which values are looked up.
var acrossShards = map[string]string{
	"distributed_product_mode":  "global",
	"skip_unavailable_shards":   "0",
	"prefer_localhost_replica":  "1",
	"prefer_global_in_and_join": "1",
}

// replaceFront makes a table that stands for those of all shards anew, with the columns of
// the server's own.
func (sh Shape) replaceFront(database, table string) statement {
	own := quote(database+Local) + "." + quote(table)
	return statement{"REPLACE TABLE " + table, "CREATE OR REPLACE TABLE " + quote(database) + "." + quote(table) + " AS " + own + " ENGINE = " + sh.standsFor(database+Local, table)}
}

// distributed are the statements of a front's database: of each table the one that stands
// for those of all shards, and the views.
func (sh Shape) distributed(statements []schema.Statement, database string) []schema.Statement {
	out := slices.Clone(statements)
	for i, st := range out {
		if st.View != nil || st.Creates == "" {
			continue
		}
		out[i] = schema.Statement{
			File: st.File, Line: st.Line, Title: st.Title, Creates: st.Creates,
			SQL: "CREATE TABLE IF NOT EXISTS " + quote(database) + "." + quote(st.Creates) + " AS " + quote(database+Local) + "." + quote(st.Creates) + " ENGINE = " + sh.standsFor(database+Local, st.Creates),
		}
	}
	return out
}

// standsFor is the engine of a table that stands for the own tables of all shards.
func (sh Shape) standsFor(local, table string) string {
	return "Distributed(" + strings.Join([]string{literal(sh.cluster), literal(local), literal(table)}, ", ") + ")"
}

// stands reports whether an object is a table that stands for those of all shards.
func (sh Shape) stands(o object) bool { return o.engine == "Distributed" }
