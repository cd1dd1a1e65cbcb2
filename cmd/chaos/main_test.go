package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"rawlogs/internal/engine"
)

func TestMain(m *testing.M) {
	engine.HostMain()
	os.Exit(m.Run())
}

// TestRounds plays a few rounds of a game that `make chaos` plays for long.
// SEED replays one.
func TestRounds(t *testing.T) {
	ingest := filepath.Join(t.TempDir(), "ingest")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", ingest, "rawlogs/cmd/ingest").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("SEED: %v", err)
		}
	}
	cfg := Config{Rounds: 6, First: 1, Seed: seed, Ingest: ingest, Folder: t.TempDir(), Out: t.Output()}
	if err := play(t.Context(), cfg); err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
}

// TestReplay: a seed means the same scenarios, whatever went before.
func TestReplay(t *testing.T) {
	present := map[string]content{"a": {1, 0}, "b": {2, 1}}
	for round := range 50 {
		one, two := draw(7, round, slots(), present), draw(7, round, slots(), present)
		if one.String() != two.String() {
			t.Fatalf("round %d: %s, then %s", round, one, two)
		}
	}
}
