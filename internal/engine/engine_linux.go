//go:build linux && amd64

package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"rawlogs/internal/awake"
)

// Engine is one user's hold on the server of a folder. It is safe for
// concurrent use.
type Engine struct {
	cfg      Config
	folder   folder
	endpoint endpoint
	attached bool
	users    *os.File // locked, shared, as long as this Engine is open
	alive    *os.File
	died     chan struct{} // closed at the host's end
	closed   chan struct{}
	close    sync.Once
	closeErr error
}

// Open starts the server of a folder, or attaches to the one that runs there.
// The Engine must be closed; what dies with it open is as good as closed.
//
// The shared lock on engine.users comes first: with it held, a server that
// runs goes on running, and one that is about to stop is waited for.
func Open(ctx context.Context, cfg Config) (*Engine, error) {
	cfg.Database = cmp.Or(cfg.Database, DefaultDatabase)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	f, err := openFolder(cfg.Path, cfg.Existing)
	if err != nil {
		return nil, err
	}
	timeout := cmp.Or(cfg.StartTimeout, time.Minute)
	ctx, cancel := awake.Timeout(ctx, timeout, fmt.Errorf("no answer in %s", timeout))
	defer cancel()
	users, err := openLock(f.file(usersLock))
	if err != nil {
		return nil, fmt.Errorf("engine %s: %w", cfg.Path, err)
	}
	e, err := open(ctx, cfg, f, users)
	if err != nil {
		return nil, errors.Join(wrap(cfg.Path, err), users.Close())
	}
	return e, nil
}

// wrap names the folder, unless the error does.
func wrap(path string, err error) error {
	var busy *BusyError
	var hung *HungError
	if errors.As(err, &busy) || errors.As(err, &hung) {
		return err
	}
	return fmt.Errorf("engine %s: %w", path, err)
}

func open(ctx context.Context, cfg Config, f folder, users *os.File) (*Engine, error) {
	if err := waitLock(ctx, users, unix.LOCK_SH); err != nil {
		return nil, f.hung(ctx, err)
	}
	start, err := openLock(f.file(startLock))
	if err != nil {
		return nil, err
	}
	defer func() { _ = start.Close() }() // and with that the lock
	if err = waitLock(ctx, start, unix.LOCK_EX); err != nil {
		return nil, f.hung(ctx, err)
	}
	e := &Engine{cfg: cfg, folder: f, users: users, died: make(chan struct{}), closed: make(chan struct{})}
	var last error
	err = poll(ctx, func() (met bool, err error) {
		met, last, err = e.startOrMeet(ctx)
		return met, err
	})
	if err != nil {
		if e.attached && ctx.Err() != nil {
			return nil, f.hung(ctx, cmp.Or(last, err))
		}
		return nil, err
	}
	if e.attached {
		if what := cfg.differs(e.endpoint); what != "" {
			return nil, errors.Join(&BusyError{Path: cfg.Path, PID: e.endpoint.PID, What: what}, e.alive.Close())
		}
	}
	if !cfg.Existing {
		if err := e.createDatabase(ctx); err != nil {
			return nil, errors.Join(err, e.alive.Close())
		}
	}
	go e.watch()
	cfg.Log.Debug("embedded ClickHouse ready", "path", cfg.Path, "pid", e.endpoint.PID, "attached", e.attached, "tcp", e.endpoint.TCPPort, "http", e.endpoint.HTTPPort)
	return e, nil
}

// startOrMeet starts a host where none lives, or meets the one that does: it is not met
// while it is not ready, of which waiting says why.
func (e *Engine) startOrMeet(ctx context.Context) (met bool, waiting, err error) {
	lock, err := openLock(e.folder.file(hostLock))
	if err != nil {
		return false, nil, err
	}
	free, err := tryLock(lock, unix.LOCK_EX)
	if err != nil {
		return false, nil, errors.Join(err, lock.Close())
	}
	if free {
		e.attached = false
		if e.endpoint, err = e.folder.start(ctx, e.cfg, lock); err != nil {
			return false, nil, err
		}
		return true, nil, e.meet(ctx)
	}
	if err := lock.Close(); err != nil {
		return false, nil, err
	}
	// A host lives: one that runs, or one whose starter died half-way.
	e.attached = true
	if e.endpoint, waiting = e.folder.readEndpoint(); waiting == nil {
		waiting = e.meet(ctx)
	}
	return waiting == nil, waiting, nil
}

// meet opens the alive pipe and makes sure that the server of the endpoint
// answers and is that of this very start, not a later tenant of its port.
func (e *Engine) meet(ctx context.Context) (err error) {
	// Without O_NONBLOCK the open would wait for a writer.
	pipe, err := os.OpenFile(e.folder.file(alivePipe), os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = pipe.Close()
		}
	}()
	nonce, err := e.query(ctx, "SELECT getMacro('engine_start')")
	if err != nil {
		return err
	}
	if nonce != e.endpoint.Nonce {
		return errors.New("another server answers on its port")
	}
	e.alive = pipe
	return nil
}

