package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"rawlogs/internal/engine"
	"rawlogs/internal/parse"
	"rawlogs/internal/testkit"
	"rawlogs/internal/testkit/cluster"
)

func TestMain(m *testing.M) {
	engine.Loaded = cluster.Replicate
	engine.HostMain()
	// Else each ClickHouse that this program hosts ends a second later.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE")); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// usualSeed is of a game that once ended with an hour loaded twice. Whoever runs the
// tests twice gets the same game; `make chaos` draws another each time.
const usualSeed = 1795730538442327720

// TestRounds plays a few rounds of a game that `make chaos` plays for long, in an embedded store
// and over shards. SEED replays another.
func TestRounds(t *testing.T) {
	ingest := filepath.Join(t.TempDir(), "ingest")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", ingest, "rawlogs/cmd/ingest").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	seed := uint64(usualSeed)
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
	for shape, rounds := range map[string]int{"single": 6, "shards": 3, "replicas": 1} {
		t.Run(shape, func(t *testing.T) {
			folder, err := newFolder()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.RemoveAll(folder) })
			cfg := Config{Rounds: rounds, First: 1, Seed: seed, Shape: shape, Ingest: ingest, Storage: storage, Folder: folder, Out: t.Output()}
			if err := play(t.Context(), cfg); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		})
	}
}

// TestReplay: a seed means the same scenarios, of which each pair loads from
// either source, and among them is each move that there is.
func TestReplay(t *testing.T) {
	t.Parallel()
	present := map[source]map[string]file{folder: {}, api: {}}
	for i, slot := range slots() {
		for _, from := range sources {
			present[from][slot.name(-1)] = file{content{i, 0}, sound}
		}
	}
	met := map[string]bool{}
	for round := range 800 {
		one, two := draw(7, round, slots(), present), draw(7, round, slots(), present)
		if one.String() != two.String() {
			t.Fatalf("round %d: %s, then %s", round, one, two)
		}
		if round%2 != 0 && one.source == drawSource(7, round+1) {
			t.Errorf("rounds %d and %d both load from the %s", round, round+1, one.source)
		}
		if one.source == folder && strings.Contains(one.String(), string(dangling)) {
			t.Errorf("round %d: %s", round, one)
		}
		moves := func(when string, c changes) {
			for name, f := range c {
				if one.source == api && one.noticed(name, slots()[f.slot]) {
					met["reloaded "+string(f.form)] = true
				}
				met[when+string(f.form)] = true
			}
		}
		for i, a := range one.attacks {
			moves([]string{"first ", "between ", "between "}[i], a.before)
			if a.pause != nil {
				moves("asleep ", a.pause.change)
				met[fmt.Sprint("expired ", a.pause.expire, a.pause.end)] = true
			}
		}
		moves("late ", one.late)
		if one.reload != nil {
			met[one.reload.period+string(one.reload.typ)] = true
		}
	}
	for _, f := range []form{sound, padded, cut, flipped, nameless, empty, page, dangling, gone} {
		for _, when := range []string{"first ", "between ", "asleep ", "late ", "reloaded "} {
			if !met[when+string(f)] {
				t.Errorf("no round has a move %q", when+string(f))
			}
		}
	}
	for _, period := range append(periods, "") {
		if !met[period] {
			t.Errorf("no round reloads %q", period)
		}
	}
	for _, end := range []syscall.Signal{syscall.SIGCONT, syscall.SIGKILL} {
		if !met[fmt.Sprint("expired ", true, end)] || !met[fmt.Sprint("expired ", false, end)] {
			t.Errorf("no pause with and without its lease ends with %s", end)
		}
	}
}

// TestSpoil: what is to be loaded has its rows, and what is not has none.
func TestSpoil(t *testing.T) {
	t.Parallel()
	whole, err := zipOf("one,two\n" + strings.Repeat("1,2\n", 100))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []form{sound, padded, cut, flipped, nameless, empty, page} {
		data, err := spoil(f, whole, int64(len(whole))+100, false)
		if err != nil {
			t.Fatal(err)
		}
		var inflater parse.Inflater
		z, err := inflater.Open(bytes.NewReader(data), int64(len(data)), "clicks.zip")
		if err == nil {
			text := inflater.Stream(z)
			_, err = io.Copy(io.Discard, text)
			err = errors.Join(err, text.Close())
		}
		if ok := f.loads() || f == nameless || f == empty; ok != (err == nil) {
			t.Errorf("%s: %v", f, err)
		}
		if f == padded && len(data) != len(whole)+100 {
			t.Errorf("padded to %d bytes, want %d", len(data), len(whole)+100)
		}
	}
	if data, err := spoil(nameless, whole, 0, true); err != nil || len(data) == 0 {
		t.Errorf("a large one: %d bytes, %v", len(data), err)
	}
}

// TestJudge: what is left of a replaced file may be less than there was only where a
// run died over it, the replacement cannot be had and the ledger says so.
func TestJudge(t *testing.T) {
	t.Parallel()
	g := &game{world: &world{}, pool: &pool{want: map[content]sums{{0, 0}: {Rows: 100, Rejected: 2, Hash: 7, State: "loaded"}}}}
	former := g.pool.sums(version{})
	for _, tc := range []struct {
		name string
		form form
		got  sums
		ok   bool
	}{
		{"as it was", gone, former, true},
		{"nothing left", gone, sums{State: "failed"}, true},
		{"only rejected lines left", gone, sums{Rejected: 2, State: "failed"}, true},
		{"some rows left", page, sums{Rows: 40, Rejected: 2, State: "failed"}, true},
		{"some rows left, and loaded", page, sums{Rows: 40, Rejected: 2, State: "loaded"}, false},
		{"some rows left, and nothing is wrong with the source", sound, sums{Rows: 40, Rejected: 2, State: "failed"}, false},
		{"more rows than there were", gone, sums{Rows: 200, Rejected: 2, State: "failed"}, false},
		{"more rejected lines than there were", gone, sums{Rejected: 4, State: "failed"}, false},
	} {
		r := &record{file: file{content{0, 0}, tc.form}, loaded: former, held: &version{content: content{0, 0}}}
		if _, err := g.judge(r, tc.got, false); (err == nil) != tc.ok {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
	fresh := &record{file: file{content{0, 0}, gone}}
	if _, err := g.judge(fresh, sums{Rejected: 2, State: "failed"}, false); err == nil {
		t.Error("rejected lines of a file that had none are let pass")
	}
}
