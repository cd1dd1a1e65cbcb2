package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"rawlogs/internal/engine"
)

// TestMain makes `ingest` a command of the scripts: this very test binary.
func TestMain(m *testing.M) {
	engine.HostMain()
	testscript.Main(m, map[string]func(){"ingest": main})
}
