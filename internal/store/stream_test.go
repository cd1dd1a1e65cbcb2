package store_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"

	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// server opens the store by the address of its server, as if it were not embedded.
func server(t *testing.T, st *store.Store) *store.Store {
	t.Helper()
	e, _ := st.Engine()
	out, err := store.Open(t.Context(), store.Config{Spec: "clickhouse://" + e.User + ":" + e.Password + "@" + e.Addr + "/" + st.Database()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := out.Close(); err != nil {
			t.Error(err)
		}
	})
	return out
}

func TestStream(t *testing.T) {
	t.Parallel()
	own := testkit.Database(t)
	for _, st := range []*store.Store{own, server(t, own)} {
		ctx := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"max_threads": 3}), clickhouse.WithParameters(clickhouse.Parameters{"x": `a\tb`}))
		var out bytes.Buffer
		// The settings pinned on the pool's connections, the statement's and the parameters hold.
		if err := st.Stream(ctx, &out, "TSV", "SELECT currentDatabase(), getSetting('max_threads'), getSetting('optimize_use_projections'), length({x:String})"); err != nil {
			t.Fatal(err)
		}
		if want := st.Database() + "\t3\tfalse\t3\n"; out.String() != want {
			t.Errorf("%s: %q, want %q", st.Name(), out.String(), want)
		}
		for query, code := range map[string]int32{
			"SELECT nope":   47,
			"SELECT 1 FROM": 62,
			// In the midst of an answer: what is there already is no whole one.
			"SELECT number, repeat('x', 100), throwIf(number = 999999) FROM numbers(1000000) SETTINGS max_threads = 1, max_block_size = 1000": 395,
		} {
			err := st.Stream(t.Context(), &out, "Parquet", query)
			var ex *clickhouse.Exception
			if !errors.As(err, &ex) || ex.Code != code {
				t.Errorf("%s: %s: %v", st.Name(), query, err)
			}
		}
		full := errors.New("no room")
		if err := st.Stream(t.Context(), writer(func([]byte) (int, error) { return 0, full }), "Arrow", "SELECT number FROM numbers(100000000)"); !errors.Is(err, full) {
			t.Errorf("%s: %v", st.Name(), err)
		}
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// Neither a proxy nor whoever redirects gets to see the password, and no error shows the
// address with its parameters.
func TestStreamGoesStraight(t *testing.T) {
	t.Parallel()
	if store.PortName(nil) != "http_port" || store.PortName(&tls.Config{MinVersion: tls.VersionTLS12}) != "https_port" {
		t.Error("TLS and no TLS have a port each")
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment}
	if _, err := store.Direct(transport); err != nil || transport.Proxy != nil {
		t.Errorf("a proxy is asked: %v", err)
	}
	asked := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer other.Close()
	from := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer from.Close()
	closed, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := closed.Addr().String()
	if err = closed.Close(); err != nil {
		t.Fatal(err)
	}
	st := server(t, testkit.Database(t))
	e, _ := testkit.Database(t).Engine()
	ctx := clickhouse.Context(t.Context(), clickhouse.WithParameters(clickhouse.Parameters{"x": "precious"}))
	for _, addr := range []string{strings.TrimPrefix(from.URL, "http://"), nobody} {
		err := st.StreamFrom(ctx, addr, new(bytes.Buffer), "SELECT {x:String}")
		var over *store.HTTPError
		if !errors.As(err, &over) || !strings.Contains(over.Hint(), "HTTP port") || !strings.Contains(err.Error(), addr) {
			t.Errorf("%s: %v", addr, err)
			continue
		}
		for _, secret := range []string{"precious", e.Password, "max_rows_to_read", "default_format"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: %v", addr, err)
			}
		}
	}
	if asked != 0 {
		t.Errorf("a redirect was followed %d times", asked)
	}
}
