package store_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/engine"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// twin is an unreplicated server with tables of its own; all twins have the same
// user, password and database.
func twin(t *testing.T) (st *store.Store, addr string) {
	t.Helper()
	st = testkit.OpenStore(t, store.Config{
		Spec: "embedded:" + filepath.Join(t.TempDir(), "store"), Engine: engine.Config{Password: "pw"},
	})
	ep, _ := st.Engine()
	return st, ep.Addr
}

func twinSpec(addrs ...string) string {
	return "clickhouse://ingest:pw@" + strings.Join(addrs, ",") + "/rawlogs"
}

// refusesOther wants an error that names both servers and what to do.
func refusesOther(t *testing.T, err error, servers ...string) {
	t.Helper()
	var other *store.OtherServerError
	if !errors.As(err, &other) || !store.Fatal(err) {
		t.Errorf("got %v; want the other server refused for good", err)
		return
	}
	for _, s := range servers {
		if _, port, _ := strings.Cut(s, ":"); !strings.Contains(err.Error(), ":"+port) {
			t.Errorf("%v does not name %s", err, s)
		}
	}
	if !strings.Contains(err.Error(), "name one server") || strings.Contains(err.Error(), "pw@") {
		t.Errorf("%v: want what to do, and no password", err)
	}
}

func TestOneAddressOfTwoServers(t *testing.T) {
	t.Parallel()
	a, addrA := twin(t)
	b, addrB := twin(t)
	rowsOn := func(st *store.Store) uint64 { return rowsOf(t, st, "clicks") }
	hour := []time.Time{time.Date(2016, 9, 9, 9, 0, 0, 0, time.UTC)}
	ctx := t.Context()

	t.Run("round robin", func(t *testing.T) {
		t.Parallel()
		_, err := store.Open(ctx, store.Config{Spec: twinSpec(testkit.RoundRobin(t, addrA, addrB).Addr)})
		refusesOther(t, err, addrA, addrB)
	})
	t.Run("two hosts", func(t *testing.T) {
		t.Parallel()
		_, err := store.Open(ctx, store.Config{Spec: twinSpec(addrA, addrB)})
		refusesOther(t, err, addrA, addrB)
	})
	t.Run("two hosts, one away", func(t *testing.T) {
		t.Parallel()
		for _, addrs := range [][]string{{addrA, "127.0.0.1:1"}, {"127.0.0.1:1", addrA}} {
			if _, err := store.Open(ctx, store.Config{Spec: twinSpec(addrs...)}); err == nil || !strings.Contains(err.Error(), "name one server") {
				t.Errorf("%v: %v", addrs, err)
			}
		}
	})
	// The balancer's mind changes while the store is open, as after a health check.
	t.Run("moves on", func(t *testing.T) {
		t.Parallel()
		lb := testkit.RoundRobin(t, addrA)
		st, err := store.Open(ctx, store.Config{Spec: twinSpec(lb.Addr)})
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		if err := insert(ctx, st, "", "a.zip", 1, hour, 1, 10); err != nil {
			t.Fatal(err)
		}
		lb.Send(addrB)
		refusesOther(t, insert(ctx, st, "", "b.zip", 2, hour, 1, 10), addrA, addrB)
		lb.Cut() // also the idle ones
		sql := "INSERT INTO rejected_rows (network, file, hour) SELECT 'net', 'a.zip', toDateTime('2016-01-01 00:00:00')"
		await(t, func() bool {
			err = st.Conn().Exec(st.InsertContext(ctx), sql)
			return err != nil && !store.Retryable(err)
		})
		refusesOther(t, err, addrA, addrB)
		refusesOther(t, st.Recover(ctx), addrA, addrB)
		lb.Send(addrA)
		if err := st.Recover(ctx); err != nil {
			t.Errorf("back on its own server: %v", err)
		}
		if n, err := st.CountInsert(ctx, "clicks", 1); n != 10 || err != nil || rowsOn(a) != 10 || rowsOn(b)+rowsOf(t, b, "rejected_rows") != 0 {
			t.Errorf("counted %d, %v; %d rows on the first server and %d on the second", n, err, rowsOn(a), rowsOn(b))
		}
	})
}

// Two ways to one server are no two servers: when one is cut, the other serves.
func TestTwoWaysToOneServer(t *testing.T) {
	t.Parallel()
	a, addr := twin(t)
	first, second := testkit.RoundRobin(t, addr), testkit.RoundRobin(t, addr)
	st, err := store.Open(t.Context(), store.Config{Spec: twinSpec(first.Addr, second.Addr)})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	hour := []time.Time{time.Date(2016, 9, 9, 9, 0, 0, 0, time.UTC)}
	for i, cut := range []*testkit.Balancer{nil, first} {
		if cut != nil {
			cut.Close()
			if err := st.Recover(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := insert(t.Context(), st, "", fmt.Sprint(i), uint64(i+1), hour, 1, 10); err != nil {
			t.Fatal(err)
		}
	}
	if n := rowsOf(t, a, "clicks"); n != 20 {
		t.Errorf("%d rows, want 20", n)
	}
}

// Two servers may go by one name and port, and have no id of their own; but not
// the same ledger.
func TestServersOfOneName(t *testing.T) {
	t.Parallel()
	embedded := testkit.Database(t)
	st, err := store.Open(t.Context(), store.Config{Spec: address(t, embedded, "")})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if err := embedded.Conn().Exec(t.Context(), "DROP TABLE ingest_files SYNC"); err != nil {
		t.Fatal(err)
	}
	if _, err := embedded.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err = st.Dial(t.Context())
	refusesOther(t, err)
	// Tables that come about while a store is open are that server's all the same.
	if err := embedded.Conn().Exec(t.Context(), "DROP TABLE ingest_files SYNC"); err != nil {
		t.Fatal(err)
	}
	empty, err := store.Open(t.Context(), store.Config{Spec: address(t, embedded, "")})
	if err != nil {
		t.Fatal(err)
	}
	defer empty.Close()
	for range 2 {
		if _, err := empty.Apply(t.Context()); err != nil {
			t.Fatal(err)
		}
		client, err := empty.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_ = client.Close()
	}
}
