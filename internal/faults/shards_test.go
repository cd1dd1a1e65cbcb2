package faults

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"

	"rawlogs/internal/pipeline"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
	"rawlogs/internal/testkit/cluster"
)

// shards is a cluster of three servers, each behind a proxy by whose address it is known to
// the others and to the loader.
type shards struct {
	*database
	cluster *cluster.Cluster
	proxies []*toxiproxy.Proxy
}

func newShards(t *testing.T) *shards {
	t.Helper()
	s := &shards{}
	s.cluster = testkit.NewClusterBehind(t, 3, func(addr string) string {
		s.proxies = append(s.proxies, proxyTo(t, addr))
		return s.proxies[len(s.proxies)-1].Listen
	})
	s.database = &database{st: testkit.OpenStore(t, testkit.ClusterConfig(s.cluster, 0))}
	return s
}

// hooked opens the cluster's store once more, with a hook.
func (s *shards) hooked(r *rig, hook store.Hook) *store.Store {
	r.Helper()
	cfg := testkit.ClusterConfig(s.cluster, 1)
	cfg.Log, cfg.Hook = r.said.log(), hook
	return testkit.OpenStore(r.T, cfg)
}

// roles are the shards, counted from 0, of which each test takes one away.
var roles = map[string]int{"home": 0, "other": 1}

// One server of a cluster goes away at a write of each kind, done or not, to whichever server
// that was, and comes back while the run is trying.
func TestShardAway(t *testing.T) {
	t.Parallel()
	s := newShards(t)
	for _, kind := range []string{"ledger", "insert", "delete"} {
		for role, shard := range roles {
			for _, after := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/%s", kind, role, map[bool]string{true: "done", false: "not-done"}[after]), func(t *testing.T) {
					r := s.rig(t)
					src, _ := r.season()
					proxy := s.proxies[shard]
					st := s.hooked(r, (&gate{kind: kind, after: after, then: proxy.Stop}).hook)
					r.said.after("the store is away", 2, func() {
						if err := proxy.Start(); err != nil {
							t.Error(err)
						}
					})
					// Another server may have had the write, and none that is away be asked.
					late := time.AfterFunc(5*time.Second, func() { _ = proxy.Start() })
					defer late.Stop() // the next one's fault is not to be cut short
					sum, err := r.runOn(st, src)
					if err != nil || sum.Loaded != 4 {
						t.Fatalf("%v, %+v", err, sum)
					}
					r.recover(src)
				})
			}
		}
	}
}

// One server's process is killed in mid-INSERT, or when the INSERT is done and nobody knows,
// and is started again.
func TestShardKilled(t *testing.T) {
	t.Parallel()
	s := newShards(t)
	for role, shard := range roles {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/%s", role, map[bool]string{true: "done", false: "not-done"}[after]), func(t *testing.T) {
				r := s.rig(t)
				src, _ := r.season()
				back := make(chan error, 1)
				st := s.hooked(r, (&gate{kind: "insert", after: after, then: func() {
					if err := s.cluster.Kill(shard); err != nil {
						t.Error(err)
					}
					go func() { back <- s.cluster.Restart(shard, nil) }()
				}}).hook)
				sum, err := r.runOn(st, src)
				if err := <-back; err != nil {
					t.Fatal(err)
				}
				if err != nil || sum.Loaded != 4 {
					t.Fatalf("%v, %+v", err, sum)
				}
				r.recover(src)
			})
		}
	}
}

// A server that stays away ends the run in a bounded time, with an error that names it; once it
// is back the next run does the rest.
func TestShardStaysAway(t *testing.T) {
	t.Parallel()
	s := newShards(t)
	for role, shard := range roles {
		t.Run(role, func(t *testing.T) {
			r := s.rig(t)
			r.options.StoreWait = 2 * time.Second
			src, _ := r.season()
			proxy := s.proxies[shard]
			st := s.hooked(r, (&gate{kind: "insert", then: proxy.Stop}).hook)
			_, err := r.runOn(st, src)
			if err == nil || !strings.Contains(err.Error(), proxy.Listen) {
				t.Errorf("%v, want %s in it", err, proxy.Listen)
			}
			if err := proxy.Start(); err != nil {
				t.Fatal(err)
			}
			r.expireLeases() // of a run in this process nobody can tell that it is over
			r.recover(src)
		})
	}
}

// oldDisk takes a copy of a server's disk, from which it comes back when bringBack is called.
func oldDisk(t *testing.T, c *cluster.Cluster, server int) (bringBack func()) {
	t.Helper()
	old := filepath.Join(t.TempDir(), "old")
	restart := func(between func(data string) error) {
		t.Helper()
		if err := c.Restart(server, func(folder string) error { return between(filepath.Join(folder, "data")) }); err != nil {
			t.Fatal(err)
		}
	}
	restart(func(data string) error { return os.CopyFS(old, os.DirFS(data)) })
	return func() {
		t.Helper()
		restart(func(data string) error {
			if err := os.RemoveAll(data); err != nil {
				return err
			}
			return os.CopyFS(data, os.DirFS(old))
		})
	}
}

// A server comes back from an old copy of its disk: the count says which rows are gone, and
// loading their files again puts them back once.
func TestShardWithOldData(t *testing.T) {
	t.Parallel()
	s := newShards(t)
	r := s.rig(t)
	bringBack := oldDisk(t, s.cluster, 1)
	f := r.folder()
	for i := range 3 {
		f.put(r.clicks(i, 10+i))
		r.options.Name = fmt.Sprintf("20260101t00000%d-%08x", i, i) // with ids that put each INSERT on another server
		if _, err := r.run(f.source()); err != nil {
			t.Fatal(err)
		}
	}
	r.options.Name = ""
	bringBack()
	verify := func() (report pipeline.VerifyReport) {
		t.Helper()
		err := store.Patience{Store: r.st, Wait: 20 * time.Second, Log: r.said.log()}.Steady(t.Context(), func(ctx context.Context) (err error) {
			report, err = pipeline.Verify(ctx, r.st, r.options)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	lost := verify().Differences
	if len(lost) != 1 {
		t.Fatalf("%d of 3 files lost rows: %v", len(lost), lost)
	}
	opts := r.options
	opts.Reload = true
	if sum, err := pipeline.Run(t.Context(), r.st, f.source(), opts); err != nil || sum.Loaded != 3 {
		t.Fatalf("%v, %+v", err, sum)
	}
	if lost := verify().Differences; len(lost) > 0 {
		t.Errorf("after loading them again: %v", lost)
	}
	r.check()
}
