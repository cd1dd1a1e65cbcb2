package store

import (
	"slices"
	"strings"

	"rawlogs/internal/rawlog"
)

// RawTables are the tables of rows.
func RawTables() []string {
	var names []string
	for _, t := range rawlog.All() {
		names = append(names, string(t))
	}
	return names
}

// LineageColumn is a column that tells where a row came from, with the types that
// it may have; the first is the one that the schema declares.
type LineageColumn struct {
	Name  string
	Types []string
}

// Lineage lists the columns that every raw table must have. They are filled by the
// loader alone.
func Lineage() []LineageColumn {
	text := []string{"LowCardinality(String)", "String"}
	hour := []string{"DateTime('UTC')", "DateTime"}
	return []LineageColumn{
		{"network", text}, {"_file", text}, {"_line", []string{"UInt32", "UInt64"}}, {"_hour", hour}, {"_insert", []string{"UInt64"}},
		{"_rescued", []string{"Map(LowCardinality(String), String)"}}, {"_loaded_at", hour},
	}
}

// Fits reports whether the column may have a type. In which zone a DateTime is
// shown makes no difference to it.
func (c LineageColumn) Fits(typ string) bool {
	if slices.Contains(c.Types, "DateTime") && strings.HasPrefix(typ, "DateTime(") {
		return true
	}
	return slices.Contains(c.Types, typ)
}
