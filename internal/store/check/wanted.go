package check

import (
	"slices"

	"rawlogs/internal/store"
)

// wanted lists the columns, with their types, that the commands read and write
// by name.
func wanted(table string) map[string]string {
	switch table {
	case "ingest_files":
		return ledgerColumns
	case "ingest_leases":
		return leaseColumns
	case "ingest_listings":
		return listingColumns
	case store.RejectedRows:
		return rejectedColumns
	}
	columns := map[string]string{}
	for _, c := range store.Lineage() {
		columns[c.Name] = c.Types[0]
	}
	return columns
}

// fits reports whether a column may have a type.
func fits(table, column, typ string) bool {
	if slices.Contains(store.RawTables(), table) {
		return slices.ContainsFunc(store.Lineage(), func(c store.LineageColumn) bool { return c.Name == column && c.Fits(typ) })
	}
	return wanted(table)[column] == typ
}

var ledgerColumns = map[string]string{
	"network": "LowCardinality(String)", "log_type": "LowCardinality(String)", "file": "String", "hour": "DateTime('UTC')",
	"state": "Enum8('planned' = 1, 'loading' = 2, 'loaded' = 3, 'failed' = 4, 'expired' = 5)", "attempt": "UInt32", "run": "String",
	"size": "Int64", "etag": "String", "lines": "UInt64", "rows": "UInt64", "rescued": "UInt64", "inexact": "UInt64", "rejected": "UInt64", "filled": "Array(String)",
	"inserts": "Array(UInt64)", "first_time": "Nullable(DateTime('UTC'))", "last_time": "Nullable(DateTime('UTC'))",
	"shift_hours": "Int8", "error": "String", "contents": "String", "issues": "Array(String)",
	"issue_texts": "Array(String)", "issue_since": "Nullable(DateTime('UTC'))", "ignored": "String", "version": "UInt64", "updated_at": "DateTime64(3, 'UTC')",
}

var leaseColumns = map[string]string{
	"network": "LowCardinality(String)", "run": "String", "worker": "String", "owner": "String", "process": "String",
	"state": "LowCardinality(String)", "since": "DateTime64(3, 'UTC')", "expires": "DateTime64(3, 'UTC')", "seq": "UInt64",
}

var listingColumns = map[string]string{
	"network": "LowCardinality(String)", "log_type": "LowCardinality(String)", "worker": "String", "from_day": "Date", "until_day": "Date",
	"run": "String", "listed_at": "DateTime64(3, 'UTC')",
}

var rejectedColumns = map[string]string{
	"network": "LowCardinality(String)", "log_type": "LowCardinality(String)", "file": "LowCardinality(String)",
	"hour": "DateTime('UTC')", "line": "UInt32", "piece": "UInt32", "reason": "LowCardinality(String)", "raw": "String",
	"_insert": "UInt64", "_loaded_at": "DateTime('UTC')",
}
