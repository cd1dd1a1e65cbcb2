// Package storage runs the S3 server behind a simulated network: versitygw as a
// child process over a folder. It is for tests and demonstrations; nothing here
// is made to hold data that matters.
package storage

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Region is the only region that the server knows.
const Region = "us-east-1"

// Config says how to start a server.
type Config struct {
	Binary string // path of versitygw
	// Dir is the folder that holds the buckets; it is made if absent. Files
	// copied into it by hand have no ETag: upload them.
	Dir string
	// Addr is host:port; "" is a free port of the loopback interface.
	Addr string
	// AccessKey and SecretKey of the one account; "" makes random ones.
	AccessKey, SecretKey string
	// KeepAlive lets clients reuse connections. Off, every request has its own.
	KeepAlive bool
}

// Server is a running S3 server. Its methods may be called from several
// goroutines.
type Server struct {
	Endpoint             string // http://host:port
	AccessKey, SecretKey string

	cfg Config
	mu  sync.Mutex
	run *process // nil while stopped
}

type process struct {
	cmd    *exec.Cmd
	output *head
	ended  chan struct{}
	err    error // valid once ended
}

// Start starts a server and returns when it answers. The child ends with this
// process, also when that is killed (on Linux).
func Start(ctx context.Context, cfg Config) (*Server, error) {
	dir, err := filepath.Abs(cfg.Dir) // the server changes its directory
	if err != nil {
		return nil, fmt.Errorf("s3 server: %w", err)
	}
	if err = os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("s3 server: %w", err)
	}
	cfg.Dir = dir
	if cfg.AccessKey == "" {
		cfg.AccessKey = "SIM" + rand.Text()[:13]
	}
	if cfg.SecretKey == "" {
		cfg.SecretKey = rand.Text() + rand.Text()
	}
	s := &Server{AccessKey: cfg.AccessKey, SecretKey: cfg.SecretKey, cfg: cfg}
	for try := 0; ; try++ {
		addr := cfg.Addr
		if addr == "" {
			if addr, err = freeAddr(ctx); err != nil {
				return nil, fmt.Errorf("s3 server: %w", err)
			}
		}
		s.Endpoint = "http://" + addr
		err = s.Restart(ctx)
		if err == nil {
			return s, nil
		}
		// Between choosing a port and listening on it, another may take it.
		if cfg.Addr != "" || try == 4 || ctx.Err() != nil {
			return nil, err
		}
	}
}

// PID is the child's process id, 0 while it is stopped.
func (s *Server) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run == nil {
		return 0
	}
	return s.run.cmd.Process.Pid
}

// Restart starts the child on the address and folder that it had, after
// stopping it if it runs.
func (s *Server) Restart(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stop(os.Kill)
	run, err := s.launch(context.WithoutCancel(ctx)) // it lasts until it is stopped
	if err != nil {
		return fmt.Errorf("s3 server %s: %w", s.cfg.Binary, err)
	}
	s.run = run
	if err := s.await(ctx, run); err != nil {
		s.stop(os.Kill)
		return fmt.Errorf("s3 server %s: %w", s.Endpoint, err)
	}
	return nil
}

// Kill ends the child at once, as a crash would.
func (s *Server) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stop(os.Kill)
}

// Close ends the child and waits for it. The folder stays.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stop(syscall.SIGTERM)
	return nil
}

// Ended is closed when the child that runs now has ended by itself or not; nil
// while it is stopped.
func (s *Server) Ended() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run == nil {
		return nil
	}
	return s.run.ended
}

func (s *Server) stop(sig os.Signal) {
	if s.run == nil {
		return
	}
	run := s.run
	s.run = nil
	_ = run.cmd.Process.Signal(sig) // it may have ended by itself
	select {
	case <-run.ended:
	case <-time.After(5 * time.Second):
		_ = run.cmd.Process.Kill()
		<-run.ended
	}
}

func (s *Server) launch(ctx context.Context) (*process, error) {
	args := []string{"--port", strings.TrimPrefix(s.Endpoint, "http://"), "--health", "/_health", "--quiet"}
	if s.cfg.KeepAlive {
		args = append(args, "--keep-alive")
	}
	cmd := exec.CommandContext(ctx, s.cfg.Binary, append(args, "posix", s.cfg.Dir)...)
	// Only that: VGW_* variables of whoever runs this would change the server.
	cmd.Env = []string{"ROOT_ACCESS_KEY=" + s.AccessKey, "ROOT_SECRET_KEY=" + s.SecretKey}
	out := &head{}
	cmd.Stdout, cmd.Stderr = out, out
	dieWithParent(cmd)
	p := &process{cmd: cmd, output: out, ended: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		// The kernel ends the child when the thread that started it ends, so
		// that thread has to last as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(p.ended)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

var errEnded = errors.New("ended before it answered")

func (s *Server) await(ctx context.Context, p *process) error {
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	ask := func() (struct{}, error) {
		select {
		case <-p.ended:
			return struct{}{}, backoff.Permanent(fmt.Errorf("%w: %w: %s", errEnded, p.err, p.output))
		default:
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Endpoint+"/_health", nil)
		if err != nil {
			return struct{}{}, backoff.Permanent(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			return struct{}{}, err
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return struct{}{}, fmt.Errorf("health check: %s", resp.Status)
		}
		return struct{}{}, nil
	}
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = 10*time.Millisecond, 250*time.Millisecond
	_, err := backoff.Retry(ctx, ask, backoff.WithBackOff(wait), backoff.WithMaxElapsedTime(20*time.Second))
	return err
}

// freeAddr is a loopback address that nobody listens on now.
func freeAddr(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), nil
}

// head keeps the first few KB of what the child says; a server that fails says
// why at once.
type head struct {
	mu   sync.Mutex
	text []byte
}

func (t *head) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if room := 4<<10 - len(t.text); room > 0 {
		t.text = append(t.text, p[:min(room, len(p))]...)
	}
	return len(p), nil
}

func (t *head) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}
