package checkpoint

import (
	"context"
	"fmt"

	"rawlogs/internal/store"
)

// CheckSpelling returns a *SpellingError where the store knows the network by
// letters of another case only: to the API both are one network, and its files
// would be loaded a second time.
func CheckSpelling(ctx context.Context, st *store.Store, network string) error {
	var known []string
	err := st.Conn().QueryRow(ctx, `
		SELECT arraySort(groupUniqArray(toString(network)))
		FROM (SELECT DISTINCT network FROM ingest_files UNION DISTINCT SELECT DISTINCT network FROM ingest_leases)
		WHERE lower(network) = lower(?)`, network).Scan(&known)
	if err != nil {
		return fmt.Errorf("looking for the network in the store: %w", err)
	}
	other := ""
	for _, name := range known {
		if name == network {
			return nil
		}
		other = name
	}
	if other != "" { //guard:network-spelling
		return &SpellingError{Network: network, Known: other}
	}
	return nil
}

// SpellingError tells of a network that the store holds in another spelling.
type SpellingError struct{ Network, Known string }

// Error names both.
func (e *SpellingError) Error() string {
	return fmt.Sprintf("the store holds this network as %s, not as %s: name it %s, or the same files would be loaded twice", e.Known, e.Network, e.Known)
}
