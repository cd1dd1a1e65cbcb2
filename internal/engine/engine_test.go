//go:build linux && amd64

package engine

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// userEnv makes the test binary a user of the folder it names, until its
// standard input ends or it is killed.
const userEnv = "ENGINE_TEST_USER"

func TestMain(m *testing.M) {
	HostMain()
	if path := os.Getenv(userEnv); path != "" {
		os.Exit(beUser(path))
	}
	os.Exit(m.Run())
}

func beUser(path string) int {
	e, err := Open(context.Background(), Config{Path: path})
	if err != nil {
		fmt.Println("error:", err)
		return 1
	}
	fmt.Println("open", e.PID())
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := e.Close(); err != nil {
		fmt.Println("error:", err)
		return 1
	}
	return 0
}

// user is another process that has the folder open.
type user struct {
	cmd  *exec.Cmd
	host int
}

func startUser(t *testing.T, path string) user {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), userEnv+"="+path)
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	u := user{cmd: cmd}
	if _, serr := fmt.Sscanf(line, "open %d", &u.host); err != nil || serr != nil {
		t.Fatalf("user process: %q, %v", line, err)
	}
	return u
}

func (u user) kill(t *testing.T) {
	t.Helper()
	if err := u.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = u.cmd.Wait()
}

func mustOpen(t *testing.T, cfg Config) *Engine {
	t.Helper()
	e, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

func mustQuery(t *testing.T, e *Engine, statement string) string {
	t.Helper()
	answer, err := e.query(t.Context(), statement)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return answer
}

// gone waits for a process to end; a zombie has ended.
func gone(t *testing.T, pid int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err := poll(ctx, func() (bool, error) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return true, nil
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		return strings.HasPrefix(rest, "Z"), nil
	})
	if err != nil {
		t.Fatalf("process %d is still there", pid)
	}
}

func died(t *testing.T, e *Engine) {
	t.Helper()
	select {
	case <-e.Died():
	case <-time.After(20 * time.Second):
		t.Fatal("Died is not closed")
	}
}

func kill(t *testing.T, pid int, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, sig); err != nil {
		t.Fatal(err)
	}
}

