package store_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"maps"
	"math/big"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// address is a test database's, as one would write it for a server.
func address(t *testing.T, st *store.Store, query string) string {
	t.Helper()
	ep, ok := st.Engine()
	if !ok {
		t.Fatal("no engine")
	}
	u := url.URL{Scheme: "clickhouse", User: url.UserPassword(ep.User, ep.Password), Host: ep.Addr, Path: "/" + ep.Database, RawQuery: query}
	return u.String()
}

func TestAddress(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	embedded := testkit.Database(t)
	ep, _ := embedded.Engine()
	hour := time.Date(2016, 9, 9, 9, 0, 0, 0, time.UTC)
	for i, query := range []string{"", "compress=lz4", "compress=zstd", "async_insert=1&max_threads=1&max_insert_threads=4&min_insert_block_size_rows=10"} {
		st, err := store.Open(ctx, store.Config{Spec: address(t, embedded, query)})
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		if st.Database() != embedded.Database() || strings.Contains(st.Name(), ep.Password) {
			t.Errorf("%s: %s in database %s", query, st.Name(), st.Database())
		}
		if err := insert(ctx, st, "test-address", "a.zip", uint64(i+1), []time.Time{hour}, 3, 100); err != nil {
			t.Errorf("%s: %v", query, err)
		}
		if n, err := st.CountInsert(ctx, "clicks", uint64(i+1)); n != 300 || err != nil {
			t.Errorf("%s: %d rows, %v", query, n, err)
		}
		var parts uint64
		if err := st.Conn().QueryRow(ctx, "SELECT uniqExact(_part) FROM clicks WHERE _insert = ?", uint64(i+1)).Scan(&parts); err != nil || parts != 1 {
			t.Errorf("%s: %d parts, %v", query, parts, err)
		}
		if err := st.Recover(ctx); err != nil {
			t.Errorf("%s: recovering what is well: %v", query, err)
		}
		if _, ok := st.Engine(); ok || st.EnginePID() != 0 || st.Died() != nil {
			t.Errorf("%s: an engine behind an address", query)
		}
		if err := st.Close(); err != nil {
			t.Errorf("%s: %v", query, err)
		}
	}
}

func TestAddressRefused(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	ep, _ := st.Engine()
	good := address(t, st, "")
	for _, c := range []struct {
		spec, want string
		retryable  bool
	}{
		{strings.Replace(good, ep.Password, "canary", 1), "516", false},
		{strings.Replace(good, "/"+ep.Database, "/no`such", 1), "CREATE DATABASE `no\\`such`", false},
		{"clickhouse://u:canary@127.0.0.1:1/d", "127.0.0.1:1", true},
		{strings.Replace(address(t, st, "secure=true"), ep.Password, "canary", 1), "tls", false},
	} {
		got, err := store.Open(t.Context(), store.Config{Spec: c.spec})
		if err == nil {
			t.Errorf("%s was opened", got.Name())
			_ = got.Close()
			continue
		}
		if text := err.Error(); !strings.Contains(text, c.want) || strings.Contains(text, "canary") || strings.Contains(text, ep.Password) {
			t.Errorf("got %v; want %q and no password", err, c.want)
		}
		if store.Retryable(err) != c.retryable {
			t.Errorf("%v: retryable %v", err, !c.retryable)
		}
	}
}

// TestCertificate speaks to the engine through a TLS endpoint whose
// certificate nobody signed.
func TestCertificate(t *testing.T) {
	t.Parallel()
	embedded := testkit.Database(t)
	ep, _ := embedded.Engine()
	addr := tlsProxy(t, ep.Addr)
	spec := strings.Replace(address(t, embedded, "secure=true"), ep.Addr, addr, 1)
	_, err := store.Open(t.Context(), store.Config{Spec: spec})
	if !store.Fatal(err) {
		t.Errorf("an unknown authority: %v; want it fatal", err)
	}
	st, err := store.Open(t.Context(), store.Config{Spec: spec + "&skip_verify=true"})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	hour := time.Date(2016, 9, 9, 9, 0, 0, 0, time.UTC)
	if err := insert(t.Context(), st, "test-tls", "a.zip", 1, []time.Time{hour}, 1, 10); err != nil {
		t.Error(err)
	}
	if n, err := counted(t.Context(), st, clicks(rawlog.Period{}), "a.zip"); n["a.zip"] != 10 || err != nil {
		t.Errorf("%v, %v", n, err)
	}
}

// TestWrongPorts names what answers instead of the native protocol.
func TestWrongPorts(t *testing.T) {
	t.Parallel()
	embedded := testkit.Database(t)
	ep, _ := embedded.Engine()
	const secure = "secure=true&skip_verify=true"
	for _, tc := range []struct{ name, query, at, want string }{
		{"HTTP", "", ep.HTTPAddr, "that is an HTTP port"},
		{"HTTPS", secure, tlsProxy(t, ep.HTTPAddr), "that is an HTTP port"},
		{"TLS was not asked for", "", tlsProxy(t, ep.Addr), "as a port for TLS does"},
		{"HTTPS, and TLS was not asked for", "", tlsProxy(t, ep.HTTPAddr), "as a port for TLS does"},
		{"TLS was asked for", secure, ep.Addr, "does not speak TLS"},
	} {
		_, err := store.Open(t.Context(), store.Config{Spec: strings.Replace(address(t, embedded, tc.query), ep.Addr, tc.at, 1)})
		var port *store.PortError
		if !errors.As(err, &port) || !strings.Contains(port.Hint(), tc.want) || !strings.Contains(port.Hint(), "the native port is 9000") {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

func tlsProxy(t *testing.T, target string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer client.Close()
				server, err := net.Dial("tcp", target)
				if err != nil {
					return
				}
				defer server.Close()
				go func() { _, _ = io.Copy(server, client); _ = server.Close() }()
				_, _ = io.Copy(client, server)
			}()
		}
	}()
	return l.Addr().String()
}

func TestNamesOfCodes(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	codes := maps.Clone(store.RowCodes())
	maps.Copy(codes, store.RetryableCodes())
	for code, name := range codes {
		var got string
		if err := st.Conn().QueryRow(context.Background(), "SELECT errorCodeToName(?)", code).Scan(&got); err != nil || got != name {
			t.Errorf("code %d is %s, not %s (%v)", code, got, name, err)
		}
	}
}
