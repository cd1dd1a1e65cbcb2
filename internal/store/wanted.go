package store

import (
	"maps"
	"slices"
)

// wanted lists the columns, with their types, that the commands read and write
// by name.
func wanted(table string) map[string]string {
	switch table {
	case "ingest_files":
		return ledgerColumns
	case "ingest_leases":
		return leaseColumns
	case RejectedRows:
		return rejectedColumns
	}
	return lineage
}

// lineage are the columns, by type, that every raw table must have.
var lineage = map[string]string{
	"network": "LowCardinality(String)", "_file": "LowCardinality(String)", "_line": "UInt32", "_hour": "DateTime('UTC')",
	"_insert": "UInt64", "_rescued": "Map(LowCardinality(String), String)", "_loaded_at": "DateTime('UTC')",
}

var ledgerColumns = map[string]string{
	"network": "LowCardinality(String)", "log_type": "LowCardinality(String)", "file": "String", "hour": "DateTime('UTC')",
	"state": "Enum8('planned' = 1, 'loading' = 2, 'loaded' = 3, 'failed' = 4)", "attempt": "UInt32", "run": "String",
	"size": "Int64", "etag": "String", "lines": "UInt64", "rows": "UInt64", "rescued": "UInt64", "rejected": "UInt64",
	"inserts": "Array(UInt64)", "first_time": "Nullable(DateTime('UTC'))", "last_time": "Nullable(DateTime('UTC'))",
	"shift_hours": "Int8", "error": "String", "version": "UInt64", "updated_at": "DateTime64(3, 'UTC')",
}

var leaseColumns = map[string]string{
	"network": "LowCardinality(String)", "run": "String", "worker": "String", "owner": "String", "process": "String",
	"state": "LowCardinality(String)", "since": "DateTime64(3, 'UTC')", "expires": "DateTime64(3, 'UTC')", "seq": "UInt64",
}

var rejectedColumns = map[string]string{
	"network": "LowCardinality(String)", "log_type": "LowCardinality(String)", "file": "LowCardinality(String)",
	"hour": "DateTime('UTC')", "line": "UInt32", "piece": "UInt32", "reason": "LowCardinality(String)", "raw": "String",
	"_insert": "UInt64", "_loaded_at": "DateTime('UTC')",
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
