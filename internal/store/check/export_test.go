package check

import (
	"time"

	"rawlogs/internal/store"
)

// ServedEngine is what Loadable and Run go by.
func ServedEngine(st *store.Store, table, engine string) Finding {
	return checker{st.Home()}.servedEngine(table, engine)
}

// Apart is how clocks are compared.
func Apart(diff, took time.Duration) bool { return apart(diff, took) }
