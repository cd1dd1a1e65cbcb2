package store

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync"
)

// Column is one column of a table, as system.columns lists it.
type Column struct {
	Name, Type  string
	DefaultKind string // "", DEFAULT, MATERIALIZED, ALIAS or EPHEMERAL
	DefaultExpr string
}

// Columns lists a table's columns in their order; a table that does not exist is an error.
func (s *Server) Columns(ctx context.Context, table string) ([]Column, error) {
	all, err := s.ColumnsOf(ctx, table)
	return all[table], err
}

// ColumnsOf lists several tables' columns, by table, in one statement.
func (s *Server) ColumnsOf(ctx context.Context, tables ...string) (map[string][]Column, error) {
	names := strings.Join(tables, ", ")
	rows, err := s.Conn().Query(ctx, `
		SELECT table, name, type, default_kind, default_expression
		FROM system.columns WHERE database = ? AND table IN ? ORDER BY table, position`, s.Database(), tables)
	if err != nil {
		return nil, fmt.Errorf("reading the columns of %s: %w", names, err)
	}
	defer rows.Close()
	out := make(map[string][]Column)
	for rows.Next() {
		var table string
		var c Column
		if err := rows.Scan(&table, &c.Name, &c.Type, &c.DefaultKind, &c.DefaultExpr); err != nil {
			return nil, fmt.Errorf("reading the columns of %s: %w", names, err)
		}
		out[table] = append(out[table], c)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading the columns of %s: %w", names, err)
	}
	for _, table := range tables {
		if len(out[table]) == 0 {
			return nil, fmt.Errorf("table %s is not in database %s (ingest schema apply makes it)", table, cmp.Or(s.Database(), "default"))
		}
	}
	return out, nil
}

// Altered reports whether a column has another type than
// the schema declares: values that do not fit it then say nothing of the file.
func Altered(table string, c Column) (bool, error) {
	declared, err := declaredColumns()
	if err != nil {
		return false, err
	}
	definition, ours := declared[table][c.Name]
	squeeze := func(s string) string { return strings.ReplaceAll(s, " ", "") }
	return c.Type != "String" && (!ours || !strings.HasPrefix(squeeze(definition), squeeze(c.Name+c.Type))), nil
}

// declaredColumns are the definitions of the schema's columns, by table and name.
var declaredColumns = sync.OnceValues(func() (map[string]map[string]string, error) {
	statements, err := single.statements("any")
	out := map[string]map[string]string{}
	for _, st := range statements {
		out[st.Creates] = map[string]string{}
		for _, c := range st.Columns {
			out[st.Creates][c.Name] = c.Definition
		}
	}
	return out, err
})
