package load

import (
	"context"

	"rawlogs/internal/store"
)

// OpenTables reads the columns of destinations from the store, and returns them in the
// order of their names here; the error says what to do where a table is missing or could
// not hold a row's lineage.
func OpenTables(ctx context.Context, st *store.Store, names ...string) ([]*Table, error) {
	columns, err := st.ColumnsOf(ctx, names...)
	if err != nil {
		return nil, err
	}
	tables := make([]*Table, len(names))
	for i, name := range names {
		tables[i] = &Table{Database: st.Database(), Name: name, Columns: columns[name]}
		if err := tables[i].CheckLineage(); err != nil {
			return nil, err
		}
	}
	return tables, nil
}
