package load

import (
	"context"

	"rawlogs/internal/store"
)

// OpenTable reads a destination's columns from the store; the error says what
// to do where the table is missing or could not hold a row's lineage.
func OpenTable(ctx context.Context, st *store.Store, name string) (*Table, error) {
	columns, err := st.Columns(ctx, name)
	if err != nil {
		return nil, err
	}
	t := &Table{Database: st.Database(), Name: name, Columns: columns}
	return t, t.CheckLineage()
}
