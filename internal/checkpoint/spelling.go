package checkpoint

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"rawlogs/internal/store"
)

// Networks are those of which the store holds files or runs, in order.
func Networks(ctx context.Context, st *store.Store) ([]string, error) {
	var known []string
	err := st.Conn().QueryRow(ctx, `
		SELECT arraySort(groupUniqArray(toString(network)))
		FROM (SELECT DISTINCT network FROM `+st.Holding("ingest_files")+` UNION DISTINCT SELECT DISTINCT network FROM `+st.Holding("ingest_leases")+`)`).Scan(&known)
	if err != nil {
		return nil, fmt.Errorf("looking for the network in the store: %w", err)
	}
	return known, nil
}

// CheckSpelling returns a *SpellingError where the store knows the network by
// letters of another case only: to the API both are one network, and its files
// would be loaded a second time.
func CheckSpelling(ctx context.Context, st *store.Store, network string) error {
	known, err := Networks(ctx, st)
	if err != nil {
		return err
	}
	return SpellingOf(network, known)
}

// SpellingOf is CheckSpelling among networks that are known.
func SpellingOf(network string, known []string) error {
	if slices.Contains(known, network) {
		return nil
	}
	for _, other := range slices.Backward(known) {
		if strings.EqualFold(other, network) { //guard:network-spelling
			return &SpellingError{Network: network, Known: other}
		}
	}
	return nil
}

// SpellingError is returned for a network that the store holds in another spelling.
type SpellingError struct{ Network, Known string }

// Error names both.
func (e *SpellingError) Error() string {
	return fmt.Sprintf("the store holds this network as %s, not as %s: name it %s, or the same files would be loaded twice", e.Known, e.Network, e.Known)
}
