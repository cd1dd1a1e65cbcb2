package fx

import (
	"context"

	"rawlogs/internal/store"
)

// Insert writes rates that the store does not know.
func Insert(ctx context.Context, st *store.Store, rates []Rate) error {
	return insert(ctx, st, rates, nil, "rates.csv")
}
