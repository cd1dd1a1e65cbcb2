package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

const canary = "canary-0f3a-secret-path"

// heard is a server that answers as told and remembers what it was sent.
type heard struct {
	*httptest.Server
	mu     sync.Mutex
	lines  []string // method and address
	bodies []string
	header http.Header
}

// hears starts one. answer is given the number of the request, from 1.
func hears(t *testing.T, answer func(n int, w http.ResponseWriter, r *http.Request)) *heard {
	t.Helper()
	h := &heard{}
	h.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		h.mu.Lock()
		h.lines, h.bodies, h.header = append(h.lines, r.Method+" "+r.URL.String()), append(h.bodies, string(body)), r.Header
		n := len(h.lines)
		h.mu.Unlock()
		answer(n, w, r)
	}))
	h.Config.ErrorLog = nil
	h.Start()
	t.Cleanup(h.Close)
	return h
}

func (h *heard) requests() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.lines...)
}

func ok(int, http.ResponseWriter, *http.Request) {}

// quick is a sender that tries again at once.
func quick() *Sender { return newSender(10*time.Second, time.Millisecond, nil) }

// impatient is one whose tries end soon as well.
func impatient() *Sender { return newSender(200*time.Millisecond, time.Millisecond, nil) }

// Whatever the other side does, a post ends in time, and its error names neither the
// address nor the host.
func TestPost(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	elsewhere := hears(t, ok)
	for name, tc := range map[string]struct {
		answer   func(n int, w http.ResponseWriter, r *http.Request)
		address  string // in the place of a server that answers
		err      string
		requests int
	}{
		"taken": {answer: ok, requests: 1},
		"a bad while": {answer: func(n int, w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(map[int]int{1: 500, 2: 503, 3: 200}[n])
		}, requests: 3},
		"bad days":  {answer: func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, requests: 3, err: "it answered with HTTP 502 (3 tries)"},
		"too often": {answer: func(n int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(map[int]int{1: 429, 2: 200}[n]) }, requests: 2},
		"not there": {answer: func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }, requests: 1, err: "it answered with HTTP 404"},
		"slow":      {answer: func(_ int, _ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, requests: 3, err: "no answer within 200ms (3 tries)"},
		"moved": {answer: func(_ int, w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		}, requests: 1, err: "redirect (HTTP 307), which is not followed"},
		"endless": {answer: func(_ int, w http.ResponseWriter, _ *http.Request) {
			for range 1 << 12 {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		}, requests: 1},
		"hangs up": {answer: func(_ int, w http.ResponseWriter, _ *http.Request) {
			if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_ = conn.Close()
			}
		}, requests: 3, err: "the connection was closed without an answer"},
		"away":      {address: "http://" + closed.Addr().String(), err: "connection refused (3 tries)"},
		"not found": {address: "http://canary.invalid", err: "its host "},
		"no TLS":    {address: "https://" + elsewhere.Listener.Addr().String(), err: "did not prove by TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, requests := tc.address, func() int { return 0 }
			if address == "" {
				h := hears(t, tc.answer)
				address, requests = h.URL, func() int { return len(h.requests()) }
			}
			sender := quick()
			if name == "slow" {
				sender = impatient()
			}
			err := sender.Post(t.Context(), Target{Name: "INGEST_PING_URL", URL: address + "/" + canary + "?key=" + canary}, "text/plain", []byte("x"))
			if tc.err == "" && err != nil || tc.err != "" && (err == nil || !strings.HasPrefix(err.Error(), "INGEST_PING_URL: ") || !strings.Contains(err.Error(), tc.err)) {
				t.Errorf("err = %v, want %s", err, tc.err)
			}
			if err != nil && (strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "127.0.0.1")) {
				t.Errorf("the error shows the address: %v", err)
			}
			if got := requests(); got != tc.requests {
				t.Errorf("%d requests, want %d", got, tc.requests)
			}
		})
	}
	t.Cleanup(func() {
		if got := elsewhere.requests(); len(got) > 0 {
			t.Errorf("the redirect was followed: %v", got)
		}
	})
}

// The time that a command has left bounds all tries.
func TestPostEnds(t *testing.T) {
	t.Parallel()
	h := hears(t, func(_ int, _ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := newSender(time.Hour, time.Hour, nil).Post(ctx, Target{Name: "x", URL: h.URL}, "text/plain", nil); err == nil {
		t.Error("no error")
	}
	if err := quick().Post(ctx, Target{Name: "x", URL: h.URL}, "text/plain", nil); err == nil {
		t.Error("no error")
	}
}

// A server is believed by its certificate alone.
func TestPostTLS(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	to := Target{Name: "ping_url", URL: server.URL + "/" + canary}
	err := quick().Post(t.Context(), to, "text/plain", nil)
	if err == nil || err.Error() != "ping_url: the server did not prove by TLS to be the host of the address" {
		t.Errorf("err = %v", err)
	}
	if _, err = quick().Probe(t.Context(), to.URL); err == nil || !strings.Contains(err.Error(), "did not prove") {
		t.Errorf("probed: %v", err)
	}
	authorities := x509.NewCertPool()
	authorities.AddCert(server.Certificate())
	trusting := newSender(10*time.Second, time.Millisecond, &tls.Config{RootCAs: authorities})
	if err = trusting.Post(t.Context(), to, "text/plain", nil); err != nil {
		t.Error(err)
	}
	if _, err = trusting.Probe(t.Context(), to.URL); err != nil {
		t.Error(err)
	}
}

// Headers of the settings are sent, and a user and password of the address.
func TestPostHeaders(t *testing.T) {
	t.Parallel()
	h := hears(t, ok)
	address := strings.Replace(h.URL, "http://", "http://user:pass@", 1)
	if err := quick().Post(t.Context(), Target{URL: address, Headers: map[string]string{"X-Token": "abc"}}, "application/json", nil); err != nil {
		t.Fatal(err)
	}
	if h.header.Get("X-Token") != "abc" || h.header.Get("Content-Type") != "application/json" || h.header.Get("Authorization") != "Basic dXNlcjpwYXNz" {
		t.Errorf("sent %v", h.header)
	}
}

// A probe connects and asks nothing.
func TestProbe(t *testing.T) {
	t.Parallel()
	h := hears(t, ok)
	if _, err := quick().Probe(t.Context(), h.URL+"/"+canary); err != nil {
		t.Error(err)
	}
	if got := h.requests(); len(got) > 0 {
		t.Errorf("it was asked %v", got)
	}
	h.Close()
	if _, err := quick().Probe(t.Context(), h.URL+"/"+canary); err == nil || err.Error() != "connection refused" {
		t.Errorf("err = %v", err)
	}
}
