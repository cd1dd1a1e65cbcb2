//go:build linux && amd64

package engine

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// A connection that was closed without an answer is no answer; one that was refused by
// the server is.
func TestAsksAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		first  http.HandlerFunc
		asked  int32
		answer string // or a part of the error
	}{
		"closed at once": {func(w http.ResponseWriter, _ *http.Request) { hangUp(t, w, "") }, 2, "yes"},
		"cut short":      {func(w http.ResponseWriter, _ *http.Request) { hangUp(t, w, "HTTP/1.1 200") }, 2, "yes"},
		"refused":        {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no such macro", http.StatusNotFound) }, 1, "no such macro"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if asked.Add(1) == 1 {
					c.first(w, r)
					return
				}
				_, _ = w.Write([]byte("yes\n"))
			}))
			t.Cleanup(server.Close)
			e := &Engine{endpoint: endpoint{HTTPPort: server.Listener.Addr().(*net.TCPAddr).Port}}
			answer, err := e.query(t.Context(), "SELECT 1")
			if err != nil {
				answer = err.Error()
			}
			if !strings.Contains(answer, c.answer) || asked.Load() != c.asked {
				t.Errorf("asked %d times, the answer is %q; want %d, %q", asked.Load(), answer, c.asked, c.answer)
			}
		})
	}
}

// hangUp writes the beginning of an answer and closes the connection.
func hangUp(t *testing.T, w http.ResponseWriter, beginning string) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	_, _ = conn.Write([]byte(beginning))
	_ = conn.Close()
}
