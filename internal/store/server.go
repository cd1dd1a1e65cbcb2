package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/clickhouse-go/v2"

	"rawlogs/internal/engine"
)

// Server is one open ClickHouse. It is safe for concurrent use.
//
// It speaks to one server for as long as it is open: what a lost INSERT became
// can only be asked of the server that ran it. A connection that leads to another
// one is refused.
type Server struct {
	cfg    Config
	target target

	replicas replicas // of a shard that has several

	recovering sync.Mutex // one Recover at a time

	mu      sync.RWMutex
	conn    *pool
	pin     *pin
	native  ch.Options
	profile profile
	engine  *engine.Engine // nil where the store is not embedded
	closed  bool
}

// openServer opens the server of a target and makes sure that it answers.
func openServer(ctx context.Context, cfg Config, t target) (*Server, error) {
	s := &Server{cfg: cfg, target: t, pin: &pin{own: t.own}}
	if err := s.connect(ctx); err != nil {
		return nil, fmt.Errorf("store %s: %w", s.Name(), portOf(err, t.tls != nil))
	}
	return s, nil
}

// connect opens the engine, if the store is embedded, and a pool, and puts
// both in place of the former ones.
func (s *Server) connect(ctx context.Context) error {
	if s.replicated() {
		return s.connectReplicas(ctx)
	}
	t := s.target
	var eng *engine.Engine
	if t.path != "" {
		cfg := s.cfg.Engine
		cfg.Path, cfg.Existing = t.path, s.cfg.Existing
		if cfg.Log == nil {
			cfg.Log = s.cfg.Log
		}
		var err error
		if eng, err = engine.Open(ctx, cfg); err != nil {
			return err
		}
		endpoint := eng.Endpoint()
		if s.cfg.Reader { //guard:sql-reader
			endpoint = endpoint.AsReader()
		}
		if endpoint.Password == "" {
			return errors.Join(errors.New("the ClickHouse running there was started by an older ingest: stop the commands that use it, such as `ingest serve`"), eng.Close())
		}
		t = t.at(endpoint)
	}
	conn, user, addr, err := s.dial(ctx, t)
	if eng != nil && errors.Is(err, syscall.ECONNREFUSED) { //guard:engine-listens-again
		s.cfg.Log.Warn("the embedded ClickHouse does not listen; opening its port again", "err", err)
		if err = eng.Listen(ctx); err == nil {
			conn, user, addr, err = s.dial(ctx, t)
		}
	}
	if Retryable(err) && ctx.Err() == nil && !dialing(err) { //guard:greeting-retried
		// It was there, and silent: for a process that was stopped meanwhile, or a machine that slept.
		s.cfg.Log.Warn("store operation failed; retrying", "err", err)
		conn, user, addr, err = s.dial(ctx, t)
	}
	if err != nil {
		if eng != nil {
			if s.cfg.Existing && code(err) == codeUnknownDatabase {
				err = engine.ErrAbsent // its making was cut short
			}
			err = errors.Join(err, eng.Close())
		}
		return err
	}
	s.mu.Lock()
	old, oldEngine := s.conn, s.engine
	s.conn, s.profile, s.native, s.engine = conn, user, t.nativeOptions(addr, user.known), eng
	s.mu.Unlock()
	if old != nil {
		_ = old.Close() // its server is gone
	}
	if oldEngine != nil {
		_ = oldEngine.Close() // likewise
	}
	return nil
}

// dial makes a pool to the server of the target. Of several addresses each must
// answer at first, and prove to be another way to the same server: a second
// server that is used when the first is away would get all rows once more.
// Later any of them will do.
func (s *Server) dial(ctx context.Context, t target) (first *pool, user profile, addr string, err error) {
	fresh := !s.pin.pinned()
	var errs []error
	for _, at := range t.addrs {
		conn, has, err := t.dialPool(ctx, at, s.greeting(at))
		if err != nil && fresh && len(t.addrs) > 1 { //guard:every-address
			return nil, profile{}, "", errors.Join(fmt.Errorf("whether %s is the same server as the others of the address cannot be seen; name one server: %w", at, err), closed(first))
		}
		switch {
		case err != nil:
			errs = append(errs, err)
		case first == nil:
			first, user, addr = conn, has, at
		default:
			_ = conn.Close() // it has proven what it was to prove
		}
		if first != nil && !fresh {
			break
		}
	}
	if first == nil {
		return nil, profile{}, "", errors.Join(errs...)
	}
	return first, user, addr, nil
}

