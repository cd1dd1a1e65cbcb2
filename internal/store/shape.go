package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"rawlogs/schema"
)

// Shape is how a store lies over its servers. One value holds everything that a single
// server, a shard and the database in which people ask a cluster do differently:
//
//   - the statements of the schema, with their clauses (engine, durability, GLOBAL);
//   - every statement that changes a definition, a dictionary, or rows in place;
//   - the table in which rows are, behind the name by which they are asked for;
//   - the settings under which a deletion has been done when it says so;
//   - the rights that all of this takes, and the engines that may hold our rows.
//
// The rest of the program speaks of tables and sends no such statement of its own, which
// a test of the repository asserts.
type Shape struct {
	clauses   map[string]string // for the placeholders of schema/*.sql
	settings  map[string]string // pinned on every connection
	rights    []string          // on the database, for all that the commands do
	rehearsal []string          // on the database, for the tables of a check
	layer     layer
	cluster   string // "" on a single server

	replicated bool // its shards have replicas
}

// layer is what a database has of the schema.
type layer int

const (
	whole layer = iota // tables and views
	own                // of a shard: its own tables
	front              // of a cluster: tables that stand for those of all shards, and views
)

// PartBytes is the size up to which parts with roll-ups are merged. Marking rows of a part as
// deleted rebuilds the part's roll-ups from all of its rows, so without a limit the cost of
// reloading a file would grow with its month. The server's check for too many parts applies only
// while parts are much smaller than this, so a month of any size can be loaded.
const PartBytes = 256 << 20

// SyncedMerges is the setting by which a merge or a mutation is on disk before the parts that it
// replaces are removed. The server relies on the time between the two otherwise (old_parts_lifetime),
// which is none in the embedded one, and over by a restart (ClickHouse issue 111875): a power cut
// would take rows that are loaded.
const SyncedMerges = "min_rows_to_fsync_after_merge = 1"

// single is one server, with tables of its own.
var single = Shape{
	clauses: map[string]string{
		"mergetree": "MergeTree",
		//guard:ledger-replacing
		"replacing:version": "ReplacingMergeTree(version)",
		"replacing:seq":     "ReplacingMergeTree(seq)",
		"global":            "",
		"durable":           "fsync_after_insert = 1, fsync_part_directory = 1, " + SyncedMerges, //guard:merges-synced
		"no_insert_dedup":   "non_replicated_deduplication_window = 0",
		//guard:rollups-rebuilt
		"rollups": "lightweight_mutation_projection_mode = 'rebuild'",
		"bounded": fmt.Sprintf("max_bytes_to_merge_at_max_space_in_pool = %d, max_avg_part_size_for_too_many_parts = %d", PartBytes, PartBytes/8),
	},
	settings: map[string]string{
		"mutations_sync": "2",
		//guard:delete-awaited
		"lightweight_deletes_sync": "2",
		"alter_sync":               "2",
	},
	rights:    []string{"SELECT", "INSERT", "CREATE TABLE", "CREATE VIEW", "ALTER DELETE", "ALTER ADD COLUMN", "ALTER MODIFY COLUMN", "ALTER UPDATE"},
	rehearsal: []string{"CREATE TABLE", "DROP TABLE"},
}

// shape is how the servers of the address lie.
func (t target) shape() Shape {
	if t.cluster == "" {
		return single
	}
	sh := single
	sh.cluster, sh.layer = t.cluster, own
	sh.settings, sh.clauses = maps.Clone(single.settings), maps.Clone(single.clauses)
	maps.Copy(sh.settings, acrossShards)
	if t.own == "" {
		sh.layer = front
		sh.clauses["global"] = "GLOBAL"
		sh.rights = []string{"SELECT", "CREATE TABLE", "DROP TABLE", "CREATE VIEW"}
	}
	if t.replicated {
		sh = sh.overReplicas(t.database + Local)
	}
	if t.definedOnce {
		maps.Copy(sh.settings, definingOnce)
	}
	return sh
}

func (s *Server) shape() Shape { return s.target.shape() }

