package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"rawlogs/internal/engine"
	"rawlogs/internal/testkit/cluster"
)

// TestMain makes `ingest` a command of the tests: the program that users have, or, for
// those that ask for the race detector, this very test binary; see racedEnv.
func TestMain(m *testing.M) {
	engine.Loaded = cluster.Replicate
	engine.HostMain()
	// A program with the race detector sleeps for a second before it ends, for
	// goroutines that may still race then. The commands here are hundreds.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE")); err != nil {
		panic(err)
	}
	testscript.Main(suite{m}, map[string]func(){"ingest": main})
}

// racedEnv is the PATH on which `ingest` is this test binary, with the race detector if
// the tests have it. Scripts in which goroutines meet that no test of their package
// brings together begin with
//
//	env PATH=$RACED
//
// and tests with program.raced.
const racedEnv = "RACED"

// suite runs the tests, which find the command on the PATH.
type suite struct{ *testing.M }

// Run puts the command without the race detector before the one that testscript.Main has
// put there. It starts in a quarter of the time, and hundreds are started.
func (s suite) Run() int {
	path := os.Getenv("PATH")
	if err := os.Setenv(racedEnv, path); err != nil {
		panic(err)
	}
	if !raceEnabled { // then the two are the same, and count what they cover
		return s.M.Run()
	}
	dir, err := os.MkdirTemp("", "ingest-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	// Unlike go build, go run keeps the program in its cache; it is not run but copied.
	if out, err := exec.Command("go", "run", "-exec", "cp", ".", filepath.Join(dir, "ingest")).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go run -exec cp: %v\n%s", err, out)
		return 1
	}
	if err := os.Setenv("PATH", dir+string(filepath.ListSeparator)+path); err != nil {
		panic(err)
	}
	return s.M.Run()
}
