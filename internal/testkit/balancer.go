package testkit

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Balancer is one TCP address behind which several servers answer.
type Balancer struct {
	Addr string

	mu       sync.Mutex
	n        int
	choose   func(n int) string
	listener net.Listener
	open     map[net.Conn]bool
}

// NewBalancer listens until the test ends. choose says which server the n-th
// connection, from 0, leads to; it is called by one at a time.
func NewBalancer(tb testing.TB, choose func(n int) string) *Balancer {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	b := &Balancer{Addr: l.Addr().String(), choose: choose, listener: l, open: make(map[net.Conn]bool)}
	tb.Cleanup(b.Close)
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go b.serve(client)
		}
	}()
	return b
}

// RoundRobin is a balancer that sends each connection to the next server.
func RoundRobin(tb testing.TB, servers ...string) *Balancer {
	tb.Helper()
	return NewBalancer(tb, func(n int) string { return servers[n%len(servers)] })
}

// Send leads all connections from now on to another server; "" refuses them.
func (b *Balancer) Send(server string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.choose = func(int) string { return server }
}

// Cut ends all connections; new ones are still let in.
func (b *Balancer) Cut() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for conn := range b.open {
		_ = conn.Close()
	}
}

// Close ends the listener and all connections.
func (b *Balancer) Close() {
	_ = b.listener.Close()
	b.Cut()
}

func (b *Balancer) serve(client net.Conn) {
	b.mu.Lock()
	server := b.choose(b.n)
	b.n++
	b.open[client] = true
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		delete(b.open, client)
		b.mu.Unlock()
		_ = client.Close()
	}()
	if server == "" {
		return
	}
	upstream, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer func() { _ = upstream.Close() }()
	go func() {
		_, _ = io.Copy(upstream, client)
		_ = upstream.Close()
	}()
	_, _ = io.Copy(client, upstream)
}
