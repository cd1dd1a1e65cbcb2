package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func listen(t *testing.T, cfg Config) *Server {
	t.Helper()
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	if cfg.Document == nil {
		cfg.Document = func(context.Context) ([]byte, error) { return []byte("<p>secret page</p>"), nil }
	}
	s, err := Listen(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// ask sends one request and returns its answer, whose body was read.
func ask(s *Server, method, target string, change ...func(*http.Request)) (*http.Response, string) {
	r := httptest.NewRequest(method, target, nil)
	r.Host, r.RemoteAddr = "127.0.0.1:1234", "127.0.0.1:5555"
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	s.Handler(context.Background()).ServeHTTP(w, r)
	answer := w.Result()
	body, _ := io.ReadAll(answer.Body)
	return answer, string(body)
}

func form(password string) func(*http.Request) {
	return func(r *http.Request) {
		r.Body = io.NopCloser(strings.NewReader(url.Values{"password": {password}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
}

func with(c *http.Cookie) func(*http.Request) { return func(r *http.Request) { r.AddCookie(c) } }

func set(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func host(name string) func(*http.Request) { return func(r *http.Request) { r.Host = name } }

func TestWhoMayListen(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"0.0.0.0:0", "[::]:0", ":0", "192.0.2.1:0", "example.com:80"} {
		if s, err := Listen(t.Context(), Config{Listen: at}); !errors.Is(err, ErrPassword) {
			t.Errorf("%s without a password: %v, %v", at, s, err)
		}
	}
	if _, err := Listen(t.Context(), Config{Listen: "127.0.0.1"}); err == nil {
		t.Error("without a port")
	}
	s := listen(t, Config{Listen: "0.0.0.0:0", Password: "x"})
	if !strings.HasSuffix(s.URL(), "/") || strings.Contains(s.URL(), s.key) || !strings.Contains(s.Link(), s.key) {
		t.Errorf("%s, %s", s.URL(), s.Link())
	}
}

func TestNothingWithoutASession(t *testing.T) {
	t.Parallel()
	s := listen(t, Config{Password: "correct horse", Policy: "default-src 'none'"})
	for _, change := range [][]func(*http.Request){nil, {with(&http.Cookie{Name: cookie, Value: ""})}, {with(&http.Cookie{Name: cookie, Value: strings.Repeat("A", 52)})}, {set("Authorization", "Basic x")}} {
		answer, body := ask(s, "GET", "/", change...)
		if answer.StatusCode != http.StatusUnauthorized || strings.Contains(body, "secret") {
			t.Errorf("%d, %s", answer.StatusCode, body)
		}
	}
	answer, body := ask(s, "POST", "/login", form("wrong"))
	if answer.StatusCode != http.StatusForbidden || len(answer.Cookies()) > 0 || strings.Contains(body, "wrong") {
		t.Errorf("the wrong password: %d, %s", answer.StatusCode, body)
	}
	answer, _ = ask(s, "POST", "/login", form("correct horse"))
	if answer.StatusCode != http.StatusSeeOther || len(answer.Cookies()) != 1 {
		t.Fatalf("the password: %d", answer.StatusCode)
	}
	c := answer.Cookies()[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || len(c.Value) < 40 {
		t.Errorf("cookie %+v", c)
	}
	answer, body = ask(s, "GET", "/", with(c))
	if answer.StatusCode != http.StatusOK || !strings.Contains(body, "secret page") {
		t.Errorf("with a session: %d, %s", answer.StatusCode, body)
	}
	for name, want := range map[string]string{"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"} {
		if got := answer.Header.Get(name); got != want {
			t.Errorf("%s: %s; want %s", name, got, want)
		}
	}
	if answer, body := ask(s, "HEAD", "/", with(c)); answer.StatusCode != http.StatusOK || body != "" || answer.ContentLength == 0 {
		t.Errorf("HEAD: %d, %q", answer.StatusCode, body)
	}
	if answer, _ := ask(s, "GET", "/", with(c), set("Accept-Encoding", "gzip")); answer.Header.Get("Content-Encoding") != "gzip" {
		t.Error("not packed")
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS"} {
		if answer, body := ask(s, method, "/", with(c)); answer.StatusCode != http.StatusMethodNotAllowed || strings.Contains(body, "secret") {
			t.Errorf("%s: %d", method, answer.StatusCode)
		}
	}
	for _, path := range []string{"/other", "/../", "/login/x"} {
		if answer, body := ask(s, "GET", path, with(c)); answer.StatusCode == http.StatusOK || strings.Contains(body, "secret page") {
			t.Errorf("%s: %d", path, answer.StatusCode)
		}
	}
}

func TestKey(t *testing.T) {
	t.Parallel()
	s := listen(t, Config{})
	if answer, _ := ask(s, "POST", "/login", form("")); answer.StatusCode != http.StatusForbidden {
		t.Errorf("the empty password where there is none: %d", answer.StatusCode)
	}
	for key, want := range map[string]int{"": http.StatusForbidden, "x": http.StatusForbidden, s.key: http.StatusSeeOther} {
		answer, _ := ask(s, "GET", "/open?key="+key)
		if answer.StatusCode != want || (len(answer.Cookies()) > 0) != (want == http.StatusSeeOther) {
			t.Errorf("key %q: %d", key, answer.StatusCode)
		}
	}
}

// A page in the browser may point a name of its own here, or send a form.
func TestOtherPages(t *testing.T) {
	t.Parallel()
	s := listen(t, Config{Password: "p", Hosts: []string{"status.example.com"}})
	for name, want := range map[string]bool{
		"127.0.0.1:99": true, "localhost:1": true, "LOCALHOST": true, "[::1]:80": true, "10.0.0.7": true, "status.example.com": true, "Status.Example.COM.:443": true,
		"evil.example": false, "127.0.0.1.evil.example": false, "evil.example:80": false, "": false, "localhost.evil.example": false, "2130706433": false,
	} {
		if answer, _ := ask(s, "GET", "/", host(name)); (answer.StatusCode != http.StatusMisdirectedRequest) != want {
			t.Errorf("asked as %q: %d", name, answer.StatusCode)
		}
	}
	for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "http://evil.example"} {
		if answer, _ := ask(s, "POST", "/login", form("p"), set(name, value)); answer.StatusCode != http.StatusForbidden || len(answer.Cookies()) > 0 {
			t.Errorf("%s: %s: %d", name, value, answer.StatusCode)
		}
	}
	if answer, _ := ask(s, "POST", "/login", form("p"), set("Sec-Fetch-Site", "same-origin")); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("the page's own form: %d", answer.StatusCode)
	}
}

func TestThrottle(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := listen(t, Config{Password: "p"})
	s.tries.now = func() time.Time { return now }
	from := func(addr string) func(*http.Request) { return func(r *http.Request) { r.RemoteAddr = addr } }
	for range mostTries {
		ask(s, "POST", "/login", form("x"), from("[2001:db8::1]:5"))
	}
	for addr, want := range map[string]int{"[2001:db8::2]:6": http.StatusTooManyRequests, "192.0.2.9:1": http.StatusSeeOther} {
		if answer, _ := ask(s, "POST", "/login", form("p"), from(addr)); answer.StatusCode != want {
			t.Errorf("%s after %d failures: %d", addr, mostTries, answer.StatusCode)
		}
	}
	for i := range mostAll {
		s.tries.failed(fmt.Sprintf("10.0.%d.%d:1", i/200, i%200))
	}
	if answer, _ := ask(s, "POST", "/login", form("p"), from("192.0.2.10:1")); answer.StatusCode != http.StatusTooManyRequests {
		t.Errorf("after %d failures of all: %d", mostAll, answer.StatusCode)
	}
	now = now.Add(tryWindow)
	if answer, _ := ask(s, "POST", "/login", form("p"), from("[2001:db8::1]:5")); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("a minute later: %d", answer.StatusCode)
	}
	if answer, _ := ask(s, "POST", "/login", form(strings.Repeat("x", 8<<10))); answer.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a long password: %d", answer.StatusCode)
	}
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := &sessions{now: func() time.Time { return now }}
	first := s.begin()
	now = now.Add(time.Second)
	for range mostSessions - 1 {
		s.begin()
	}
	if !s.has(first) {
		t.Error("forgotten too early")
	}
	last := s.begin()
	if s.has(first) || !s.has(last) || len(s.ends) != mostSessions {
		t.Errorf("%d sessions", len(s.ends))
	}
	if now = now.Add(sessionTime); s.has(last) {
		t.Error("a session did not end")
	}
}

// The page is made once for all who ask at once; a client that leaves ends nothing.
func TestMadeOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var made atomic.Int32
		fail := false
		d := &document{make: func(ctx context.Context) ([]byte, error) {
			made.Add(1)
			<-time.After(5 * time.Second)
			if fail {
				return nil, errors.New("away")
			}
			return []byte("x"), ctx.Err()
		}}
		leaves, leave := context.WithCancel(t.Context())
		var wait sync.WaitGroup
		wait.Go(func() {
			if _, err := d.get(t.Context(), leaves); !errors.Is(err, context.Canceled) {
				t.Errorf("who left: %v", err)
			}
		})
		synctest.Wait()
		for range 50 {
			wait.Go(func() {
				if text, err := d.get(t.Context(), t.Context()); err != nil || string(text.plain) != "x" {
					t.Errorf("%s, %v", text.plain, err)
				}
			})
		}
		leave()
		wait.Wait()
		if n := made.Load(); n != 1 {
			t.Errorf("made %d times", n)
		}
		time.Sleep(freshTime + time.Second)
		fail = true
		if _, err := d.get(t.Context(), t.Context()); err == nil {
			t.Error("a failure was hidden")
		}
		fail = false
		if _, err := d.get(t.Context(), t.Context()); err != nil || made.Load() != 3 {
			t.Errorf("after a failure: %v, made %d times", err, made.Load())
		}
	})
}

// A client that sends nothing, and one that reads nothing, are in nobody's way.
func TestStuckClients(t *testing.T) {
	t.Parallel()
	s := listen(t, Config{Document: func(context.Context) ([]byte, error) { return make([]byte, 8<<20), nil }})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	address := s.listener.Addr().String()
	session := s.sessions.begin()
	for i := range 20 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if i%2 == 0 {
			fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\nCookie: %s=%s\r\n\r\n", address, cookie, session)
		} else {
			fmt.Fprint(conn, "GET / HT")
		}
	}
	r, _ := http.NewRequestWithContext(ctx, http.MethodGet, s.URL(), nil)
	r.AddCookie(&http.Cookie{Name: cookie, Value: session})
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil || len(body) != 8<<20 {
		t.Errorf("%d bytes, %v", len(body), err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
}
