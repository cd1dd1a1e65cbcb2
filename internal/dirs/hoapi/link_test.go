package hoapi

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/dirs"
	"rawlogs/internal/dirs/answer"
	"rawlogs/internal/fetch"
	"rawlogs/internal/testkit/pack"
)

func TestRedirectsAreBounded(t *testing.T) {
	t.Parallel()
	s := &fakeStorage{script: func(_ int, w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, r.URL.RequestURI(), http.StatusFound)
		return true
	}}
	if _, _, err := fetchHTTP(t, s, fetch.Config{}); dirs.KindOf(err) != dirs.Refused || s.count() != redirects+1 {
		t.Errorf("got %v after %d requests", err, s.count())
	}
}

func TestStallIsResumed(t *testing.T) {
	t.Parallel()
	body := pack.Random(200_000, 1)
	s := &fakeStorage{body: body, etag: tag(body)}
	s.script = func(n int, w http.ResponseWriter, r *http.Request) bool {
		if n == 1 {
			w.Header().Set("ETag", `"`+s.etag+`"`)
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
			_, _ = w.Write(body[:150_000])
			w.(http.Flusher).Flush()
			<-r.Context().Done() // the client gives up, not we
			return true
		}
		return false
	}
	a, _, err := fetchHTTP(t, s, fetch.Config{IdleTimeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(content(t, a), body) || s.requests[1].Header.Get("Range") != "bytes=150000-" || s.requests[1].Header.Get("If-Match") == "" {
		t.Errorf("resumed with %v", s.requests[1].Header)
	}
}

// Bytes that trickle in keep a connection alive, but not a fetch.
func TestTrickleEnds(t *testing.T) {
	t.Parallel()
	body := pack.Random(200_000, 1)
	s := &fakeStorage{body: body}
	s.script = func(_ int, w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		for i := range body {
			if _, err := w.Write(body[i : i+1]); err != nil || r.Context().Err() != nil {
				break
			}
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
			case <-time.After(5 * time.Millisecond):
			}
		}
		return true
	}
	_, _, err := fetchHTTP(t, s, fetch.Config{IdleTimeout: 30 * time.Millisecond, Attempts: 2})
	if dirs.KindOf(err) != dirs.Unavailable || !strings.Contains(err.Error(), "little or nothing came for 30ms") {
		t.Errorf("got %v", err)
	}
	_, _, err = fetchHTTP(t, s, fetch.Config{TotalTimeout: 50 * time.Millisecond})
	if dirs.KindOf(err) != dirs.Unavailable || !strings.Contains(err.Error(), "not done within 50ms") {
		t.Errorf("got %v", err)
	}
}

func TestCallersEndIsNoFileError(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	s := &fakeStorage{script: func(_ int, _ http.ResponseWriter, r *http.Request) bool {
		close(arrived)
		<-r.Context().Done()
		return true
	}}
	server := httptest.NewServer(s)
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	source := New(Config{Client: &fakeAPI{link: func() (string, error) { return server.URL, nil }}})
	if _, err := fetch.New(source, fetch.Config{}).Fetch(ctx, listed); !errors.Is(err, context.Canceled) || dirs.KindOf(err) != dirs.Failed {
		t.Errorf("got %v", err)
	}
}

func TestLinkErrorsPass(t *testing.T) {
	t.Parallel()
	wrong := errors.New("token revoked")
	source := New(Config{Client: &fakeAPI{link: func() (string, error) { return "", wrong }}})
	if _, err := fetch.New(source, fetch.Config{}).Fetch(t.Context(), listed); !errors.Is(err, wrong) || strings.Contains(err.Error(), listed.Name) {
		t.Errorf("got %v", err)
	}
}

func TestUntrustedCertificate(t *testing.T) {
	t.Parallel()
	s := &fakeStorage{body: pack.Random(100, 1)}
	server := httptest.NewTLSServer(s)
	defer server.Close()
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	source := New(Config{Client: &fakeAPI{link: func() (string, error) { return server.URL + "/?Signature=" + canary, nil }}})
	_, err := fetch.New(source, fetch.Config{Backoff: time.Millisecond}).Fetch(t.Context(), listed)
	if dirs.KindOf(err) != dirs.Untrusted || strings.Contains(err.Error(), "CANARY") || s.count() != 0 {
		t.Errorf("got %v", err)
	}
}

func TestLinksAreChecked(t *testing.T) {
	t.Parallel()
	for link, ok := range map[string][2]bool{ // by default, with AllowHTTP
		"https://s3.amazonaws.com/b/k?Signature=x": {true, true},
		"http://127.0.0.1:80/x":                    {true, true},
		"http://[::1]:80/x":                        {true, true},
		"http://localhost/x":                       {true, true},
		"http://storage:8080/x":                    {false, true},
		"http://10.0.0.1/x":                        {false, true},
		"file:///etc/passwd":                       {},
		"gopher://x/":                              {},
		"https:///x":                               {},
		"x":                                        {},
		"https://169.254.169.254/x":                {},
		"https://[::ffff:169.254.169.254]/x":       {},
		"https://[64:ff9b::a9fe:a9fe]/x":           {},
		"https://[2002:a9fe:a9fe::1]/x":            {},
		"https://[fe80::1]/x":                      {},
		"https://[fd00:ec2::254]/x":                {},
		"https://0.0.0.0/x":                        {},
		"https://[ff02::1]/x":                      {},
	} {
		u, err := url.Parse(link)
		if err != nil {
			t.Fatal(err)
		}
		for i, allow := range []bool{false, true} {
			h := &storage{allowHTTP: allow, api: "127.0.0.1:8080"}
			if err := h.checkLink(t.Context(), u); (err == nil) != ok[i] {
				t.Errorf("%s, AllowHTTP %v: got %v", link, allow, err)
			}
		}
	}
}

// Links lead to this machine and to private networks only where the API is as
// near, in whatever clothes the address comes.
func TestLinksToNearAddresses(t *testing.T) {
	t.Parallel()
	far, network, machine := "https://93.184.215.14/x", "https://10.1.2.3/x", "https://127.0.0.1/x"
	for link, like := range map[string]string{
		"https://172.16.0.1/x": network, "https://192.168.1.1/x": network, "https://100.64.0.1/x": network, "https://198.18.0.1/x": network,
		"https://240.0.0.1/x": network, "https://0.1.2.3/x": network, "https://[fd12::1]/x": network, "https://[fec0::1]/x": network,
		"https://[::ffff:10.0.0.1]/x": network, "https://[64:ff9b::a00:1]/x": network, "https://[2002:a00:1::1]/x": network,
		"https://127.9.9.9/x": machine, "https://[::1]/x": machine, "https://[::ffff:127.0.0.1]/x": machine, "https://[64:ff9b::7f00:1]/x": machine, "https://[::127.0.0.1]/x": machine,
		"https://8.8.8.8/x": far, "https://[2606:4700::1111]/x": far, "https://172.32.0.1/x": far, "https://[64:ff9b::808:808]/x": far,
		far: far, network: network, machine: machine,
	} {
		for api, allowed := range map[string][]string{
			"":                    {far},
			"93.184.215.14:443":   {far},
			"no-such-api.invalid": {far},
			"192.168.7.7:8080":    {far, network},
			"[fd12::7]:8080":      {far, network},
			"127.0.0.1:8080":      {far, network, machine},
			"[::1]:8080":          {far, network, machine},
			"localhost":           {far, network, machine},
		} {
			u, err := url.Parse(link)
			if err != nil {
				t.Fatal(err)
			}
			if err := (&storage{api: api}).checkLink(t.Context(), u); (err == nil) != slices.Contains(allowed, like) {
				t.Errorf("%s from an API at %q: %v", link, api, err)
			}
		}
	}
}

// A name may resolve to anything, so the address is looked at when it is dialled.
func TestDialIsChecked(t *testing.T) {
	t.Parallel()
	h := new(storage)
	h.dial()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	for _, addr := range []string{"169.254.169.254:80", "localhost:" + port, l.Addr().String()} {
		_, err := h.transport.(*http.Transport).DialContext(ctx, "tcp", addr)
		if dirs.KindOf(answer.Broken(err)) != dirs.Refused {
			t.Errorf("%s: got %v", addr, err)
		}
	}
	// A proxy is the user's choice, and mostly near.
	h.proxies.Store(l.Addr().String(), true)
	conn, err := h.transport.(*http.Transport).DialContext(ctx, "tcp", l.Addr().String())
	if err != nil {
		t.Fatalf("a proxy: %v", err)
	}
	_ = conn.Close()
}

// Storage that is far away redirects to what is near.
func TestRedirectToNearAddress(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 1)
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked <- struct{}{} }))
	defer server.Close()
	source := New(Config{Client: &fakeAPI{link: func() (string, error) {
		return "http://storage.example/x?Signature=" + canary, nil
	}}})
	h := &source.storage
	h.allowHTTP, h.api = true, ""
	h.once.Do(func() {
		h.dial()
		real := h.transport
		h.transport = roundTrip(func(req *http.Request) (*http.Response, error) {
			if req.URL.Host != "storage.example" {
				return real.RoundTrip(req)
			}
			return &http.Response{StatusCode: http.StatusFound, Header: http.Header{"Location": {strings.Replace(server.URL, "127.0.0.1", "localhost", 1)}}, Body: http.NoBody}, nil
		})
	})
	_, err := fetch.New(source, fetch.Config{}).Fetch(t.Context(), listed)
	if dirs.KindOf(err) != dirs.Refused || !strings.Contains(err.Error(), "private network") || strings.Contains(err.Error(), "CANARY") {
		t.Errorf("got %v", err)
	}
	select {
	case <-asked:
		t.Error("what listens on this machine was asked")
	default:
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
