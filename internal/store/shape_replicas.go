package store

import (
	"fmt"
	"maps"
	"strings"
)

// Replicas of a shard are told to each other by a path in the Keeper, of which the server fills in
// the macros: shard is alike on the replicas of a shard and on no others, replica differs
// between them. checkMacros makes sure of both before a table is made.
const (
	shardMacro   = "shard"
	replicaMacro = "replica"
)

// acrossReplicas is pinned on the connections to replicas. A mutation is each replica's to run,
// so whatever else it asks for is answered once, where it is begun; and it is waited for on one
// replica by the statement, and on the others by us, as one that is away would end it.
var acrossReplicas = map[string]string{
	"mutations_sync":           "1",
	"lightweight_deletes_sync": "1",
	"alter_sync":               "1",
	//guard:replicated-fence
	"mutations_execute_subqueries_on_initiator":       "1",
	"mutations_execute_nondeterministic_on_initiator": "1",
	// What a server tries again by itself could land after its client has given it up.
	"insert_keeper_max_retries": "0",
	"load_balancing":            "in_order", // the same replica's rows for one question after the other
}

// overReplicas is the shape of a shard's tables, or of those in which people ask, on a cluster
// whose shards have replicas.
func (sh Shape) overReplicas(database string) Shape {
	sh.replicated = true
	sh.settings, sh.clauses = maps.Clone(sh.settings), maps.Clone(sh.clauses)
	maps.Copy(sh.settings, acrossReplicas)
	path := literal(fmt.Sprintf("/clickhouse/tables/{%s}/%s/{table}", shardMacro, database)) + ", " + literal("{"+replicaMacro+"}")
	sh.clauses["mergetree"] = "ReplicatedMergeTree(" + path + ")"
	for _, column := range []string{"version", "seq"} {
		sh.clauses["replacing:"+column] = "ReplicatedReplacingMergeTree(" + path + ", " + column + ")"
	}
	sh.clauses["no_insert_dedup"] = "replicated_deduplication_window = 0, replicated_deduplication_window_for_async_inserts = 0"
	if sh.layer == own {
		sh.rights = append(sh.rights[:len(sh.rights):len(sh.rights)], "SYSTEM SYNC REPLICA")
	}
	return sh
}

// syncReplica waits until the server has all parts that other replicas have.
func (sh Shape) syncReplica(full string) string {
	return "SYSTEM SYNC REPLICA " + full + " LIGHTWEIGHT"
}

const replicatedPrefix = "Replicated"

// alone is the definition of an engine of a replicated table, for one of the server alone.
func (sh Shape) alone(engine string) (string, error) {
	name, arguments, _ := strings.Cut(engine, "(")
	name, replicated := strings.CutPrefix(name, replicatedPrefix)
	if !replicated {
		return engine, nil
	}
	for i := range 2 { // path and replica
		text, quoted := strings.CutPrefix(strings.TrimLeft(arguments, " "), "'")
		if !quoted {
			return "", fmt.Errorf("the engine %s does not begin with a path and a replica", engine)
		}
		arguments = text[quotedLength(text):]
		if i == 0 || strings.HasPrefix(arguments, ",") {
			arguments = strings.TrimPrefix(arguments, ",")
		}
	}
	return name + "(" + strings.TrimLeft(arguments, " "), nil
}

// unservedReplicated says what to do about a table of an engine that cannot hold our rows on
// replicas; "" for one that can.
func (sh Shape) unservedReplicated(table, engine string) string {
	name, replicated := strings.CutPrefix(engine, replicatedPrefix)
	switch {
	case strings.HasSuffix(engine, "MergeTree") && !replicated:
		return "the cluster has replicas, and the others would not get its rows: DETACH TABLE " + table + ", ATTACH TABLE " + table + " AS REPLICATED, on one replica of each shard"
	case !replicated || !strings.HasSuffix(name, "MergeTree") || table == "ingest_files" && name != "ReplacingMergeTree":
		return "move it away (RENAME TABLE), apply the schema, and copy its rows back"
	}
	return ""
}

// dropReplica is advice: how the others forget a replica whose disk is lost.
func (sh Shape) dropReplica(name, database string) string {
	return "SYSTEM DROP REPLICA " + literal(name) + " FROM DATABASE " + quote(database)
}
