package hasoffers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rawlogs/internal/ended"
)

const canary = "CANARY+s3cret/token=="

// roundTrip is a transport in memory, for tests inside a synctest bubble.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{}, ContentLength: int64(len(body)),
		Body: io.NopCloser(strings.NewReader(body)),
	}
}

const ok = `{"response":{"status":1,"data":[],"errors":[]}}`

func dial(t *testing.T, cfg Config) *Client {
	t.Helper()
	cfg.NetworkID = "acme"
	if cfg.Auth == nil {
		cfg.Auth = NetworkToken(canary)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEndpoint(t *testing.T) {
	t.Parallel()
	var got *url.URL
	transport := roundTrip(func(r *http.Request) (*http.Response, error) {
		got = r.URL
		return answer(200, ok), nil
	})
	for base, want := range map[string]string{
		"":                                     "https://acme.api.hasoffers.com/Apiv3/json",
		"https://api.hasoffers.com/Apiv3/json": "https://api.hasoffers.com/Apiv3/json",
		"http://127.0.0.1:8080/x/?extra=1&Method=z": "http://127.0.0.1:8080/x/",
	} {
		c := dial(t, Config{BaseURL: base, HTTP: transport})
		if _, err := c.Call(t.Context(), "RawLog", "listLogs", url.Values{"date_dir": {"20160909"}}); err != nil {
			t.Fatal(err)
		}
		q := got.Query()
		got.RawQuery = ""
		if got.String() != want || q.Get("NetworkId") != "acme" || q.Get("NetworkToken") != canary ||
			q.Get("Target") != "RawLog" || q.Get("Method") != "listLogs" || q.Get("date_dir") != "20160909" || len(q["Method"]) != 1 {
			t.Errorf("%q: got %s and %v", base, got, q)
		}
		if c.PlainHTTP() != strings.HasPrefix(base, "http:") {
			t.Errorf("%q: PlainHTTP %v", base, c.PlainHTTP())
		}
	}
	for _, cfg := range []Config{
		{NetworkID: "acme"},
		{Auth: NetworkToken("x")},
		{NetworkID: "a.evil.example/", Auth: NetworkToken("x")},
		{NetworkID: "acme", Auth: NetworkToken("x"), BaseURL: "ftp://" + canary + "@x/"},
		{NetworkID: "acme", Auth: NetworkToken("x"), BaseURL: "https://u:" + canary + "@x/"},
		{NetworkID: "acme", Auth: NetworkToken("x"), BaseURL: ":" + canary},
	} {
		if _, err := New(cfg); err == nil || strings.Contains(err.Error(), "CANARY") {
			t.Errorf("%+v: got %v", cfg, err)
		}
	}
}

// sliding counts arrivals as the API does.
type sliding struct {
	mu       sync.Mutex
	arrivals []time.Time
	refused  int
}

func (s *sliding) arrive() (usage int, allowed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for len(s.arrivals) > 0 && now.Sub(s.arrivals[0]) > 10*time.Second {
		s.arrivals = s.arrivals[1:]
	}
	s.arrivals = append(s.arrivals, now)
	if len(s.arrivals) > 50 {
		s.refused++
		return len(s.arrivals), false
	}
	return len(s.arrivals), true
}

func (s *sliding) serve(latency func() time.Duration) roundTrip {
	return func(r *http.Request) (*http.Response, error) {
		if err := ended.Wait(r.Context(), latency()); err != nil {
			return nil, err
		}
		usage, allowed := s.arrive()
		if err := ended.Wait(r.Context(), latency()); err != nil {
			return nil, err
		}
		if !allowed {
			return answer(200, fmt.Sprintf(`{"response":{"status":-1,"data":"","errors":[{"publicMessage":
				"API usage exceeded rate limit.  Configured: 50/10s window; Your usage: %d."}]}}`, usage)), nil
		}
		return answer(200, ok), nil
	}
}

func TestRateIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var server sliding
		c := dial(t, Config{HTTP: server.serve(func() time.Duration { return rand.N(200 * time.Millisecond) })})
		begin := time.Now()
		const calls = 1000
		var wg sync.WaitGroup
		var done atomic.Int64
		for range 70 {
			wg.Go(func() {
				for done.Add(1) <= calls {
					if _, err := c.Call(t.Context(), "T", "m", nil); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		took := time.Since(begin)
		if least := 10 * time.Second * (calls/50 - 1); server.refused > 0 || took > least*100/90 {
			t.Errorf("%d refused; %v, at least %v", server.refused, took, least)
		}
	})
}

// Somebody else uses the same limit: every call gets through in the end, and
// one refusal makes all goroutines wait.
func TestRateIsShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var server sliding
		for range 45 {
			server.arrive()
		}
		c := dial(t, Config{HTTP: server.serve(func() time.Duration { return time.Millisecond })})
		var wg sync.WaitGroup
		for range 120 {
			wg.Go(func() {
				if _, err := c.Call(t.Context(), "T", "m", nil); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if server.refused != 45 { // all of the first burst but five, and none later
			t.Errorf("%d refused", server.refused)
		}
	})
}

func TestRateNeverFreed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		c := dial(t, Config{Waits: 3, HTTP: roundTrip(func(*http.Request) (*http.Response, error) {
			calls++
			return answer(429, ""), nil
		})})
		begin := time.Now()
		_, err := c.Call(t.Context(), "T", "m", nil)
		if k, _ := KindOf(err); k != RateLimited || calls != 4 || time.Since(begin) < 30*time.Second {
			t.Errorf("got %v after %d calls and %v", err, calls, time.Since(begin))
		}
	})
}