// dialing reports whether an error is of the making of a connection, before a word was
// spoken through it.
func dialing(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

func closed(p *pool) error {
	if p == nil {
		return nil
	}
	return p.Close()
}

// greeting is how a new connection is looked at. An embedded engine is known by
// its folder and its password, and comes back at another port.
func (s *Server) greeting(addr string) greeting {
	if s.target.path != "" {
		return func(context.Context, asker) error { return nil }
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	pin := s.pin
	return func(ctx context.Context, conn asker) error { return pin.ask(ctx, addr, conn) }
}

// Recover brings the store back after its server was lost: it starts or
// re-attaches to the embedded engine, or finds a server of the address that
// answers, and puts a new pool in place. It does nothing if the store answers.
// An error means that it is still away, and Recover may be called again.
func (s *Server) Recover(ctx context.Context) error {
	s.recovering.Lock()
	defer s.recovering.Unlock()
	s.mu.RLock()
	conn, eng, closed := s.conn, s.engine, s.closed
	s.mu.RUnlock()
	if closed {
		return errClosed
	}
	dead := false
	if eng != nil {
		select {
		case <-eng.Died():
			dead = true
			s.cfg.Log.Warn("starting the embedded ClickHouse again", "err", eng.Err())
		default:
		}
	}
	if !dead {
		ping, cancel := context.WithTimeout(ctx, pingTimeout)
		defer cancel()
		err := conn.ping(ping)
		if err == nil && !s.readOnly(ping) {
			return nil
		}
		if eng != nil && !errors.Is(err, syscall.ECONNREFUSED) {
			// The engine lives but is busy: nothing a new one could mend.
			return fmt.Errorf("store %s: %w", s.Name(), err)
		}
	}
	if err := s.connect(ctx); err != nil {
		return fmt.Errorf("store %s: %w", s.Name(), err)
	}
	return nil
}

const pingTimeout = 5 * time.Second

var errClosed = errors.New("the store is closed")

// Close ends all connections; the last user of an embedded store waits until
// it has stopped.
func (s *Server) Close() error {
	s.recovering.Lock()
	defer s.recovering.Unlock()
	s.mu.Lock()
	conn, eng := s.conn, s.engine
	s.engine, s.closed = nil, true
	s.mu.Unlock()
	var errs []error
	if conn != nil {
		errs = append(errs, conn.Close())
	}
	if eng != nil {
		errs = append(errs, eng.Close())
	}
	return errors.Join(append(errs, s.closeOthers())...)
}

// Conn is the pool of native connections, for statements and the ledger. It
// is the store's to close, and to be asked for anew at each use: Recover puts
// another in its place.
func (s *Server) Conn() Conn {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.conn
}

// Dial opens a connection for streaming INSERTs, to the same server as the
// pool's. The caller closes it.
func (s *Server) Dial(ctx context.Context) (*ch.Client, error) {
	s.mu.RLock()
	opts := s.native
	s.mu.RUnlock()
	client, err := ch.Dial(ctx, opts)
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", s.Name(), err)
	}
	if err := s.greeting(opts.Address)(ctx, streamAsker{client}); err != nil { //guard:stream-greeted
		return nil, fmt.Errorf("store %s: %w", s.Name(), errors.Join(err, client.Close()))
	}
	return client, nil
}

// Database is the database of the server's own tables: on a cluster another one than Asked.
func (s *Server) Database() string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return cmp.Or(s.target.own, s.native.Database)
}

// Asked is the database in which people ask, and in which statements find a table that they
// name without one.
func (s *Server) Asked() string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.native.Database
}

// Addr is the host and port of the server's native protocol.
func (s *Server) Addr() string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.native.Address
}

// Name names the store for people; it holds no password.
func (s *Server) Name() string { return s.target.name }

// Engine is the embedded engine's endpoint, and false where there is none. The
// endpoint holds a password.
func (s *Server) Engine() (engine.Endpoint, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.engine == nil {
		return engine.Endpoint{}, false
	}
	return s.engine.Endpoint(), true
}

// EnginePID is the process id of the embedded engine's host, or 0.
func (s *Server) EnginePID() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.engine == nil {
		return 0
	}
	return s.engine.PID()
}

// Died is closed when the embedded engine's process has ended; it is nil, and
// so never ready, where there is none. After Recover there is another.
func (s *Server) Died() <-chan struct{} {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.engine == nil {
		return nil
	}
	return s.engine.Died()
}

// Write runs a write through the hook. Every statement that changes the store
// goes this way.
func (s *Server) Write(ctx context.Context, op Op, do func(context.Context) error) error {
	s.replicas.wrote.Store(true)
	if s.cfg.Hook == nil {
		return do(ctx)
	}
	return s.cfg.Hook(ctx, op, do)
}

// poolOptions are those of the pool's connections; see target.dialPool.
func poolOptions(t target, addr string, settings clickhouse.Settings) *clickhouse.Options {
	return &clickhouse.Options{
		Protocol:        clickhouse.Native,
		Addr:            []string{addr},
		TLS:             t.tls.Clone(),
		Auth:            clickhouse.Auth{Database: t.database, Username: t.user, Password: t.password},
		Compression:     &clickhouse.Compression{Method: t.compressionAt(addr)},
		Settings:        settings,
		DialTimeout:     dialTimeout,
		ReadTimeout:     readTimeout,
		ConnMaxLifetime: time.Hour,
	}
}

const (
	dialTimeout = 10 * time.Second
	// readTimeout bounds silence on a connection, in which the server sends
	// progress every 100 ms, except while it waits for a mutation.
	readTimeout = 10 * time.Minute
)