// TableName is the quoted name, with its database, by which a table or view is read: on a
// cluster it stands for the tables of all shards.
func (s *Server) TableName(table string) string { return quote(s.Asked()) + "." + quote(table) }

// Holding is the quoted name, with its database, of the server's own table, which has the
// rows: they are inserted into it, counted in it before anything is decided, and deleted
// from it. On a single server it is the one that is read.
func (s *Server) Holding(table string) string { return quote(s.Database()) + "." + quote(table) }

// statement is one that changes the store, and what people and hooks know it by.
type statement struct{ title, sql string }

// statements are those of the schema.
func (sh Shape) statements(database string) ([]schema.Statement, error) {
	all, err := schema.Statements(database, sh.clauses)
	if err != nil {
		return nil, err
	}
	switch sh.layer {
	case whole:
	case own:
		all = slices.DeleteFunc(all, func(st schema.Statement) bool { return st.View != nil })
	case front:
		all = sh.distributed(all, database)
	}
	return all, nil
}

func (sh Shape) createDatabase(name string) statement {
	return statement{"CREATE DATABASE " + name, "CREATE DATABASE IF NOT EXISTS " + quote(name) + " ENGINE = Atomic"}
}

// addColumns adds those of the columns that the table lacks: all or none.
func (sh Shape) addColumns(name, full string, columns []schema.Column) statement {
	names, adds := make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		names[i], adds[i] = c.Name, "ADD COLUMN IF NOT EXISTS "+c.Definition
	}
	return statement{"ALTER TABLE " + name + " ADD COLUMN " + strings.Join(names, ", "), "ALTER TABLE " + full + " " + strings.Join(adds, ", ")}
}

// retypeColumn gives a column of ours a type that holds what it held and more.
func (sh Shape) retypeColumn(name, full string, c schema.Column) statement {
	return statement{"ALTER TABLE " + name + " MODIFY COLUMN " + c.Name, "ALTER TABLE " + full + " MODIFY COLUMN " + c.Definition}
}

// addIndex adds an index that the table lacks; parts that are there stay without it.
func (sh Shape) addIndex(name, full string, index schema.Index) statement {
	return statement{"ALTER TABLE " + name + " ADD INDEX " + index.Name, "ALTER TABLE " + full + " ADD INDEX IF NOT EXISTS " + index.Definition}
}

// prepareRollUps applies the settings that a table with roll-ups needs.
func (sh Shape) prepareRollUps(name, full string) statement {
	return statement{"ALTER TABLE " + name + " MODIFY SETTING", "ALTER TABLE " + full + " MODIFY SETTING " + sh.clauses["rollups"] + ", " + sh.clauses["bounded"]}
}

// addRollUp adds an aggregate projection; parts that are there get it when they are merged.
func (sh Shape) addRollUp(name, full string, r schema.RollUp) statement {
	return statement{"ALTER TABLE " + name + " ADD PROJECTION " + r.Name, "ALTER TABLE " + full + " ADD PROJECTION IF NOT EXISTS " + r.Definition}
}

// update changes rows in place, and is done when it returns.
func (sh Shape) update(full, sets, where string) string {
	return "ALTER TABLE " + full + " UPDATE " + sets + " WHERE " + where + " SETTINGS mutations_sync = 2"
}

// remove deletes rows of a partition by marking them.
func (sh Shape) remove(full, partition, where string) string {
	return "DELETE FROM " + full + in(partition) + " WHERE " + where
}

// rewrite deletes rows of a partition by writing their parts anew. In the place of a part that
// loses all of its rows the server puts an empty one.
func (sh Shape) rewrite(full, partition, where string) string {
	return "ALTER TABLE " + full + " DELETE" + in(partition) + " WHERE " + where
}

// everywhere stands for the id of a partition where all of them are meant.
const everywhere = ""

// in keeps a mutation to a partition: the server looks for its rows in no other part.
func in(partition string) string {
	if partition != everywhere { //guard:deletion-in-partition
		return " IN PARTITION ID " + literal(partition)
	}
	return ""
}

