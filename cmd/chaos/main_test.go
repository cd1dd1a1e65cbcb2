package main

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"rawlogs/internal/engine"
	"rawlogs/internal/testkit"
)

func TestMain(m *testing.M) {
	engine.HostMain()
	// Else each ClickHouse that this program hosts ends a second later.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE")); err != nil {
		panic(err)
	}
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
	storage, err := testkit.Tool("versitygw")
	if err != nil {
		t.Fatal(err)
	}
	folder, err := newFolder()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	cfg := Config{Rounds: 6, First: 1, Seed: seed, Ingest: ingest, Storage: storage, Folder: folder, Out: t.Output()}
	if err := play(t.Context(), cfg); err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
}

// TestReplay: a seed means the same scenarios; of two rounds one loads through
// the API, where nothing is replaced but what is loaded again.
func TestReplay(t *testing.T) {
	present := map[source]map[string]content{
		folder: {"a": {1, 0}, "b": {2, 1}},
		api:    {"c": {3, 2}, slots()[clickHours].name(99): {clickHours, 0}},
	}
	replaced := 0
	for round := -4; round < 400; round++ {
		one, two := draw(7, round, slots(), present), draw(7, round, slots(), present)
		if one.String() != two.String() || !maps.Equal(one.change, two.change) {
			t.Fatalf("round %d: %s, then %s", round, one, two)
		}
		if round%2 != 0 && one.source == drawSource(7, round+1) {
			t.Errorf("rounds %d and %d both load from the %s", round, round+1, one.source)
		}
		if one.source != api {
			continue
		}
		for name := range present[folder] {
			if _, ok := one.change[name]; ok {
				t.Errorf("round %d replaces a file of another source", round)
			}
		}
		for name := range present[api] {
			if _, ok := one.change[name]; ok {
				replaced++
				if !one.reloads() || !reloaded(name) {
					t.Errorf("round %d replaces %s unnoticed", round, name)
				}
			}
		}
	}
	if replaced == 0 {
		t.Error("nothing is ever replaced behind the API")
	}
}
