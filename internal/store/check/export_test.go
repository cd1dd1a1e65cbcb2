package check

import "rawlogs/internal/store"

// ServedEngine is what Loadable and Run go by.
func ServedEngine(st *store.Store, table, engine string) Finding {
	return checker{st.Home()}.servedEngine(table, engine)
}