func TestRetries(t *testing.T) {
	t.Parallel()
	reset := errors.New("read: connection reset by peer")
	for _, tc := range []struct {
		name  string
		fail  func() (*http.Response, error)
		kind  Kind
		calls int
	}{
		{"reset", func() (*http.Response, error) { return nil, reset }, Unavailable, 6},
		{"504", func() (*http.Response, error) { return answer(504, "<html>"), nil }, Unavailable, 6},
		{"html", func() (*http.Response, error) { return answer(200, "<html>"), nil }, Malformed, 6},
		{"empty", func() (*http.Response, error) { return answer(200, ""), nil }, Malformed, 6},
		{"cut short", func() (*http.Response, error) { return answer(200, ok[:20]), nil }, Malformed, 6},
		{"bad network", func() (*http.Response, error) { return answer(200, string(read(t, "bad_network"))), nil }, Unauthenticated, 1},
		{"validation", func() (*http.Response, error) { return answer(200, string(read(t, "validation"))), nil }, Validation, 1},
		{"not found", func() (*http.Response, error) { return answer(404, ""), nil }, NotFound, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				calls, heals := 0, 0
				c := dial(t, Config{HTTP: roundTrip(func(*http.Request) (*http.Response, error) {
					if calls++; calls == heals {
						return answer(200, ok), nil
					}
					return tc.fail()
				})})
				begin := time.Now()
				_, err := c.Call(t.Context(), "T", "m", nil)
				if k, _ := KindOf(err); k != tc.kind || calls != tc.calls || time.Since(begin) > time.Minute {
					t.Errorf("got %v after %d calls and %v", err, calls, time.Since(begin))
				}
				if tc.calls > 1 {
					calls, heals = 0, tc.calls
					if _, err := c.Call(t.Context(), "T", "m", nil); err != nil {
						t.Errorf("not healed: %v", err)
					}
				}
			})
		})
	}
}

func TestSlowAnswerIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := dial(t, Config{Attempts: 2, Timeout: time.Second, HTTP: roundTrip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})})
		_, err := c.Call(t.Context(), "T", "m", nil)
		if k, _ := KindOf(err); k != Unavailable || !strings.Contains(err.Error(), "no whole answer within 1s (2 attempts)") {
			t.Errorf("got %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		if _, err := c.Call(ctx, "T", "m", nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the caller's own end: got %v", err)
		}
	})
}

func TestBodyIsBounded(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range 100 {
			_, _ = io.WriteString(w, strings.Repeat(" ", 1000))
		}
	}))
	defer server.Close()
	c := dial(t, Config{BaseURL: server.URL, MaxBody: 10_000, Attempts: 1})
	if _, err := c.Call(t.Context(), "T", "m", nil); err == nil || !strings.Contains(err.Error(), "larger than 10000 bytes") {
		t.Errorf("got %v", err)
	}
}

