package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"rawlogs/internal/engine"
)

// TestMain makes `ingest` a command of the scripts: this very test binary.
func TestMain(m *testing.M) {
	engine.HostMain()
	// A program with the race detector sleeps for a second before it ends, for
	// goroutines that may still race then. The commands here are hundreds.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE")); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){"ingest": main})
}
