package faults

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"

	"rawlogs/internal/dirs"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/store"
)

// season loads three files and then prepares a run that replaces one of them,
// adds two in two partitions and a third with broken lines. The bounds are what
// an analyst may see of each file meanwhile.
func (r *rig) season() (src dirs.Source, most map[string]int) {
	r.Helper()
	f := r.folder()
	most = make(map[string]int)
	put := func(hour int, s gen.Spec) {
		s.Type, s.Hour = rawlog.Clicks, hourOf(hour)
		name := gen.FileName(s.Type, s.Hour, 7)
		most[name] = max(most[name], s.Rows)
		f.put(name, r.zip(name, s))
	}
	for i := range 3 {
		put(i, gen.Spec{Rows: 15})
	}
	if _, err := r.run(f.source()); err != nil {
		r.Fatal(err)
	}
	put(1, gen.Spec{Rows: 20})
	put(3, gen.Spec{Rows: 60, Broken: 2})
	put(6, gen.Spec{Rows: 10}) // October
	put(7, gen.Spec{Rows: 10, Broken: 2})
	return f.source(), most
}

// through opens the store by way of a proxy.
func (r *rig) through(proxy *toxiproxy.Proxy, hook store.Hook) *store.Store {
	r.Helper()
	st, err := store.Open(r.Context(), store.Config{Spec: r.dsn(proxy), Log: r.said.log(), Hook: hook})
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { _ = st.Close() }) // its connections may be cut
	return st
}

func (r *rig) engineProxy() *toxiproxy.Proxy {
	r.Helper()
	e, embedded := r.st.Engine()
	if !embedded {
		r.Skip("it goes by the address of the one engine; shards_test.go does the like with three")
	}
	return proxyTo(r.T, e.Addr)
}

// Connections to the store are cut in both directions at every depth: in the
// greeting, in mid-INSERT, and when all of an INSERT is there but its answer is
// lost. The run mends it or stops; never is a row lost or there twice, and no
// query in between counts a file's rows twice.
func TestNetworkToStore(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	for _, tc := range []struct {
		from   string // when the fault begins
		depths []int  // bytes of a connection that get through
	}{
		{"start", []int{0, 20_000}},
		{"insert", []int{0, 700, 3000, 20_000}},
	} {
		for _, direction := range []string{"upstream", "downstream"} {
			for _, depth := range tc.depths {
				t.Run(fmt.Sprintf("%s/%s/%d", tc.from, direction, depth), func(t *testing.T) {
					t.Parallel()
					r := db.rig(t)
					src, most := r.season()
					proxy := r.engineProxy()
					begin := func() {
						toxic(t, proxy, "cut", direction, fmt.Sprintf(`{"after":%d,"times":4,"then":"close"}`, depth))
					}
					st := r.through(proxy, (&gate{kind: tc.from, then: begin}).hook)
					if tc.from == "start" {
						begin()
					}
					stop := r.watch(most)
					sum, err := r.runOn(st, src)
					stop()
					if err != nil || sum.Loaded != 4 {
						t.Fatalf("the run did not mend it: %v, %+v", err, sum)
					}
					r.recover(src)
				})
			}
		}
	}
}

// expireLeases makes the network's leases run out, as a minute of waiting would.
func (r *rig) expireLeases() {
	r.Helper()
	if err := r.st.Conn().Exec(r.Context(), `
		INSERT INTO `+r.st.Holding("ingest_leases")+` SELECT network, run, worker, owner, process, 'released', since, now64(3) - INTERVAL 1 SECOND, seq + 1000
		FROM ingest_leases WHERE network = ? ORDER BY seq DESC LIMIT 1 BY run`, r.network); err != nil {
		r.Fatal(err)
	}
}

// gate is a hook that does something at the n-th INSERT into a raw table,
// before it or between its end and its answer.
type gate struct {
	kind  string
	after bool
	then  func()
	once  sync.Once
}