// bearer is an Auth of the kind that expires.
type bearer struct {
	mu      sync.Mutex
	serial  int
	renewed int
}

func (b *bearer) Apply(_ context.Context, r *Request) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	r.Header.Set("Authorization", fmt.Sprintf("Bearer token%d", b.serial))
	return nil
}

func (b *bearer) Renew(_ context.Context, refused *Request) (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if refused.Header.Get("Authorization") == fmt.Sprintf("Bearer token%d", b.serial) {
		b.serial++
		b.renewed++
	}
	return true, nil
}

func (b *bearer) Secrets() []string { return nil }

func TestRenewal(t *testing.T) {
	t.Parallel()
	var good atomic.Value
	good.Store("Bearer token1")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != good.Load() {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"message":"JWT is not valid or missing"}`)
			return
		}
		_, _ = io.WriteString(w, ok)
	}))
	defer server.Close()
	auth := new(bearer)
	c := dial(t, Config{BaseURL: server.URL, Auth: auth})
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if _, err := c.Call(t.Context(), "T", "m", nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if auth.renewed != 1 {
		t.Errorf("renewed %d times", auth.renewed)
	}
	good.Store("none will do")
	if _, err := c.Call(t.Context(), "T", "m", nil); err == nil || auth.renewed != 2 {
		t.Errorf("got %v, renewed %d times", err, auth.renewed)
	}
}

// Whatever goes wrong, neither the token nor a part of a body is printed.
func TestNoSecretIsPrinted(t *testing.T) {
	t.Parallel()
	echo := func(r *http.Request, response string) string {
		return fmt.Sprintf(`{"request":{"NetworkToken":%q},"response":%s}`, r.URL.Query().Get("NetworkToken"), response)
	}
	answers := map[string]http.HandlerFunc{
		"echo in a message": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, echo(r, fmt.Sprintf(`{"status":-1,"errors":[{"publicMessage":"bad call %s"},
				{"err_msg":"token %s","attribute_name":%q}]}`, r.URL.RequestURI(), canary, canary)))
		},
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://elsewhere.example/?"+r.URL.RawQuery, http.StatusFound)
		},
		"bad redirect": func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Location"] = []string{"http://[bad/?" + r.URL.RawQuery}
			w.WriteHeader(http.StatusFound)
		},
		"html": func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "<html>"+r.URL.RawQuery) },
		"500": func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, r.URL.RawQuery, http.StatusInternalServerError)
		},
		"403": func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, `{"message":"`+r.URL.RawQuery+`"}`, http.StatusForbidden)
		},
		"truncated": func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, echo(r, `{"status":1,`)) },
		"no list": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, echo(r, `{"status":1,"data":{"logFiles":"`+canary+`"}}`))
		},
		"no protocol": func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 "+r.URL.RawQuery+"\r\n\r\n")
			_ = conn.Close()
		},
		"closed": func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_ = conn.Close()
		},
	}
	for name, handler := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(handler)
			defer server.Close()
			var log bytes.Buffer
			c := dial(t, Config{BaseURL: server.URL, Attempts: 2, Backoff: time.Millisecond,
				Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
			_, err := c.ListLogs(t.Context(), "clicks", "20160909")
			if err == nil {
				t.Fatal("no error")
			}
			for _, text := range []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%v", c.auth), fmt.Sprintf("%#v", c.auth), log.String()} {
				if strings.Contains(text, "CANARY") {
					t.Errorf("leaks: %s", text)
				}
			}
		})
	}
	wrapping := dial(t, Config{Attempts: 1, HTTP: roundTrip(func(r *http.Request) (*http.Response, error) {
		return nil, &url.Error{Op: "Get", URL: r.URL.String(), Err: io.ErrUnexpectedEOF}
	})})
	if _, err := wrapping.Call(t.Context(), "T", "m", nil); err == nil || strings.Contains(err.Error(), "NetworkToken") || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a transport that wraps: %v", err)
	}
	c := dial(t, Config{BaseURL: "http://127.0.0.1:1/", Attempts: 1})
	if _, err := c.Call(t.Context(), "T", "m", nil); err == nil || strings.Contains(err.Error(), "CANARY") || strings.Contains(err.Error(), "NetworkToken") {
		t.Errorf("refused connection: %v", err)
	}
}
