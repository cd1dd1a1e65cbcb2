//go:build linux && amd64

package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// awakeEnv makes the test's program a process that waits; see TestStoppedDoesNotWait.
const awakeEnv = "RAWLOGS_TEST_AWAKE"

var errTired = errors.New("waited long enough")

// waitAwake waits for two seconds, with a line at the beginning, and says why it ended.
func waitAwake() {
	begin := time.Now()
	ctx, cancel := awake(context.Background(), 2*time.Second, errTired)
	defer cancel()
	fmt.Println("waiting")
	<-ctx.Done()
	fmt.Println(time.Since(begin).Round(100*time.Millisecond), context.Cause(ctx))
}

// A process that is stopped does not use up the time for which it would wait.
func TestStoppedDoesNotWait(t *testing.T) {
	t.Parallel()
	if os.Getenv(awakeEnv) != "" {
		waitAwake()
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^TestStoppedDoesNotWait$")
	cmd.Env = append(os.Environ(), awakeEnv+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	var line string
	if _, err := fmt.Fscanln(out, &line); err != nil || line != "waiting" {
		t.Fatalf("%q, %v", line, err)
	}
	for _, signal := range []unix.Signal{unix.SIGSTOP, unix.SIGCONT} {
		if err := unix.Kill(cmd.Process.Pid, signal); err != nil {
			t.Fatal(err)
		}
		if signal == unix.SIGSTOP {
			time.Sleep(4 * time.Second) // the time for which it is stopped is the test
		}
	}
	var took string
	if _, err := fmt.Fscan(out, &took); err != nil {
		t.Fatal(err)
	}
	whole, err := time.ParseDuration(took)
	if err != nil {
		t.Fatal(err)
	}
	if whole < 5*time.Second {
		t.Errorf("it gave up %s after it began, of which it was stopped for 4 s; want 2 s of its own", took)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// Its other ends are those of any context.
func TestAwake(t *testing.T) {
	t.Parallel()
	ctx, cancel := awake(t.Context(), time.Hour, errTired)
	cancel()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		t.Errorf("cancelled: %v", cause)
	}
	parent, stop := context.WithCancelCause(t.Context())
	ctx, cancel = awake(parent, time.Hour, errTired)
	defer cancel()
	stop(errTired)
	<-ctx.Done()
	if cause := context.Cause(ctx); !errors.Is(cause, errTired) {
		t.Errorf("the parent's end: %v", cause)
	}
	ctx, cancel = awake(t.Context(), time.Millisecond, errTired)
	defer cancel()
	<-ctx.Done()
	if cause := context.Cause(ctx); !errors.Is(cause, errTired) {
		t.Errorf("after its time: %v", cause)
	}
}