// hung turns a wait that ran out into an error that names the process.
func (f folder) hung(ctx context.Context, err error) error {
	if !errors.Is(context.Cause(ctx), err) && ctx.Err() == nil {
		return err
	}
	if errors.Is(context.Cause(ctx), context.Canceled) {
		return context.Canceled
	}
	ep, readErr := f.readEndpoint()
	if readErr != nil && !errors.Is(readErr, fs.ErrNotExist) {
		err = errors.Join(err, readErr)
	}
	return &HungError{Path: string(f), PID: ep.PID, Err: err}
}

// differs says which wish the running server does not meet.
func (c Config) differs(ep endpoint) string {
	switch {
	case c.TCPPort != 0 && c.TCPPort != ep.TCPPort:
		return "port (" + strconv.Itoa(ep.TCPPort) + ")"
	case c.HTTPPort != 0 && c.HTTPPort != ep.HTTPPort:
		return "HTTP port (" + strconv.Itoa(ep.HTTPPort) + ")"
	case c.Password != "" && c.Password != ep.Password:
		return "password"
	}
	return ""
}

// watch closes died when the host's end of the pipe closes.
func (e *Engine) watch() {
	_, err := io.Copy(io.Discard, e.alive)
	if errors.Is(err, os.ErrClosed) {
		return
	}
	close(e.died)
	select {
	case <-e.closed:
	default:
		e.cfg.Log.Warn("the embedded ClickHouse ended", "path", e.cfg.Path, "pid", e.endpoint.PID)
	}
}

// Endpoint is where the server is reached until Died.
func (e *Engine) Endpoint() Endpoint {
	return Endpoint{
		Addr:     net.JoinHostPort("127.0.0.1", strconv.Itoa(e.endpoint.TCPPort)),
		HTTPAddr: net.JoinHostPort("127.0.0.1", strconv.Itoa(e.endpoint.HTTPPort)),
		User:     e.endpoint.User, Password: e.endpoint.Password, Database: e.cfg.Database,
		ReaderUser: readerName, ReaderPassword: e.endpoint.ReaderPassword,
	}
}

// PasswordFiles are the files that hold the passwords of the server's user and
// of its reader, for as long as the folder exists.
func (e *Engine) PasswordFiles() (user, reader string) {
	return e.folder.file(passwordFile), e.folder.file(readerFile)
}

// PID is the host's process id.
func (e *Engine) PID() int { return e.endpoint.PID }

// Attached reports that the server ran before this Open.
func (e *Engine) Attached() bool { return e.attached }

// Died is closed when the server's process has ended, asked or unasked. The
// Engine must be closed all the same; Open starts another.
func (e *Engine) Died() <-chan struct{} { return e.died }

// Err says why the server ended, in its own last words; nil before Died.
func (e *Engine) Err() error {
	select {
	case <-e.died:
		return &endedError{e.cfg.Path, e.endpoint.PID, e.folder.lastWords()}
	default:
		return nil
	}
}

type endedError struct {
	path  string
	pid   int
	words string
}

func (e *endedError) Error() string {
	text := "engine " + e.path + ": process " + strconv.Itoa(e.pid) + " ended unasked"
	if e.words != "" {
		text += "\n" + e.words
	}
	return text
}

// Close gives up this hold. The last to do so waits until the server has
// stopped, so that the folder may be copied or removed afterwards.
func (e *Engine) Close() error {
	e.close.Do(func() {
		close(e.closed)
		e.closeErr = errors.Join(e.release(), e.alive.Close())
	})
	return e.closeErr
}

// release gives the shared lock up and, if no other user is left, waits for the
// host's end. Users who leave do so one at a time, or each of two could take
// the other for one who stays.
func (e *Engine) release() (err error) {
	leave, err := openLock(e.folder.file(leaveLock))
	if err != nil {
		return errors.Join(err, e.users.Close())
	}
	defer func() { err = errors.Join(err, e.users.Close(), leave.Close()) }() // in this order: the locks end with the files
	ctx, cancel := context.WithTimeoutCause(context.Background(), stopTimeout+10*time.Second, errors.New("it does not stop"))
	defer cancel()
	if err = waitLock(ctx, leave, unix.LOCK_EX); err == nil {
		err = poll(ctx, func() (bool, error) {
			select {
			case <-e.died:
				return true, nil
			default:
			}
			return e.othersStay() //guard:engine-others-stay
		})
	}
	if err != nil {
		return &HungError{Path: e.cfg.Path, PID: e.endpoint.PID, Err: err}
	}
	return nil
}

// othersStay reports whether somebody else uses the server: one who did all the
// time, or one who came before the host saw that the last had gone. It leaves
// the users' lock shared, or given up for the host to take.
func (e *Engine) othersStay() (bool, error) {
	// To ask for the exclusive lock gives the shared one up.
	alone, err := tryLock(e.users, unix.LOCK_EX)
	if err != nil {
		return false, err
	}
	if alone {
		return false, unix.Flock(int(e.users.Fd()), unix.LOCK_UN)
	}
	// Refused by users, who share, or by the host, who stops and does not.
	return tryLock(e.users, unix.LOCK_SH)
}