func (g *gate) hook(ctx context.Context, op store.Op, do func(context.Context) error) error {
	if op.Kind != g.kind {
		return do(ctx)
	}
	if !g.after {
		g.once.Do(g.then)
		return do(ctx)
	}
	err := do(ctx)
	g.once.Do(func() {
		g.then()
		err = errors.Join(err, context.DeadlineExceeded) // the answer was lost
	})
	return err
}

// The store goes away at a write of each kind, done or not, and comes back
// while the run is trying.
func TestStoreAway(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	for _, kind := range []string{"ledger", "insert", "rejects", "delete", "lease"} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/%s", kind, map[bool]string{true: "done", false: "not-done"}[after]), func(t *testing.T) {
				t.Parallel()
				r := db.rig(t)
				src, most := r.season()
				proxy := r.engineProxy()
				g := &gate{kind: kind, after: after, then: proxy.Stop}
				st := r.through(proxy, g.hook)
				r.said.after("the store is away", 3, func() {
					if err := proxy.Start(); err != nil {
						t.Error(err)
					}
				})
				stop := r.watch(most)
				sum, err := r.runOn(st, src)
				stop()
				if err != nil || sum.Loaded != 4 {
					t.Fatalf("%v, %+v", err, sum)
				}
				r.recover(src)
			})
		}
	}
}

// Half a minute without the store, in mid-INSERT, is sat out: longer than a
// restart takes, longer than a renewal of the lease may be late.
func TestStoreAwayForHalfAMinute(t *testing.T) {
	t.Parallel()
	r := newDatabase(t).rig(t)
	r.options.StoreWait = 0 // as users have it
	src, most := r.season()
	proxy := r.engineProxy()
	back := make(chan error, 1)
	st := r.through(proxy, (&gate{kind: "insert", then: func() {
		proxy.Stop()
		time.AfterFunc(30*time.Second, func() { back <- proxy.Start() })
	}}).hook)
	stop := r.watch(most)
	sum, err := r.runOn(st, src)
	stop()
	if err != nil || sum.Loaded != 4 {
		t.Fatalf("%v, %+v", err, sum)
	}
	if err := <-back; err != nil {
		t.Error(err)
	}
	r.recover(src)
}

// A store that stays away ends the run in a bounded time, with an error that
// says so; what was loaded by then stays, and the next run does the rest.
func TestStoreStaysAway(t *testing.T) {
	t.Parallel()
	r := newDatabase(t).rig(t)
	src, _ := r.season()
	proxy := r.engineProxy()
	g := &gate{kind: "insert", then: proxy.Stop}
	st := r.through(proxy, g.hook)
	r.options.StoreWait = 500 * time.Millisecond
	sum, err := r.runOn(st, src)
	if err == nil || !store.Retryable(err) || sum.Left == 0 {
		t.Fatalf("%v, %+v", err, sum)
	}
	if strings.Contains(err.Error(), "password") {
		t.Errorf("%v", err)
	}
	r.options.StoreWait = 20 * time.Second
	r.expireLeases()
	r.recover(src)
}

// A connection on which nothing moves any more, neither closed nor refused,
// until someone closes it.
func TestStoreStalls(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	for _, direction := range []string{"upstream", "downstream"} {
		t.Run(direction, func(t *testing.T) {
			t.Parallel()
			r := db.rig(t)
			src, most := r.season()
			proxy := r.engineProxy()
			st := r.through(proxy, (&gate{kind: "insert", then: func() {
				end := toxic(t, proxy, "timeout", direction, `{"timeout":0}`)
				time.AfterFunc(500*time.Millisecond, end) // which closes what it stalled
			}}).hook)
			stop := r.watch(most)
			sum, err := r.runOn(st, src)
			stop()
			if err != nil || sum.Loaded != 4 {
				t.Fatalf("%v, %+v", err, sum)
			}
			r.recover(src)
		})
	}
}
