package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/dirs"
	diskfolder "rawlogs/internal/dirs/folder"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

var firstHour = time.Date(2016, 9, 30, 20, 0, 0, 0, time.UTC)

// folder is a source of generated files on disk.
type folder struct {
	tb   testing.TB
	root string
	net  *gen.Network
	rows map[string]int // by file name
}

func newFolder(tb testing.TB) *folder {
	return &folder{tb: tb, root: tb.TempDir(), net: usualNetwork(), rows: map[string]int{}}
}

var usualNetwork = sync.OnceValue(func() *gen.Network { return gen.New(gen.Config{Seed: 7}) })

// archives are those of the usual network that were made before: the cases of a matrix all
// have the same ones, and to make them costs more than to load them.
var archives struct {
	sync.Mutex
	made map[string]archive
}

type archive struct {
	bytes []byte
	rows  int
}

func (f *folder) archive(spec gen.Spec) archive {
	f.tb.Helper()
	key := fmt.Sprintf("%p %+v", f.net, spec) // a zone by its address
	archives.Lock()
	defer archives.Unlock()
	if a, ok := archives.made[key]; ok {
		return a
	}
	var out bytes.Buffer
	truth, err := f.net.WriteZip(&out, "log.csv", spec)
	if err != nil {
		f.tb.Fatal(err)
	}
	a := archive{out.Bytes(), truth.Rows}
	if archives.made == nil {
		archives.made = make(map[string]archive)
	}
	if f.net == usualNetwork() && spec.Rows < 10_000 {
		archives.made[key] = a
	}
	return a
}

func (f *folder) write(spec gen.Spec) string {
	f.tb.Helper()
	name := gen.FileName(spec.Type, spec.Hour, 7)
	path := filepath.Join(f.root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		f.tb.Fatal(err)
	}
	a := f.archive(spec)
	if err := os.WriteFile(path, a.bytes, 0o600); err != nil {
		f.tb.Fatal(err)
	}
	f.rows[name] = a.rows
	return name
}

// hours writes n hours of clicks from firstHour on.
func (f *folder) hours(n, rows int) *folder {
	for i := range n {
		f.write(gen.Spec{Type: rawlog.Clicks, Hour: firstHour.Add(time.Duration(i) * time.Hour), Rows: rows})
	}
	return f
}

func (f *folder) source() dirs.Source {
	return diskfolder.New(f.root, nil)
}

func (f *folder) total() (n int) {
	for _, rows := range f.rows {
		n += rows
	}
	return n
}

func count(tb testing.TB, st *store.Store, query string, args ...any) uint64 {
	tb.Helper()
	var n uint64
	if err := st.Conn().QueryRow(context.Background(), query, args...).Scan(&n); err != nil {
		tb.Fatal(err)
	}
	return n
}

func testLog(tb testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(tb.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))
}

func TestRunLoadsOnce(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	src := newFolder(t).hours(8, 500) // four of them in September, four in October
	opts := Options{Network: "acme", Log: testLog(t)}

	sum, err := Run(t.Context(), st, src.source(), opts)
	if err != nil {
		t.Fatal(err)
	}
	if sum.Loaded != 8 || sum.Failed != 0 || sum.Listed != 8 || sum.Rows != uint64(src.total()) {
		t.Errorf("first run: %+v", sum)
	}
	if n := count(t, st, "SELECT count() FROM clicks"); n != uint64(src.total()) {
		t.Errorf("clicks: %d rows, want %d", n, src.total())
	}
	parts, database := st.Parts()
	if n := count(t, st, "SELECT uniqExact(partition) FROM "+parts+" WHERE active AND table = 'clicks' AND database = ?", database); n != 2 {
		t.Errorf("%d partitions, want 2", n)
	}

	again, err := Run(t.Context(), st, src.source(), opts)
	if err != nil {
		t.Fatal(err)
	}
	if again.Loaded != 0 || again.AlreadyLoaded != 8 || again.Listed != 8 {
		t.Errorf("second run: %+v", again)
	}
	report, err := Verify(t.Context(), st, opts)
	if err != nil || len(report.Differences) > 0 || report.Files != 8 || report.Rows != uint64(src.total()) {
		t.Errorf("verify: %+v, %v", report, err)
	}
}

// twice is a listing that names every file again, backwards.
type twice struct{ dirs.Source }

func (w twice) Walk(ctx context.Context, types []rawlog.Type, periods []rawlog.Period, yield func(rawlog.File) error) error {
	var files []rawlog.File
	err := w.Source.Walk(ctx, types, periods, func(f rawlog.File) error {
		files = append(files, f)
		return yield(f)
	})
	for _, f := range slices.Backward(files) {
		err = errors.Join(err, yield(f))
	}
	return err
}

