package faults

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"

	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
	"rawlogs/internal/testkit/cluster"
)

// replicated is a shard of three replicas, each behind a proxy by whose address the loader knows
// it. They fetch parts from each other without one.
type replicated struct {
	*database
	cluster *cluster.Cluster
	proxies []*toxiproxy.Proxy
	cfg     store.Config
}

func newReplicated(t *testing.T) *replicated {
	t.Helper()
	s := &replicated{}
	s.cluster = testkit.NewReplicasBehind(t, 1, 3, func(addr string) string {
		s.proxies = append(s.proxies, proxyTo(t, addr))
		return s.proxies[len(s.proxies)-1].Listen
	})
	s.cfg = testkit.ClusterConfig(s.cluster, 0)
	s.cfg.Spec = strings.Replace(s.cfg.Spec, s.cluster.Addrs[0], strings.Join(s.cluster.Addrs, ","), 1)
	s.cfg.ReplicaWait = 2 * time.Second
	s.database = &database{st: testkit.OpenStore(t, s.cfg)}
	return s
}

// on runs a statement on a replica, as somebody would by hand.
func (s *replicated) on(t *testing.T, replica int, statement string) {
	t.Helper()
	st, err := store.Open(t.Context(), store.Config{Spec: cluster.Server(s.cluster.Addrs[replica], s.st.Database())})
	if err == nil {
		err = st.Conn().Exec(t.Context(), statement)
	}
	if err == nil {
		err = st.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// caughtUp waits until each replica has all that the others have.
func (s *replicated) caughtUp(t *testing.T) {
	t.Helper()
	all, err := s.st.Home().Replicas(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		tables, err := r.Replicating(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range tables {
			if err := r.Sync(t.Context(), table.Name); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// hooked opens the store once more, with a hook. The replica in use is the first that answers.
func (s *replicated) hooked(r *rig, hook store.Hook) *store.Store {
	r.Helper()
	cfg := s.cfg
	cfg.Log, cfg.Hook = r.said.log(), hook
	return testkit.OpenStore(r.T, cfg)
}

// settled recovers, and then makes sure that all replicas have the same rows, once.
func (s *replicated) settled(r *rig) {
	r.Helper()
	var first string
	for i, addr := range s.cluster.Addrs {
		st, err := store.Open(r.Context(), store.Config{Spec: cluster.Server(addr, s.st.Database())})
		if err != nil {
			r.Fatal(err)
		}
		var all string
		for _, table := range []string{"clicks", "rejected_rows", "ingest_files FINAL"} {
			name, _, _ := strings.Cut(table, " ")
			waiting := store.Patience{Store: st, Wait: time.Minute, Log: r.said.log()} // for a Keeper that was away
			err := waiting.Steady(r.Context(), func(ctx context.Context) error { return st.Conn().Exec(ctx, "SYSTEM SYNC REPLICA "+name) })
			var of string
			if err == nil {
				err = st.Conn().QueryRow(r.Context(), "SELECT toString((count(), sum(cityHash64(toString(tuple(*)))))) FROM "+table+" WHERE network = ?", r.network).Scan(&of)
			}
			if err != nil {
				r.Fatal(err)
			}
			all += table + " " + of + " "
		}
		if i == 0 {
			first = all
		} else if all != first {
			r.Errorf("%s has %s, and %s has %s", addr, all, s.cluster.Addrs[0], first)
		}
		if err := st.Close(); err != nil {
			r.Error(err)
		}
	}
}

// moment is when a replica goes away: at a write of a kind, before or after it is done.
type moment struct {
	kind    string
	replica int // 0 is in use
	done    bool
}

func (m moment) String() string {
	return fmt.Sprintf("%s/%s/%s", m.kind, []string{"in use", "other"}[m.replica], map[bool]string{true: "done", false: "not done"}[m.done])
}

// One replica is cut off from the loader at a write of each kind, done or not. It works on, so it
// is waited for: what it does cannot be seen.
func TestReplicaCutOff(t *testing.T) {
	t.Parallel()
	s := newReplicated(t)
	for _, m := range []moment{{"insert", 0, false}, {"insert", 0, true}, {"insert", 1, true}, {"delete", 0, true}, {"ledger", 0, true}} {
		t.Run(m.String(), func(t *testing.T) {
			r := s.rig(t)
			src, _ := r.season()
			proxy := s.proxies[m.replica]
			cut := make(chan struct{}, 1)
			st := s.hooked(r, (&gate{kind: m.kind, after: m.done, then: func() { proxy.Stop(); cut <- struct{}{} }}).hook)
			r.said.after("retrying", 1, func() {
				if err := proxy.Start(); err != nil {
					t.Error(err)
				}
			})
			sum, err := r.runOn(st, src)
			if err != nil || sum.Loaded != 4 {
				t.Fatalf("%v, %+v", err, sum)
			}
			<-cut
			r.recover(src)
			s.settled(r)
		})
	}
}

// A replica's process is killed before or at a write, and stays away: the run goes on with the
// others. Once it is back it has what they have. Only where it alone has what it acknowledged
// last is it waited for.
func TestReplicaKilled(t *testing.T) {
	t.Parallel()
	s := newReplicated(t)
	for _, m := range []moment{{"insert", 0, false}, {"insert", 0, true}, {"insert", 1, true}, {"delete", 0, false}, {"delete", 1, true}, {"ledger", 0, true}} {
		t.Run(m.String(), func(t *testing.T) {
			r := s.rig(t)
			src, _ := r.season()
			st := s.hooked(r, (&gate{kind: m.kind, after: m.done, then: func() {
				if err := s.cluster.Kill(m.replica); err != nil {
					t.Error(err)
				}
			}}).hook)
			back := sync.OnceFunc(func() {
				if err := s.cluster.Restart(m.replica, nil); err != nil {
					t.Error(err)
				}
			})
			r.said.after("which a replica that is away may have", 1, back)
			sum, err := r.runOn(st, src)
			if err != nil || sum.Loaded != 4 {
				t.Errorf("%v, %+v", err, sum)
			}
			back()
			r.recover(src)
			s.settled(r)
		})
	}
}

// A replica comes back from an old copy of its disk, and gets what it lacks from the others.
func TestReplicaWithOldData(t *testing.T) {
	t.Parallel()
	s := newReplicated(t)
	r := s.rig(t)
	bringBack := oldDisk(t, s.cluster, 0)
	src, _ := r.season()
	r.recover(src)
	bringBack()
	r.recover(src)
	s.settled(r)
}

// The Keeper goes away in the middle of a run, and comes back.
func TestKeeperAway(t *testing.T) {
	t.Parallel()
	s := newReplicated(t)
	for _, kind := range []string{"insert", "delete"} {
		t.Run(kind, func(t *testing.T) {
			r := s.rig(t)
			src, _ := r.season()
			st := s.hooked(r, (&gate{kind: kind, then: func() {
				if err := s.cluster.KillKeeper(); err != nil {
					t.Error(err)
				}
			}}).hook)
			r.said.after("retrying", 1, func() {
				if err := s.cluster.StartKeeper(); err != nil {
					t.Error(err)
				}
			})
			sum, err := r.runOn(st, src)
			if err != nil || sum.Loaded != 4 {
				t.Fatalf("%v, %+v", err, sum)
			}
			r.recover(src)
			s.settled(r)
		})
	}
}

// Rows that are on one replica alone do not count as loaded, unless copies=1 allows it. Where that
// replica dies then, another one does not take its place: it would take what it lacks for lost.
func TestStaleReplica(t *testing.T) {
	t.Parallel()
	s := newReplicated(t)
	r := s.rig(t)
	r.options.StoreWait = time.Second
	f := r.folder()
	f.put(r.clicks(0, 15))
	fetches := func(verb string) {
		for i := 1; i < 3; i++ {
			s.on(t, i, "SYSTEM "+verb+" FETCHES "+s.st.Shards()[0].Holding("clicks"))
		}
	}
	fetches("STOP")
	var few *store.CopiesError
	if sum, err := r.runOn(s.hooked(r, nil), f.source()); !errors.As(err, &few) || few.Have != 1 || sum.Loaded != 0 {
		t.Fatalf("%v, %+v", err, sum)
	}
	fetches("START")
	r.expireLeases()
	s.cfg.Spec += "&copies=1"
	alone := s.hooked(r, nil)
	fetches("STOP")
	if sum, err := r.runOn(alone, f.source()); err != nil || sum.Loaded != 1 {
		t.Fatalf("%v, %+v", err, sum)
	}
	if err := s.cluster.Kill(0); err != nil {
		t.Fatal(err)
	}
	deadline, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	st, err := store.Open(deadline, s.cfg)
	for err != nil && strings.Contains(err.Error(), "only 2 answer") { // until the Keeper knows that it is dead
		st, err = store.Open(deadline, s.cfg)
	}
	if err == nil || !strings.Contains(err.Error(), "which a replica that is away may have") {
		t.Errorf("%v, want what is lacking", err)
	}
	if st != nil {
		_ = st.Close()
	}
	fetches("START")
	if err := s.cluster.Restart(0, nil); err != nil {
		t.Fatal(err)
	}
	r.recover(f.source())
	s.settled(r)
}

// A replica that works and cannot be asked may be running anything.
func TestReplicaUnreachable(t *testing.T) {
	t.Parallel()
	s := newReplicated(t)
	var unreachable *store.UnreachableError
	s.proxies[0].Stop() // in use
	if err := s.st.Recover(t.Context()); !errors.As(err, &unreachable) || unreachable.Active != 3 || unreachable.Answering != 2 {
		t.Errorf("%v", err)
	}
	if err := s.proxies[0].Start(); err != nil {
		t.Fatal(err)
	}
	s.proxies[1].Stop()
	if _, err := store.Open(t.Context(), s.cfg); !errors.As(err, &unreachable) || unreachable.Active != 3 || unreachable.Answering != 2 || !strings.Contains(err.Error(), s.proxies[1].Listen) {
		t.Errorf("%v", err)
	}
	if err := s.cluster.Kill(1); err != nil {
		t.Fatal(err)
	}
	deadline, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	st, err := store.Open(deadline, s.cfg)
	for errors.As(err, &unreachable) {
		st, err = store.Open(deadline, s.cfg)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Error(err)
	}
}

// A replica whose disk is lost starts empty. It is not put in use, a run says what to do, and once
// that is done it gets everything from the others.
func TestReplicaWithLostDisk(t *testing.T) {
	t.Parallel()
	s := newReplicated(t)
	r := s.rig(t)
	src, _ := r.season()
	s.caughtUp(t)
	err := s.cluster.Restart(0, func(folder string) error { return os.RemoveAll(filepath.Join(folder, "data")) })
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(t.Context(), s.cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}()
	if st.Home().Addr() == s.proxies[0].Listen {
		t.Error("an empty replica was put in use")
	}
	_, err = st.Apply(t.Context())
	forget := "SYSTEM DROP REPLICA '1' FROM DATABASE `" + s.st.Database() + "`"
	if err == nil || !strings.Contains(err.Error(), forget) {
		t.Fatalf("%v, want what to do", err)
	}
	for active := uint64(3); active == 3; { // until the Keeper knows that the former server is gone
		query := "SELECT toUInt64(max(active_replicas)) FROM system.replicas"
		if err := st.Conn().QueryRow(t.Context(), query).Scan(&active); err != nil {
			t.Fatal(err)
		}
	}
	s.on(t, 1, forget)
	if _, err = st.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	sum, err := r.runOn(s.hooked(r, nil), src)
	if err != nil || sum.Loaded != 4 {
		t.Fatalf("%v, %+v", err, sum)
	}
	s.st = s.hooked(r, nil) // the one of before knew the replica by its ledger
	r.recover(src)
	s.settled(r)
}