func TestUsersShareOneServer(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a", "store")
	a := mustOpen(t, Config{Path: path})
	if a.Attached() {
		t.Error("the first user is attached to something")
	}
	b := mustOpen(t, Config{Path: path, Database: "other`\\name"})
	if !b.Attached() || a.PID() != b.PID() {
		t.Errorf("hosts %d and %d, attached %v: want one host", a.PID(), b.PID(), b.Attached())
	}
	mustQuery(t, a, "CREATE TABLE rawlogs.kept (n UInt8) ENGINE = MergeTree ORDER BY n")
	mustQuery(t, b, "INSERT INTO rawlogs.kept VALUES (7)")
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if got := mustQuery(t, b, "SELECT n FROM rawlogs.kept"); got != "7" {
		t.Errorf("after the first user's end: %q", got)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	gone(t, b.PID())
	if _, err := os.Stat(filepath.Join(path, endpointFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s outlives the server: %v", endpointFile, err)
	}
	c := mustOpen(t, Config{Path: path})
	if got := mustQuery(t, c, "SELECT n FROM rawlogs.kept"); got != "7" {
		t.Errorf("after a restart: %q", got)
	}
	// The system's own logs must survive a restart too.
	mustQuery(t, c, "SYSTEM FLUSH LOGS")
	if got := mustQuery(t, c, "SELECT count() > 0 FROM system.query_log WHERE query LIKE '%rawlogs.kept%' AND event_time < now() + 60"); got != "1" {
		t.Errorf("query_log after a restart: %q", got)
	}
}

func TestStartersRace(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	for range 3 {
		var wg sync.WaitGroup
		var mu sync.Mutex
		var pids []int
		var engines []*Engine
		for range 6 {
			wg.Go(func() {
				e, err := Open(t.Context(), Config{Path: path})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				pids, engines = append(pids, e.PID()), append(engines, e)
			})
		}
		wg.Wait()
		if slices.Sort(pids); len(slices.Compact(pids)) != 1 {
			t.Errorf("hosts %v: want one", pids)
		}
		for _, e := range engines {
			wg.Go(func() {
				if err := e.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		gone(t, engines[0].PID())
	}
}

// TestChurn lets users come while the host is about to stop.
func TestChurn(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 6 {
				e, err := Open(t.Context(), Config{Path: path})
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := e.query(t.Context(), "SELECT 1"); err != nil {
					t.Error(err)
				}
				if err := e.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestHostKilled(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	a := mustOpen(t, Config{Path: path})
	b := mustOpen(t, Config{Path: path})
	mustQuery(t, a, "CREATE TABLE rawlogs.kept ENGINE = MergeTree ORDER BY n AS SELECT 7 AS n")
	if err := a.Err(); err != nil {
		t.Errorf("error of a live server: %v", err)
	}
	kill(t, a.PID(), syscall.SIGKILL)
	died(t, a)
	died(t, b)
	if err := b.Err(); err == nil || !strings.Contains(err.Error(), "ended unasked") {
		t.Errorf("error of a dead server: %v", err)
	}
	// endpoint.json is stale now, and a still holds the folder.
	c := mustOpen(t, Config{Path: path})
	if c.Attached() || c.PID() == a.PID() {
		t.Errorf("attached to the dead host %d", c.PID())
	}
	if got := mustQuery(t, c, "SELECT n FROM rawlogs.kept"); got != "7" {
		t.Errorf("after the kill: %q", got)
	}
	for _, e := range []*Engine{a, b} {
		if err := e.Close(); err != nil {
			t.Errorf("closing a dead server: %v", err)
		}
	}
	if got := mustQuery(t, c, "SELECT 1"); got != "1" {
		t.Error("the new server went with the users of the old one")
	}
}

func TestUserKilled(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	first := startUser(t, path)
	e := mustOpen(t, Config{Path: path})
	if !e.Attached() || e.PID() != first.host {
		t.Fatalf("host %d, attached %v: want that of the other process, %d", e.PID(), e.Attached(), first.host)
	}
	first.kill(t)
	if got := mustQuery(t, e, "SELECT 1"); got != "1" {
		t.Error("the server went with the process that started it")
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	gone(t, first.host)

	last := startUser(t, path)
	last.kill(t)
	gone(t, last.host)
	again := mustOpen(t, Config{Path: path})
	if got := mustQuery(t, again, "SELECT 1"); got != "1" {
		t.Error("no server after a killed one")
	}
}

func TestStopsOnTerm(t *testing.T) {
	t.Parallel()
	e := mustOpen(t, Config{Path: t.TempDir()})
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGHUP, syscall.SIGPIPE} {
		kill(t, e.PID(), sig)
	}
	mustQuery(t, e, "SELECT 1")
	kill(t, e.PID(), syscall.SIGTERM)
	died(t, e)
}

func TestHungHost(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	e := mustOpen(t, Config{Path: path})
	kill(t, e.PID(), syscall.SIGSTOP)
	_, err := Open(t.Context(), Config{Path: path, StartTimeout: time.Second})
	kill(t, e.PID(), syscall.SIGCONT)
	var hung *HungError
	if !errors.As(err, &hung) || hung.PID != e.PID() {
		t.Errorf("opening a hung one: %v", err)
	}
	mustQuery(t, e, "SELECT 1")
	if again := mustOpen(t, Config{Path: path}); !again.Attached() {
		t.Error("not attached to the one that woke up")
	}
}

func TestCancelledOpen(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := Open(ctx, Config{Path: path}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("cancelled: %v", err)
	}
	mustQuery(t, mustOpen(t, Config{Path: path}), "SELECT 1")
}

func TestPorts(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := l.Addr().(*net.TCPAddr).Port
	if ours, others, err := listening(taken); !ours || others || err != nil {
		t.Errorf("listening on our own port: %v, %v, %v", ours, others, err)
	}
	path := t.TempDir()
	for _, cfg := range []Config{{TCPPort: taken}, {HTTPPort: taken}} {
		cfg.Path = path
		if _, err := Open(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "in use") {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
	free, err := freePorts(2)
	if err != nil {
		t.Fatal(err)
	}
	e := mustOpen(t, Config{Path: path, TCPPort: free[0], HTTPPort: free[1], Password: "sérvé <&'\""})
	if want := fmt.Sprintf("127.0.0.1:%d", free[0]); e.Endpoint().Addr != want {
		t.Errorf("listens on %s, want %s", e.Endpoint().Addr, want)
	}
	mustQuery(t, e, "SELECT 1")
	if ours, others, err := listening(free[0]); ours || !others || err != nil {
		t.Errorf("listening on the server's port: %v, %v, %v", ours, others, err)
	}
	var busy *BusyError
	for _, cfg := range []Config{{TCPPort: taken}, {HTTPPort: taken}, {Password: "other"}} {
		cfg.Path = path
		if _, err := Open(t.Context(), cfg); !errors.As(err, &busy) || busy.PID != e.PID() {
			t.Errorf("attaching with other wishes: %v", err)
		}
	}
	mustOpen(t, Config{Path: path, TCPPort: free[0], Password: "sérvé <&'\""})
}

func TestPasswordIsAsked(t *testing.T) {
	t.Parallel()
	e := mustOpen(t, Config{Path: t.TempDir()})
	mustQuery(t, e, "CREATE TABLE rawlogs.secret (n UInt8) ENGINE = MergeTree ORDER BY n")
	base := "http://" + e.Endpoint().HTTPAddr + "/?query="
	for name, headers := range map[string]map[string]string{
		"wrong password": {"X-ClickHouse-User": e.Endpoint().User, "X-ClickHouse-Key": "wrong"},
		"no password":    {"X-ClickHouse-User": e.Endpoint().User},
		"default user":   {}, // has no password, and rights to nothing
	} {
		for _, query := range []string{
			"SELECT * FROM rawlogs.secret", "SELECT * FROM file('/etc/passwd', LineAsString)",
			"DROP DATABASE rawlogs", "KILL QUERY WHERE 1", "SYSTEM SHUTDOWN", "SELECT * FROM url('http://127.0.0.1/', LineAsString)",
		} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+url.QueryEscape(query), nil)
			if err != nil {
				t.Fatal(err)
			}
			for k, v := range headers {
				req.Header.Set(k, v)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if text := string(body); !strings.Contains(text, "Code: 516") && !strings.Contains(text, "Code: 497") {
				t.Errorf("%s: %s: HTTP status %d, %s", name, query, resp.StatusCode, text)
			}
		}
	}
	// Junk and a client that goes away must not bring the server down.
	for _, junk := range []string{"", "GET / HTTP/1.0\r\n\r\n", strings.Repeat("\xff", 4096)} {
		conn, err := net.Dial("tcp", e.Endpoint().Addr)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, junk)
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
	}
	mustQuery(t, e, "SELECT 1")
}

func TestSecrets(t *testing.T) {
	const canary = "canary-of-a-token"
	t.Setenv("HASOFFERS_NETWORK_TOKEN", canary)
	path := t.TempDir()
	e := mustOpen(t, Config{Path: path})
	password := e.Endpoint().Password
	for _, name := range []string{"environ", "cmdline"} {
		raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", e.PID(), name))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(raw), canary) || strings.Contains(string(raw), password) {
			t.Errorf("%s of the host holds a secret", name)
		}
	}
	if text := fmt.Sprintf("%v %+v %#v %s", e.Endpoint(), e.Endpoint(), e.Endpoint(), e.Endpoint()); strings.Contains(text, password) {
		t.Errorf("the endpoint prints its password: %s", text)
	}
	err := filepath.WalkDir(path, func(name string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if strings.Contains(string(raw), password) && (filepath.Base(name) != endpointFile || info.Mode().Perm() != 0o600) {
			t.Errorf("%s (%v) holds the password", name, info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