// A file is loaded once, however often a listing names it.
func TestListedTwice(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	src := newFolder(t).hours(3, 50)
	doubled := src.source()
	doubled = twice{doubled}
	opts := Options{Network: "acme", Log: testLog(t)}
	for run, loaded := range []int{3, 0} {
		sum, err := Run(t.Context(), st, doubled, opts)
		if err != nil || sum.Listed != 3 || sum.Loaded != loaded || len(sum.Duplicates) > 0 {
			t.Errorf("run %d: %v, %+v", run+1, err, sum)
		}
	}
	if n := count(t, st, "SELECT count() FROM clicks"); n != uint64(src.total()) {
		t.Errorf("clicks: %d rows, want %d", n, src.total())
	}
}

// Rows that somebody takes away behind the run's back are missed at its end.
func TestFinalCount(t *testing.T) {
	t.Parallel()
	cfg := testkit.DatabaseConfig(t)
	other := testkit.OpenStore(t, cfg)
	src := newFolder(t).hours(3, 50)
	cfg.Hook = func(ctx context.Context, op store.Op, do func(context.Context) error) error {
		err := do(ctx)
		if op.Kind == "ledger" && strings.HasPrefix(op.Detail, string(checkpoint.Loaded)) {
			err = errors.Join(err, testkit.OnShards(ctx, other, "DELETE FROM clicks WHERE _hour = fromUnixTimestamp(?) AND _line = 7", firstHour.Unix()))
		}
		return err
	}
	sum, err := Run(t.Context(), testkit.OpenStore(t, cfg), src.source(), Options{Network: "acme"})
	var mismatch *MismatchError
	if !errors.As(err, &mismatch) || len(sum.Mismatches) != 1 || sum.Mismatches[0].Stored+1 != sum.Mismatches[0].Ledger {
		t.Errorf("%v, %+v", err, sum.Mismatches)
	}
	// The next run mends it; until then it is an issue.
	entries, err := checkpoint.Open(other, "acme").Entries(t.Context(), checkpoint.Filter{Issues: true})
	if err != nil || len(entries) != 1 || !entries[0].Has(checkpoint.Mismatch) {
		t.Errorf("%+v, %v", entries, err)
	}
	sum, err = Run(t.Context(), other, src.source(), Options{Network: "acme"})
	if err != nil || sum.Loaded != 1 || sum.Replaced != 1 || len(sum.Issues) > 0 {
		t.Errorf("the next run: %+v, %v", sum, err)
	}
	once(t, other, src.total())
}

// A ledger that is lost costs a load, and no row is there twice for it, not
// even while files are loaded again.
func TestLostLedger(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	src := newFolder(t).hours(6, 50)
	src.write(gen.Spec{Type: rawlog.Clicks, Hour: firstHour, Rows: 50, Broken: 3})
	opts := Options{Network: "acme", Log: testLog(t)}
	for run, want := range []struct{ loaded, replaced int }{{6, 0}, {6, 6}, {0, 0}} {
		if run == 1 {
			if err := testkit.OnShards(t.Context(), st, "TRUNCATE TABLE ingest_files"); err != nil {
				t.Fatal(err)
			}
		}
		sum, err := Run(t.Context(), st, src.source(), opts)
		if err != nil || sum.Loaded != want.loaded || sum.Replaced != want.replaced {
			t.Errorf("run %d: %v, %+v", run+1, err, sum)
		}
		if n := count(t, st, "SELECT count() FROM clicks"); n != uint64(src.total()) {
			t.Errorf("run %d: %d rows, want %d", run+1, n, src.total())
		}
		if n := count(t, st, "SELECT count() FROM rejected_rows"); n != 3 {
			t.Errorf("run %d: %d rejected lines, want 3", run+1, n)
		}
	}
}

// Of a file of which nothing is seen, rows may be hidden: to load them again would
// double them.
func TestMismatchOfNothing(t *testing.T) {
	t.Parallel()
	for stored, reload := range map[uint64]bool{0: false, 1: true} {
		err := &MismatchError{[]Difference{{File: rawlog.File{Type: rawlog.Clicks, Name: "a.zip"}, Ledger: 2, Stored: stored}}}
		if strings.Contains(err.Error(), "ingest reload") != reload || !strings.Contains(err.Error(), "a.zip") {
			t.Errorf("%d of 2 rows: %v", stored, err)
		}
	}
}
