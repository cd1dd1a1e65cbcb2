// Package store is the ClickHouse that rows and ledger live in: the embedded
// one, or a server named by an address. It hands out connections, holds every
// statement and setting that the exactly-once promise leans on, and decides
// which of the server's errors another attempt may mend.
package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"syscall"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"rawlogs/internal/engine"
)

// Config says which ClickHouse to open.
type Config struct {
	// Spec is "embedded:PATH" or
	// "clickhouse://user:password@host:9000/database?secure=true".
	Spec string
	// Log receives what happens to the store; nil is silent.
	Log *slog.Logger
	// Engine is how to start an embedded store; its Path comes from Spec.
	Engine engine.Config
	// Hook wraps every write; nil runs it as it is.
	Hook Hook
}

// Hook is the seam at which a test lets a write fail, or succeed and be
// reported lost: every write to the store goes through it. It must call do at
// most once.
type Hook func(ctx context.Context, op Op, do func(context.Context) error) error

// Op names a write: Kind is one of ledger, lease, insert, rejects, delete, ddl
// and kill.
type Op struct{ Kind, Detail string }

// Store is an open ClickHouse. It is safe for concurrent use.
//
// One server is spoken to at a time, also where the address names several:
// what a lost INSERT became can only be asked of the server that ran it.
type Store struct {
	cfg    Config
	target target

	recovering sync.Mutex // one Recover at a time

	mu     sync.RWMutex
	conn   driver.Conn
	native ch.Options
	known  map[string]bool // settings that the server has, of those we pin
	engine *engine.Engine  // nil where the store is not embedded
	closed bool
}

// Open opens the store and makes sure that it answers. It changes nothing in
// it but that an embedded store is created if absent.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	t, err := parseSpec(cfg.Spec)
	if err != nil {
		return nil, err
	}
	s := &Store{cfg: cfg, target: t}
	if err := s.connect(ctx); err != nil {
		return nil, fmt.Errorf("store %s: %w", s.Name(), err)
	}
	return s, nil
}

// connect opens the engine, if the store is embedded, and a pool, and puts
// both in place of the former ones.
func (s *Store) connect(ctx context.Context) error {
	t := s.target
	var eng *engine.Engine
	if t.path != "" {
		cfg := s.cfg.Engine
		cfg.Path = t.path
		if cfg.Log == nil {
			cfg.Log = s.cfg.Log
		}
		var err error
		if eng, err = engine.Open(ctx, cfg); err != nil {
			return err
		}
		t = t.at(eng.Endpoint())
	}
	var errs []error
	for _, addr := range t.addrs {
		conn, known, err := t.dialPool(ctx, addr)
		if eng != nil && errors.Is(err, syscall.ECONNREFUSED) { //guard:engine-listens-again
			s.cfg.Log.Warn("the embedded ClickHouse does not listen; opening its port again", "err", err)
			if err = eng.Listen(ctx); err == nil {
				conn, known, err = t.dialPool(ctx, addr)
			}
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		s.mu.Lock()
		old, oldEngine := s.conn, s.engine
		s.conn, s.known, s.native, s.engine = conn, known, t.nativeOptions(addr, known), eng
		s.mu.Unlock()
		if old != nil {
			_ = old.Close() // its server is gone
		}
		if oldEngine != nil {
			_ = oldEngine.Close() // likewise
		}
		return nil
	}
	if eng != nil {
		errs = append(errs, eng.Close())
	}
	return errors.Join(errs...)
}

// Recover brings the store back after its server was lost: it starts or
// re-attaches to the embedded engine, or finds a server of the address that
// answers, and puts a new pool in place. It does nothing if the store answers.
// An error means that it is still away, and Recover may be called again.
func (s *Store) Recover(ctx context.Context) error {
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
		err := conn.Ping(ping)
		if err == nil {
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
func (s *Store) Close() error {
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
	return errors.Join(errs...)
}

// Conn is the pool of native connections, for statements and the ledger. It
// is the store's to close, and to be asked for anew at each use: Recover puts
// another in its place.
func (s *Store) Conn() driver.Conn {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.conn
}

// Dial opens a connection for streaming INSERTs, to the same server as the
// pool's. The caller closes it.
func (s *Store) Dial(ctx context.Context) (*ch.Client, error) {
	s.mu.RLock()
	opts := s.native
	s.mu.RUnlock()
	client, err := ch.Dial(ctx, opts)
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", s.Name(), err)
	}
	return client, nil
}

// Database is the database of all tables.
func (s *Store) Database() string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.native.Database
}

// Name names the store for people; it holds no password.
func (s *Store) Name() string { return s.target.name }

// Engine is the embedded engine's endpoint, and false where there is none. The
// endpoint holds a password.
func (s *Store) Engine() (engine.Endpoint, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.engine == nil {
		return engine.Endpoint{}, false
	}
	return s.engine.Endpoint(), true
}

// EnginePID is the process id of the embedded engine's host, or 0.
func (s *Store) EnginePID() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.engine == nil {
		return 0
	}
	return s.engine.PID()
}

// Died is closed when the embedded engine's process has ended; it is nil, and
// so never ready, where there is none. After Recover there is another.
func (s *Store) Died() <-chan struct{} {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.engine == nil {
		return nil
	}
	return s.engine.Died()
}

// Write runs a write through the hook. Every statement that changes the store
// goes this way.
func (s *Store) Write(ctx context.Context, op Op, do func(context.Context) error) error {
	if s.cfg.Hook == nil {
		return do(ctx)
	}
	return s.cfg.Hook(ctx, op, do)
}

// poolOptions are those of the clickhouse-go pool; see target.dialPool.
func poolOptions(t target, addr string, settings clickhouse.Settings) *clickhouse.Options {
	return &clickhouse.Options{
		Protocol:         clickhouse.Native,
		Addr:             []string{addr},
		TLS:              t.tls.Clone(),
		Auth:             clickhouse.Auth{Database: t.database, Username: t.user, Password: t.password},
		Compression:      &clickhouse.Compression{Method: t.compressionAt(addr)},
		Settings:         settings,
		DialTimeout:      dialTimeout,
		ReadTimeout:      readTimeout,
		MaxOpenConns:     16, // leases, ledger, a verify and a few statements beside them
		MaxIdleConns:     4,
		ConnMaxLifetime:  time.Hour,
		ConnOpenStrategy: clickhouse.ConnOpenInOrder,
	}
}

const (
	dialTimeout = 10 * time.Second
	// readTimeout bounds silence on a connection, in which the server sends
	// progress every 100 ms, except while it waits for a mutation.
	readTimeout = 10 * time.Minute
)
