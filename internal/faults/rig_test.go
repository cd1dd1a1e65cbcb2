package faults

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rawlogs/internal/dirs"
	diskfolder "rawlogs/internal/dirs/folder"
	"rawlogs/internal/fetch"
	"rawlogs/internal/pipeline"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
	"rawlogs/internal/testkit/pack"
)

// firstHour is six hours before a month's end, so that every scenario of some
// length has two partitions.
var firstHour = time.Date(2016, 9, 30, 18, 0, 0, 0, time.UTC)

func hourOf(i int) time.Time { return firstHour.Add(time.Duration(i) * time.Hour) }

// database is what the scenarios of one test share: each is a network of its
// own in it.
type database struct {
	st   *store.Store
	spec string // its address, where it is one that tests share

	mu      sync.Mutex
	secrets []string
	clicks  []store.Column
}

func newDatabase(t *testing.T) *database {
	t.Helper()
	cfg := testkit.DatabaseConfig(t)
	db := &database{st: testkit.OpenStore(t, cfg), spec: cfg.Spec}
	t.Cleanup(func() { db.searchTables(t) })
	return db
}

// suspect adds to what the tables are searched for.
func (db *database) suspect(secrets []string) {
	db.mu.Lock()
	defer db.mu.Unlock()
	for _, s := range secrets {
		if !slices.Contains(db.secrets, s) {
			db.secrets = append(db.secrets, s)
		}
	}
}

// columns are those of clicks, without the lineage.
func (db *database) columns(t *testing.T) []store.Column {
	t.Helper()
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.clicks == nil {
		columns, err := db.st.Columns(t.Context(), string(rawlog.Clicks))
		if err != nil {
			t.Fatal(err)
		}
		db.clicks = dataColumns(columns)
	}
	return db.clicks
}

// rig is one scenario.
type rig struct {
	*testing.T
	*database
	network string
	options pipeline.Options
	said    *said
	secrets []string
	want    map[key]*wanted
}

type key struct {
	typ  rawlog.Type
	name string
}

// wanted is what must be known of one file in the end.
type wanted struct {
	header []string
	rows   []gen.Row
	broken []gen.BrokenLine
	zone   *time.Location
	hour   time.Time
	failed string // a part of the ledger's reason; "" is loaded
}

func (db *database) rig(t *testing.T) *rig {
	t.Helper()
	r := &rig{
		T: t, database: db, network: strings.ReplaceAll(t.Name(), "/", "."),
		said: new(said), want: make(map[key]*wanted),
		secrets: []string{"Signature=", "X-Amz-Credential"},
	}
	if e, ok := db.st.Engine(); ok {
		r.secrets = append(r.secrets, e.Password)
	}
	r.options = pipeline.Options{
		Network: r.network, Spool: t.TempDir(), Log: r.said.log(), StoreWait: 20 * time.Second, RetryFailed: true,
		Download: fetch.Config{Backoff: time.Millisecond, IdleTimeout: 300 * time.Millisecond},
	}
	t.Cleanup(func() {
		if t.Failed() {
			text := r.said.String()
			t.Log(text[max(0, len(text)-6000):])
		}
	})
	return r
}

// run is one run over the direct connection to the store.
func (r *rig) run(src dirs.Source) (pipeline.Summary, error) { return r.runOn(r.st, src) }

func (r *rig) runOn(st *store.Store, src dirs.Source) (pipeline.Summary, error) {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), time.Minute)
	defer cancel()
	sum, err := pipeline.Run(ctx, st, src, r.options)
	r.tell(sum, err)
	if n := sum.AlreadyLoaded + sum.Loaded + sum.Failed + sum.Left; err == nil && sum.Listed != n {
		r.Errorf("the summary does not reconcile: %+v", sum)
	}
	return sum, err
}

// tell notes what a run returns. Names in a summary are the source's own; who
// prints them makes them harmless.
func (r *rig) tell(sum pipeline.Summary, err error) {
	text, jerr := json.Marshal(sum)
	if jerr != nil {
		r.Error(jerr)
	}
	fmt.Fprintf(r.said, "summary %s\nerror %v %+v\n", text, err, err)
}

// recover runs without a fault until nothing is left to do, and then compares
// the whole.
func (r *rig) recover(src dirs.Source) {
	r.Helper()
	sum, err := r.run(src)
	if err != nil || sum.Failed > 0 || len(sum.Mismatches) > 0 {
		r.Fatalf("the run after the fault: %v, %+v", err, sum)
	}
	again, err := r.run(src)
	if err != nil || again.Loaded+again.Failed+again.Recovered != 0 {
		r.Fatalf("one run more: %v, %+v", err, again)
	}
	r.check()
}

// text writes a file's CSV and remembers what it holds.
func (r *rig) text(name string, spec gen.Spec) []byte {
	r.Helper()
	var buf bytes.Buffer
	truth, err := logs().WriteCSV(&buf, spec)
	if err != nil {
		r.Fatal(err)
	}
	rows, err := gen.Recount(buf.Bytes(), truth)
	if err != nil {
		r.Fatal(err)
	}
	r.want[key{spec.Type, name}] = &wanted{header: truth.Header, rows: rows, broken: truth.Broken, zone: spec.Zone, hour: spec.Hour}
	return buf.Bytes()
}

// zip is text, packed.
func (r *rig) zip(name string, spec gen.Spec) []byte { return packed(r, r.text(name, spec)) }

// clicks is a small file of clicks: its name and its bytes.
func (r *rig) clicks(hour int, rows int) (string, []byte) {
	name := gen.FileName(rawlog.Clicks, hourOf(hour), 7)
	return name, r.zip(name, gen.Spec{Type: rawlog.Clicks, Hour: hourOf(hour), Rows: rows})
}

var logs = sync.OnceValue(func() *gen.Network { return gen.New(gen.Config{Seed: 7}) })

func packed(t testing.TB, text []byte) []byte { return pack.ZIP(t, zip.Deflate, string(text)) }

// folder is a source on disk.
type folder struct {
	*rig
	root string
}

func (r *rig) folder() *folder { return &folder{r, r.TempDir()} }

func (f *folder) put(name string, body []byte) {
	f.Helper()
	path := filepath.Join(f.root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		f.Fatal(err)
	}
	if err := os.WriteFile(path, body, 0o600); err != nil {
		f.Fatal(err)
	}
}

func (f *folder) source() dirs.Source { return diskfolder.New(f.root, nil) }

// said gathers everything that a scenario's runs say, and can do something as
// soon as they have said a thing often enough.
type said struct {
	mu     sync.Mutex
	buf    bytes.Buffer
	awaits []*await
}

type await struct {
	text string
	left int
	then func()
}

// Write takes one line of the log.
func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.awaits {
		if a.left > 0 && bytes.Contains(p, []byte(a.text)) {
			if a.left--; a.left == 0 {
				go a.then()
			}
		}
	}
	return s.buf.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

func (s *said) log() *slog.Logger {
	return slog.New(slog.NewTextHandler(s, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// after does something, once, when n lines with a text have been said.
func (s *said) after(text string, n int, then func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.awaits = append(s.awaits, &await{text, n, then})
}