// unmask writes the parts of a partition anew, without rows that are marked as deleted.
func (sh Shape) unmask(full, partition string) string {
	return "ALTER TABLE " + full + " APPLY DELETED MASK" + in(partition)
}

// copyOf makes an empty table of the definition of another, of this server alone.
func (sh Shape) copyOf(name, full, of, engine string) (statement, error) {
	as := "CREATE TABLE " + full + " AS " + of
	if sh.replicated {
		alone, err := sh.alone(engine)
		if err != nil {
			return statement{}, err
		}
		as += " ENGINE = " + alone
	}
	return statement{"CREATE TABLE " + name, as}, nil
}

func (sh Shape) dropTable(name, full string) statement {
	return statement{"DROP TABLE " + name, "DROP TABLE IF EXISTS " + full + " SYNC"}
}

func (sh Shape) createView(name, full, query, comment string) statement {
	return statement{"CREATE VIEW " + name, "CREATE VIEW IF NOT EXISTS " + full + " AS " + query + " COMMENT " + literal(comment)}
}

func (sh Shape) dropView(name, full string) statement {
	return statement{"DROP VIEW " + name, "DROP VIEW IF EXISTS " + full}
}

// createDictionary makes or replaces a dictionary whose rows the server reads from
// itself, as the user given.
func (sh Shape) createDictionary(d Dictionary, full, user, password string) statement {
	var columns, keys []string
	for i, c := range d.Columns {
		columns = append(columns, quote(c.Name)+" "+c.Type)
		if i < d.Keys {
			keys = append(keys, quote(c.Name))
		}
	}
	return statement{"CREATE DICTIONARY " + d.Name, "CREATE OR REPLACE DICTIONARY " + full + " (" + strings.Join(columns, ", ") +
		") PRIMARY KEY " + strings.Join(keys, ", ") +
		" SOURCE(CLICKHOUSE(QUERY " + literal(d.Query) + " USER " + literal(user) + " PASSWORD " + literal(password) + "))" +
		" LAYOUT(COMPLEX_KEY_HASHED()) LIFETIME(MIN 300 MAX 600) COMMENT " + literal(d.Comment)}
}

func (sh Shape) reloadDictionary(name, full string) statement {
	return statement{"SYSTEM RELOAD DICTIONARY " + name, "SYSTEM RELOAD DICTIONARY " + full}
}

func (sh Shape) dropDictionary(name, full string) statement {
	return statement{"DROP DICTIONARY " + name, "DROP DICTIONARY IF EXISTS " + full}
}

// rename is advice: nothing that somebody else made is ever renamed by us.
func (sh Shape) rename(o object, full, to string) string {
	if o.engine == "Dictionary" {
		return "RENAME DICTIONARY " + full + " TO " + to
	}
	return "RENAME TABLE " + full + " TO " + to
}

const notServed = "replicated tables are served as those of a cluster: name it in the address (?cluster=NAME), or use a server with tables of its own"

// unserved says what to do about a table of an engine that may not hold our rows; "" for
// one that may: a table of this one server, in which an INSERT is whole and a deletion is
// done when it says so.
func (sh Shape) unserved(table, engine string) string {
	switch {
	case strings.HasPrefix(engine, sharedPrefix):
		return cloudNotServed
	case sh.replicated:
		return sh.unservedReplicated(table, engine)
	case strings.HasPrefix(engine, replicatedPrefix), strings.HasPrefix(engine, "Distributed"):
		return notServed
	}
	if !strings.HasSuffix(engine, "MergeTree") || table == "ingest_files" && engine != "ReplacingMergeTree" {
		return "move it away (RENAME TABLE), apply the schema, and copy its rows back"
	}
	return ""
}

// merging says what to do about a table of rows whose engine makes one row of all that
// have the same sorting key; it is "" for another engine.
func (sh Shape) merging(engine string) string {
	if engine == "MergeTree" || sh.replicated && engine == "ReplicatedMergeTree" {
		return ""
	}
	return "the engine " + engine + " makes one row of all that have the same sorting key, so that rows are lost unless it tells each from all others, as (network, _file, _line) does: " +
		"copy them into a table with the engine MergeTree"
}

