package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
	"rawlogs/internal/testkit/pack"
)

// misfortune is what becomes of a file at the source after it was loaded, so
// that it cannot be loaded again.
type misfortune struct {
	name   string
	befall func(t *testing.T, path string)
}

// inTheMeantime is the one that befalls a source after the run has died.
const inTheMeantime = "vanished in the meantime"

func misfortunes() []misfortune {
	write := func(t *testing.T, path string, data []byte) {
		t.Helper()
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func(t *testing.T, path string) []byte {
		t.Helper()
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	remove := func(t *testing.T, path string) {
		t.Helper()
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	return []misfortune{
		{"as it was", func(*testing.T, string) {}},
		{"vanished", remove},
		{inTheMeantime, remove},
		{"cut", func(t *testing.T, path string) {
			t.Helper()
			data := read(t, path)
			write(t, path, data[:len(data)-30])
		}},
		{"a flipped bit", func(t *testing.T, path string) {
			t.Helper()
			data := read(t, path)
			data[len(data)/2] ^= 4
			write(t, path, data)
		}},
		{"a page", func(t *testing.T, path string) { t.Helper(); write(t, path, []byte("<html>not here</html>")) }},
		{"a header without columns", func(t *testing.T, path string) {
			t.Helper()
			write(t, path, pack.Named(t, "log.csv", "one,two\n"+strings.Repeat("1,2\n", 40_000)))
		}},
	}
}

// A reload, or the loading of a changed file, that dies takes no loaded row with
// it, whatever has become of the source meanwhile: not in the run that died, not
// in recovery, not in the nights after it.
func TestReloadThatDies(t *testing.T) {
	t.Parallel()
	cfg := testkit.DatabaseConfig(t)
	st := testkit.OpenStore(t, cfg)
	for _, m := range misfortunes() {
		for _, size := range []int{60, 6_000} {
			for _, reload := range []bool{true, false} {
				if !reload && size > 60 {
					continue // what a tag brings about is the same for both
				}
				name := fmt.Sprintf("%s %d %v", m.name, size, reload)
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					// So little memory makes the larger ones large: they are sent in slices.
					opts := Options{Network: name, MaxMemory: 4 << 20, Parsers: 1}
					src := newFolder(t).hours(2, size)
					if sum, err := Run(t.Context(), st, src.source(), opts); err != nil || sum.Loaded != 2 {
						t.Fatalf("%+v, %v", sum, err)
					}
					want := fingerprint(t, st, name)
					for file := range src.rows {
						path := filepath.Join(src.root, file)
						if m.name != inTheMeantime {
							m.befall(t, path)
						}
						later := time.Now().Add(time.Hour) // another tag, though the bytes may be the same
						if err := os.Chtimes(path, later, later); err != nil && !errors.Is(err, os.ErrNotExist) {
							t.Fatal(err)
						}
					}
					opts.Reload = reload
					ctx, die := context.WithCancelCause(t.Context())
					defer die(nil)
					hooked := cfg
					s := &saboteur{trap: trap{at: moment{"ledger", string(checkpoint.Loading), 1}}, fault: dieAfter, die: die}
					hooked.Hook = s.hook
					_, err := Run(ctx, testkit.OpenStore(t, hooked), src.source(), opts)
					if m.name != "vanished" && (err == nil || s.op.Load() == nil) {
						t.Fatalf("the run that was to die ended with %v", err)
					}
					for file := range src.rows {
						if m.name == inTheMeantime {
							m.befall(t, filepath.Join(src.root, file))
						}
					}
					testkit.ExpireLeases(t, st, name)
					opts.Reload = false
					for night := range 2 {
						sum, err := Run(t.Context(), st, src.source(), opts)
						if err != nil {
							t.Fatalf("night %d: %v", night, err)
						}
						if failed := m.name != "as it was" && m.name != "vanished" && m.name != inTheMeantime; failed != (sum.Failed == 2) {
							t.Errorf("night %d: %+v", night, sum)
						}
					}
					if n := count(t, st, "SELECT countIf(state = 'loaded') FROM ingest_files FINAL WHERE network = ?", name); (m.name == "vanished" || m.name == inTheMeantime) && n != 2 {
						t.Errorf("%d files are loaded, want 2 as before", n)
					}
					if got := fingerprint(t, st, name); rowsOf(got) != rowsOf(want) {
						t.Errorf("\n got %s\nwant %s", got, want)
					}
					if report, err := Verify(t.Context(), st, opts); err != nil || len(report.Differences) > 0 || report.Unsettled > 0 {
						t.Errorf("verify: %+v, %v", report, err)
					}
				})
			}
		}
	}
}

// Rows that the ledger does not know, as it was lost, are kept until the file
// that replaces them is loaded, also where that run dies or the file is broken.
func TestLostLedgerAndBrokenSource(t *testing.T) {
	t.Parallel()
	cfg := testkit.DatabaseConfig(t)
	st := testkit.OpenStore(t, cfg)
	src := newFolder(t)
	name := src.write(gen.Spec{Type: rawlog.Clicks, Hour: firstHour, Rows: 50, Broken: 2})
	opts := Options{Network: "acme"}
	if _, err := Run(t.Context(), st, src.source(), opts); err != nil {
		t.Fatal(err)
	}
	if err := testkit.OnShards(t.Context(), st, "TRUNCATE TABLE ingest_files"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(src.root, name), []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, die := context.WithCancelCause(t.Context())
	defer die(nil)
	hooked := cfg
	hooked.Hook = (&saboteur{trap: trap{at: moment{"ledger", string(checkpoint.Loading), 1}}, fault: dieAfter, die: die}).hook
	if _, err := Run(ctx, testkit.OpenStore(t, hooked), src.source(), opts); err == nil {
		t.Fatal("the run that was to die came to its end")
	}
	testkit.ExpireLeases(t, st, "acme")
	sum, err := Run(t.Context(), st, src.source(), opts)
	if err != nil || sum.Failed != 1 {
		t.Errorf("%+v, %v", sum, err)
	}
	once(t, st, 50)
	if n := count(t, st, "SELECT count() FROM rejected_rows"); n != 2 {
		t.Errorf("%d rejected lines, want 2", n)
	}
}

// What a dead run got into the ledger is not taken for its left-overs once the
// ledger is lost.
func TestLostLedgerOfADeadRun(t *testing.T) {
	t.Parallel()
	cfg := testkit.DatabaseConfig(t)
	st := testkit.OpenStore(t, cfg)
	src := newFolder(t).hours(2, 60)
	opts := Options{Network: "acme", Fetchers: 1, Parsers: 1}
	ctx, die := context.WithCancelCause(t.Context())
	defer die(nil)
	hooked := cfg
	hooked.Hook = (&saboteur{trap: trap{at: moment{"ledger", string(checkpoint.Loaded), 1}}, fault: dieAfter, die: die}).hook
	if _, err := Run(ctx, testkit.OpenStore(t, hooked), src.source(), opts); err == nil {
		t.Fatal("the run that was to die came to its end")
	}
	if err := testkit.OnShards(t.Context(), st, "TRUNCATE TABLE ingest_files"); err != nil {
		t.Fatal(err)
	}
	testkit.ExpireLeases(t, st, "acme")
	if err := os.RemoveAll(src.root); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(src.root, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), st, src.source(), opts); err != nil {
		t.Fatal(err)
	}
	once(t, st, src.total())
}

// A run that is told to stop at once while it replaces rows puts the new ones in
// first: its source may not have them the next time.
func TestInterruptedReplacement(t *testing.T) {
	t.Parallel()
	cfg := testkit.DatabaseConfig(t)
	st := testkit.OpenStore(t, cfg)
	src := newFolder(t).hours(1, 60) // one file: of two, the stop may find the other not begun
	opts := Options{Network: "acme"}
	if _, err := Run(t.Context(), st, src.source(), opts); err != nil {
		t.Fatal(err)
	}
	opts.Reload = true
	ctx, stop := context.WithCancelCause(t.Context())
	defer stop(nil)
	hooked := cfg
	deleted := false
	hooked.Hook = func(ctx context.Context, op store.Op, do func(context.Context) error) error {
		err := do(ctx)
		if op.Kind == "delete" {
			deleted = true
			stop(errors.New("stop at once"))
		}
		return err
	}
	if _, err := Run(ctx, testkit.OpenStore(t, hooked), src.source(), opts); err == nil || !deleted {
		t.Errorf("deleted: %v; the run ended with %v", deleted, err)
	}
	once(t, st, src.total())
	if n := count(t, st, "SELECT countIf(state = 'loaded') FROM ingest_files FINAL"); n != 1 {
		t.Errorf("%d files are loaded, want 1", n)
	}
}

// rowsOf is the part of a fingerprint that is about rows and rejected lines.
func rowsOf(print string) string { return print[:strings.Index(print, "ledger")] }
