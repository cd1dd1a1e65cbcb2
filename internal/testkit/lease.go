package testkit

import (
	"context"
	"testing"

	"rawlogs/internal/store"
)

// ExpireLeases lets every lease of a network run out, as a minute of silence would.
func ExpireLeases(tb testing.TB, st *store.Store, network string) {
	tb.Helper()
	err := st.Conn().Exec(context.Background(), `
		INSERT INTO `+st.Holding("ingest_leases")+` SELECT network, run, worker, owner, process, state, since, now64(3) - INTERVAL 1 SECOND, seq + 1000
		FROM ingest_leases WHERE network = ? ORDER BY seq DESC LIMIT 1 BY run`, network)
	if err != nil {
		tb.Fatal(err)
	}
}
