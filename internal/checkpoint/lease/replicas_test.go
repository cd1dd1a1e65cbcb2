package lease

import (
	"errors"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
	"rawlogs/internal/testkit/cluster"
)

// apart opens a store of two replicas twice, each time with another one in use, which is waited for
// so long where it lacks something.
func apart(t *testing.T, wait time.Duration) (one, other *store.Store) {
	t.Helper()
	c := testkit.NewReplicas(t, 1, 2)
	cfg := testkit.ClusterConfig(c, 0)
	cfg.ReplicaWait = wait
	one = testkit.OpenStore(t, cfg)
	cfg.Spec = strings.Replace(cfg.Spec, "cluster="+cluster.Name, "cluster="+cluster.Mirrored, 1)
	other, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := other.Close(); err != nil {
			t.Error(err)
		}
	})
	if one.Home().Addr() == other.Home().Addr() {
		t.Fatalf("both use %s", one.Home().Addr())
	}
	return one, other
}

// Runs that speak to different replicas claim at the same moment: at most one gets the lease.
func TestClaimsOnReplicas(t *testing.T) {
	t.Parallel()
	one, other := apart(t, time.Minute)
	claimAtOnce(t, 10, 6, one, other)
}

// A replica that has not heard of a claim does not say that there is none.
func TestClaimOnStaleReplica(t *testing.T) {
	t.Parallel()
	one, other := apart(t, time.Second)
	if err := other.Conn().Exec(t.Context(), "SYSTEM STOP FETCHES "+other.Holding("ingest_leases")); err != nil {
		t.Fatal(err)
	}
	first := claimed(t, one, "net", "first", "")
	if err := New(other, "net", "second", rawlog.Share{}, silent).Claim(t.Context()); err == nil || !store.Retryable(err) {
		t.Errorf("%v, want an error that passes", err)
	}
	if err := first.Confirm(t.Context()); err != nil {
		t.Errorf("the replica that has all: %v", err)
	}
	second := New(other, "net", "first", rawlog.Share{}, silent) // the same run, asked there
	if err := second.Confirm(t.Context()); err == nil || !store.Retryable(err) {
		t.Errorf("the replica that lacks the claim: %v, want an error that passes", err)
	}
	if err := other.Conn().Exec(t.Context(), "SYSTEM START FETCHES "+other.Holding("ingest_leases")); err != nil {
		t.Fatal(err)
	}
	refused(t, other, "net", "third", "")
	release(t, first)
}

// A run whose lease ran out, on a replica that has heard of no other run yet, deletes nothing.
func TestFenceOnStaleReplica(t *testing.T) {
	t.Parallel()
	one, other := apart(t, time.Second)
	exec := func(st *store.Store, statement string) {
		t.Helper()
		if err := st.Conn().Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	exec(one, "INSERT INTO "+one.Holding("clicks")+" (network, _file, _insert) VALUES ('net', 'a', 1)")
	scope := store.Scope{Network: "net", Type: rawlog.Clicks}
	rows := []store.Rows{{File: "a", Insert: 1}}
	asleep := claimed(t, one, "net", "asleep", "")
	exec(one, "SYSTEM STOP FETCHES "+one.Holding("ingest_leases"))
	// Its claim ends, and it does not renew it.
	exec(one, "INSERT INTO "+one.Holding("ingest_leases")+" (network, run, state, since, expires, seq) SELECT 'net', 'asleep', 'held', now64(3), now64(3), 100")
	exec(one, "ALTER TABLE "+one.Holding("ingest_leases")+" UPDATE expires = now64(3) - INTERVAL 1 SECOND WHERE run = 'asleep' SETTINGS mutations_sync = 1")
	if err := other.Sync(t.Context(), "ingest_leases"); err != nil {
		t.Fatal(err)
	}
	awake := claimed(t, other, "net", "awake", "")
	if err := one.DeleteRows(t.Context(), scope, rows, asleep.Fence()); !errors.Is(err, ErrLost) {
		t.Errorf("%v, want %v", err, ErrLost)
	}
	if counts, err := other.CountRows(t.Context(), scope); err != nil || len(counts) != 1 {
		t.Errorf("%v, %v", counts, err)
	}
	exec(one, "SYSTEM START FETCHES "+one.Holding("ingest_leases"))
	if err := other.DeleteRows(t.Context(), scope, rows, awake.Fence()); err != nil {
		t.Error(err)
	}
	release(t, awake)
}
