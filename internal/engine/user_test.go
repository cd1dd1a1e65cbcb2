//go:build linux && amd64

package engine

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
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
