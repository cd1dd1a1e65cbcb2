package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// usage is what a child process took.
type usage struct {
	wall time.Duration
	cpu  time.Duration // user and system, its own children included
	rss  int64         // peak, of the process itself
	out  []byte        // its stdout

	children int64 // the largest peak of a process that it started
}

// child runs a program to its end, which the end of ctx brings about, and
// measures it. env is its whole environment; nil is this process's own.
func child(ctx context.Context, env []string, program string, args ...string) (usage, error) {
	var u usage
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = env
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return u, err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	// The kernel's ru_maxrss of a child begins with what its parent had, so the
	// peak is read from /proc, where only the child's own memory counts.
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			u.wall = time.Since(begin)
			u.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
			u.out = stdout.Bytes()
			if err != nil {
				return u, fmt.Errorf("%s: %w\n%s%s", cmd.Path, err, stdout.Bytes(), stderr.Bytes())
			}
			return u, nil
		case <-tick.C:
			u.rss = max(u.rss, peak(cmd.Process.Pid))
			for _, child := range children(cmd.Process.Pid) {
				u.children = max(u.children, peak(child))
			}
		case <-ctx.Done():
			return u, errors.Join(context.Cause(ctx), <-done)
		}
	}
}

// peak is the largest resident set that a process has had, or 0 when it has ended.
func peak(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		var kib int64
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kib); n == 1 {
			return kib << 10
		}
	}
	return 0
}
