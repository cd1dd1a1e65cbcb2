package faults

import (
	"context"
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

func newReplicated(t *testing.T, parameters string) *replicated {
	t.Helper()
	s := &replicated{}
	s.cluster = testkit.NewReplicasBehind(t, 1, 3, func(addr string) string {
		s.proxies = append(s.proxies, proxyTo(t, addr))
		return s.proxies[len(s.proxies)-1].Listen
	})
	s.cfg = testkit.ClusterConfig(s.cluster, 0)
	s.cfg.Spec = strings.Replace(s.cfg.Spec, s.cluster.Addrs[0], strings.Join(s.cluster.Addrs, ","), 1) + parameters
	s.database = &database{st: testkit.OpenStore(t, s.cfg)}
	return s
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
		for _, table := range []string{"clicks", "rejected_rows", "ingest_files"} {
			var of string
			err := st.Conn().Exec(r.Context(), "SYSTEM SYNC REPLICA "+table)
			if err == nil {
				err = st.Conn().QueryRow(r.Context(), "SELECT toString((count(), sum(cityHash64(*)))) FROM "+table+" FINAL WHERE network = ?", r.network).Scan(&of)
			}
			if err != nil {
				// FINAL is for tables that replace rows alone.
				err = st.Conn().QueryRow(r.Context(), "SELECT toString((count(), sum(cityHash64(*)))) FROM "+table+" WHERE network = ?", r.network).Scan(&of)
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
	s := newReplicated(t, "")
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
	s := newReplicated(t, "")
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
	s := newReplicated(t, "")
	r := s.rig(t)
	old := filepath.Join(t.TempDir(), "old")
	if err := s.cluster.Restart(0, func(folder string) error { return os.CopyFS(old, os.DirFS(filepath.Join(folder, "data"))) }); err != nil {
		t.Fatal(err)
	}
	src, _ := r.season()
	r.recover(src)
	err := s.cluster.Restart(0, func(folder string) error {
		data := filepath.Join(folder, "data")
		if err := os.RemoveAll(data); err != nil {
			return err
		}
		return os.CopyFS(data, os.DirFS(old))
	})
	if err != nil {
		t.Fatal(err)
	}
	r.recover(src)
	s.settled(r)
}

// The Keeper goes away in the middle of a run, and comes back.
func TestKeeperAway(t *testing.T) {
	t.Parallel()
	s := newReplicated(t, "")
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

// Where rows are on one replica alone, which dies, another one does not take its place: it would
// take what it lacks for lost. copies=1 allows it to come so far.
func TestStaleReplica(t *testing.T) {
	t.Parallel()
	s := newReplicated(t, "&copies=1")
	r := s.rig(t)
	r.options.StoreWait = time.Second
	on := func(i int, statement string) {
		t.Helper()
		st, err := store.Open(t.Context(), store.Config{Spec: cluster.Server(s.cluster.Addrs[i], s.st.Database())})
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
	f := r.folder()
	f.put(r.clicks(0, 15))
	for i := 1; i < 3; i++ {
		on(i, "SYSTEM STOP FETCHES "+s.st.Shards()[0].Holding("clicks"))
	}
	if sum, err := r.runOn(s.hooked(r, nil), f.source()); err != nil || sum.Loaded != 1 {
		t.Fatalf("%v, %+v", err, sum)
	}
	if err := s.cluster.Kill(0); err != nil {
		t.Fatal(err)
	}
	short := s.cfg
	short.Log = r.said.log()
	deadline, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	st, err := store.Open(deadline, short)
	for err != nil && strings.Contains(err.Error(), "only 2 answer") { // until the Keeper knows that it is dead
		st, err = store.Open(deadline, short)
	}
	if err == nil || !strings.Contains(err.Error(), "which a replica that is away may have") {
		t.Errorf("%v, want what is lacking", err)
	}
	if st != nil {
		_ = st.Close()
	}
	for i := 1; i < 3; i++ {
		on(i, "SYSTEM START FETCHES "+s.st.Shards()[0].Holding("clicks"))
	}
	if err := s.cluster.Restart(0, nil); err != nil {
		t.Fatal(err)
	}
	r.recover(f.source())
	s.settled(r)
}