// Merging says what to do about a table of rows whose engine makes one row of several; it
// is "" for another engine.
func (s *Server) Merging(engine string) string { return s.shape().merging(engine) }

// DropConstraint is advice: how an administrator drops a constraint, whose name is quoted
// where need be.
func (s *Server) DropConstraint(table, name string) string {
	return "ALTER TABLE " + s.Holding(table) + " DROP CONSTRAINT " + name
}

// Unserved says what to do about a table of an engine that may not hold our rows; it is
// "" for one that may.
func (s *Server) Unserved(table, engine string) string { return s.shape().unserved(table, engine) }

// UnservedDatabase says the same of a database of an engine.
func (s *Server) UnservedDatabase(engine string) string { return s.shape().unservedDatabase(engine) }

// CopyTable makes an empty table of the definition of another.
func (s *Server) CopyTable(ctx context.Context, name, of string) error {
	var engine string
	if s.shape().replicated {
		if err := s.Conn().QueryRow(ctx, "SELECT any(engine_full) FROM system.tables WHERE database = ? AND name = ?", s.Database(), of).Scan(&engine); err != nil {
			return fmt.Errorf("looking at the engine of %s: %w", of, err)
		}
	}
	create, err := s.shape().copyOf(name, s.Holding(name), s.Holding(of), engine)
	if err != nil {
		return err
	}
	return s.ddl(ctx, create)
}

// RollUpMode is the setting of tables by which a deletion sums roll-ups anew.
func (s *Server) RollUpMode() string { return s.shape().clauses["rollups"] }

// PartBound is the name of the setting that bounds the size of parts.
func (s *Server) PartBound() string {
	name, _, _ := strings.Cut(s.shape().clauses["bounded"], " ")
	return name
}

// PrepareRollUps is advice: how an administrator applies the settings that roll-ups need.
func (s *Server) PrepareRollUps(table string) string {
	return s.shape().prepareRollUps(table, s.Holding(table)).sql
}

// SyncMerges is advice: how the merges of a table become durable.
func (s *Server) SyncMerges(table string) string {
	return "ALTER TABLE " + s.Holding(table) + " MODIFY SETTING " + SyncedMerges
}

// AddRollUp is advice: how an administrator adds a roll-up that a table lacks.
func (s *Server) AddRollUp(table string, r schema.RollUp) string {
	return "ALTER TABLE " + s.Holding(table) + " ADD PROJECTION " + r.Definition
}

// FillRollUps is what brings a table's roll-ups into the parts of a month that were there before
// them. The mask comes first: rows that are only marked as deleted would be summed with the others.
func (s *Server) FillRollUps(table, month string, have []schema.RollUp) string {
	var fill []string
	for _, r := range have {
		fill = append(fill, "MATERIALIZE PROJECTION "+r.Name+" IN PARTITION ID "+literal(month))
	}
	full := s.Holding(table)
	return s.shape().unmask(full, month) + "; ALTER TABLE " + full + " " + strings.Join(fill, ", ")
}

// DropTable drops a table with its rows, if it is there.
func (s *Server) DropTable(ctx context.Context, name string) error {
	return s.ddl(ctx, s.shape().dropTable(name, s.Holding(name)))
}

// addColumns adds those of the columns that the table lacks: all or none.
func (s *Server) addColumns(ctx context.Context, table string, columns ...schema.Column) error {
	return s.ddl(ctx, s.shape().addColumns(table, s.Holding(table), columns))
}

// update changes rows of a table in place, and returns when that is done. sets and where
// are SQL.
func (s *Server) update(ctx context.Context, op Op, table, sets, where string) error {
	return s.Write(ctx, op, func(ctx context.Context) error {
		return s.Conn().Exec(ctx, s.shape().update(s.Holding(table), sets, where))
	})
}

// ddl sends a statement that changes a definition.
func (s *Server) ddl(ctx context.Context, st statement) error {
	return s.Write(ctx, Op{Kind: "ddl", Detail: st.title}, func(ctx context.Context) error {
		return s.Conn().Exec(ctx, st.sql)
	})
}
