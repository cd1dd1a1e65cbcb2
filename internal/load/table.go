// Package load turns fields of text into blocks of typed columns in
// ClickHouse's Native encoding, and sends them as INSERTs.
//
// The destination table is the schema: its own columns decide which headers
// are read and how their text is converted.
package load

import (
	"fmt"
	"slices"
	"strings"

	"rawlogs/internal/store"
)

// Table is a destination and its columns, as system.columns lists them.
type Table struct {
	Database, Name string
	Columns        []store.Column
}

// Lineage columns tell where a row came from. They are filled by the loader
// alone: a header of such a name is kept in _rescued and never feeds them.
const (
	colNetwork  = "network"
	colFile     = "_file"
	colLine     = "_line"
	colHour     = "_hour"
	colInsert   = "_insert"
	colRescued  = "_rescued"
	colLoadedAt = "_loaded_at"
)

func reserved(name string) bool {
	return slices.ContainsFunc(store.Lineage(), func(c store.LineageColumn) bool { return c.Name == name })
}

// CheckLineage returns an error that names the first lineage column that the
// table lacks, or that has a type which cannot hold it.
func (t *Table) CheckLineage() error {
	for _, want := range store.Lineage() {
		c, ok := t.column(want.Name)
		if !ok {
			return fmt.Errorf("table %s has no column %s: add it as %s", t.Name, want.Name, want.Types[0])
		}
		if !want.Fits(c.Type) {
			return fmt.Errorf("table %s: column %s is %s, want %s", t.Name, c.Name, c.Type, strings.Join(want.Types, " or "))
		}
	}
	return nil
}

func (t *Table) column(name string) (store.Column, bool) {
	for _, c := range t.Columns {
		if c.Name == name {
			return c, true
		}
	}
	return store.Column{}, false
}

// Unsupported lists the ordinary columns whose type cannot be filled from
// text. They are left out of every INSERT, and a header of such a name is kept
// in _rescued.
func (t *Table) Unsupported() []store.Column {
	var out []store.Column
	for _, c := range t.Columns {
		if _, ok := parseType(c.Type); !ok && insertable(c) && !reserved(c.Name) {
			out = append(out, c)
		}
	}
	return out
}

// insertable reports whether an INSERT may name the column at all.
func insertable(c store.Column) bool { return c.DefaultKind == "" || c.DefaultKind == "DEFAULT" }

// fed lists the columns that a header may feed, in the table's order.
func (t *Table) fed() []store.Column {
	var out []store.Column
	for _, c := range t.Columns {
		if _, ok := parseType(c.Type); ok && insertable(c) && !reserved(c.Name) {
			out = append(out, c)
		}
	}
	return out
}
