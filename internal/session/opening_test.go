package session

import (
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"testing"

	"rawlogs/internal/config"
	"rawlogs/internal/engine"
)

// relay passes connections on to a server and closes one as it has something to say.
type relay struct {
	listener net.Listener
	server   string

	mu    sync.Mutex
	until int // messages of clients that are still passed on before one is cut
	cut   bool
}

func newRelay(t *testing.T, server string) *relay {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{listener: listener, server: server}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return // the test is over
			}
			open.Go(func() { r.pass(client) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		open.Wait()
	})
	return r
}

// pass is a connection's life.
func (r *relay) pass(client net.Conn) {
	server, err := net.Dial("tcp", r.server)
	if err != nil {
		_ = client.Close()
		return
	}
	var answers sync.WaitGroup
	answers.Go(func() { r.copy(client, server, func() bool { return true }) })
	r.copy(server, client, r.passes)
	_, _ = client.Close(), server.Close()
	answers.Wait()
}

func (r *relay) copy(to, from net.Conn, passes func() bool) {
	buf := make([]byte, 1<<16)
	for {
		n, err := from.Read(buf)
		if err != nil || !passes() {
			return
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

// passes reports whether a message is passed on.
func (r *relay) passes() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.until--
	if r.until == 0 {
		r.cut = true
	}
	return r.until != 0
}

func (r *relay) cutAt(message int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.until, r.cut = message, false
}

func (r *relay) wasCut() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cut
}

// A connection that is closed at any moment of opening a store, as it is for a process
// that was stopped for too long, does not end the run.
func TestOpeningIsCut(t *testing.T) {
	t.Parallel()
	e, err := engine.Open(t.Context(), engine.Config{Path: filepath.Join(t.TempDir(), "store")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	at := e.Endpoint()
	r := newRelay(t, at.Addr)
	for message := 1; ; message++ {
		// The first few find a database that is absent, or half made.
		dsn := fmt.Sprintf("clickhouse://%s:%s@%s/rawlogs", at.User, at.Password, r.listener.Addr())
		s := New(&config.Config{Network: "acme", Store: dsn}, nil, slog.New(slog.DiscardHandler))
		r.cutAt(message)
		if _, err := s.Store(t.Context()); err != nil {
			t.Errorf("cut at message %d: %v", message, err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("cut at message %d: closing: %v", message, err)
		}
		if !r.wasCut() {
			if message < 10 {
				t.Errorf("opening took only %d messages", message)
			}
			return
		}
	}
}
