// Package web shows one document to browsers, and nothing else: nothing can be changed by
// it. It keeps to who may reach a port: other users of the machine and pages in a browser
// see nothing without the password or the key, and no name that an attacker's DNS gives to
// this address is answered.
package web

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Config says what to serve, where and to whom.
type Config struct {
	// Listen is HOST:PORT; port 0 takes a free one. Off loopback a password is a must.
	Listen string
	// Password opens the page by its form; empty: only the key of the link does.
	Password string
	// Hosts are names, beside addresses and localhost, by which browsers may ask.
	Hosts []string
	// Document makes the page. Of those who ask at once one makes it for all.
	Document func(ctx context.Context) ([]byte, error)
	Policy   string // Content-Security-Policy of the document
	Log      *slog.Logger
}

// ErrPassword is returned for an address off loopback without a password.
var ErrPassword = errors.New("others can reach this address: it needs a password")

// Server listens, and serves once it is told to.
type Server struct {
	cfg      Config
	listener net.Listener
	key      string
	fresh    *document
	sessions *sessions
	tries    *tries
	crossing *http.CrossOriginProtection
}

// Listen opens the port. The caller lets it Serve, or closes it.
func Listen(ctx context.Context, cfg Config) (*Server, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	host, port, err := net.SplitHostPort(cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: want HOST:PORT", cfg.Listen)
	}
	if host == "localhost" {
		host = "127.0.0.1" // the word may be anything in /etc/hosts
	}
	if at, unnamed := netip.ParseAddr(host); cfg.Password == "" && (unnamed != nil || !at.IsLoopback()) { //guard:web-password
		return nil, ErrPassword
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, err
	}
	return &Server{
		cfg: cfg, listener: l, key: rand.Text(), fresh: &document{make: cfg.Document}, sessions: &sessions{now: time.Now},
		tries: &tries{now: time.Now}, crossing: http.NewCrossOriginProtection(),
	}, nil
}

// URL is where the page is.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() + "/" }

// Link is the URL with the key in it, which opens the page without the form. Whoever
// reads it can open the page for as long as it is served.
func (s *Server) Link() string { return s.URL() + "open?key=" + s.key }

// Close stops listening; it may be called again, and after Serve.
func (s *Server) Close() error {
	if err := s.listener.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

const (
	headTime  = 5 * time.Second  // in which a client must have sent its request's head
	writeTime = 60 * time.Second // in which it must have taken the page
	makeTime  = 2 * time.Minute  // in which the page must be made
)

// Serve answers until the context ends.
func (s *Server) Serve(ctx context.Context) error {
	server := &http.Server{
		Handler: s.Handler(ctx), ReadHeaderTimeout: headTime, ReadTimeout: 2 * headTime, WriteTimeout: makeTime + writeTime,
		IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(s.listener) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return errors.Join(server.Close(), ignoreClosed(<-done))
	}
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Handler answers as the server does; documents are made until ctx ends.
func (s *Server) Handler(ctx context.Context) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { s.page(ctx, w, r) })
	mux.HandleFunc("GET /open", s.open)
	mux.HandleFunc("POST /login", s.login)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("Referrer-Policy", "no-referrer")
		head.Set("Cache-Control", "no-store")
		head.Set("Cross-Origin-Resource-Policy", "same-origin")
		head.Set("Cross-Origin-Opener-Policy", "same-origin")
		head.Set("X-Frame-Options", "DENY")
		head.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		if !s.allowed(r.Host) {
			http.Error(w, "this name is not one of the page's; see --host", http.StatusMisdirectedRequest)
			return
		}
		if err := s.crossing.Check(r); err != nil { //guard:web-crossing
			http.Error(w, "another page sent this", http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// allowed reports whether a browser may ask by a name. An attacker's page can point its own
// name here, but no name at all is an address or localhost.
func (s *Server) allowed(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.TrimSuffix(strings.ToLower(strings.Trim(name, "[]")), ".")
	if _, err := netip.ParseAddr(name); err == nil || name == "localhost" {
		return true
	}
	return slices.ContainsFunc(s.cfg.Hosts, func(h string) bool { return strings.EqualFold(h, name) }) //guard:web-host
}
