//go:build linux && amd64

package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

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
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)) // empty when it is gone
		_, rest, _ := strings.Cut(string(stat), ") ")
		return len(stat) == 0 || strings.HasPrefix(rest, "Z"), nil
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

// stopped stops a process and waits until none of its threads runs.
func stopped(t *testing.T, pid int) {
	t.Helper()
	kill(t, pid, syscall.SIGSTOP)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err := poll(ctx, func() (bool, error) {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		for _, thread := range threads {
			stat, _ := os.ReadFile(thread) // empty when it is gone
			_, state, found := strings.Cut(string(stat), ") ")
			if found && !strings.HasPrefix(state, "T") {
				return false, nil
			}
		}
		return len(threads) > 0, err
	})
	if err != nil {
		t.Fatalf("process %d does not stop: %v", pid, err)
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
	if c.Endpoint().Password != b.Endpoint().Password {
		t.Error("a restart changed the password")
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

// TestComesWhileTheLastLeaves lets a user in between the last one's leave and
// the host's notice of it: the one goes at once, the other has its server.
func TestComesWhileTheLastLeaves(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	e := mustOpen(t, Config{Path: path})
	stopped(t, e.PID()) // it notices nothing now
	left := make(chan error, 1)
	go func() { left <- e.Close() }()
	users, err := openLock(filepath.Join(path, usersLock))
	if err != nil {
		t.Fatal(err)
	}
	defer users.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := waitLock(ctx, users, unix.LOCK_EX); err != nil { // once e's is given up
		t.Fatal(err)
	}
	if err := unix.Flock(int(users.Fd()), unix.LOCK_SH); err != nil {
		t.Fatal(err)
	}
	if err := <-left; err != nil {
		t.Errorf("leaving while another uses the server: %v", err)
	}
	kill(t, e.PID(), syscall.SIGCONT)
	if next := mustOpen(t, Config{Path: path}); next.PID() != e.PID() {
		t.Error("the server went although it was used")
	}
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
