package pipeline

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/load/insert"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// refusedBy are additions of analysts' to a table by which the server refuses the rows of
// a text that refusable makes.
var refusedBy = map[string]struct{ sql, reason string }{
	"a constraint":          {"ALTER TABLE clicks ADD CONSTRAINT few CHECK offer_id < 3", "few"},
	"a default":             {"ALTER TABLE clicks ADD COLUMN m UInt64 DEFAULT toUInt64(affiliate_sub1)", "affiliate_sub1"},
	"a materialized column": {"ALTER TABLE clicks ADD COLUMN m UInt8 MATERIALIZED throwIf(affiliate_sub1 = 'x', 'no x')", "no x"},
	"an index":              {"ALTER TABLE clicks ADD INDEX m toUInt64(affiliate_sub1) TYPE minmax", "Cannot parse"},
	"a projection":          {"ALTER TABLE clicks ADD PROJECTION m (SELECT _hour, toUInt64(affiliate_sub1) AS n ORDER BY n)", "Cannot parse"},
}

// refusable is a text of n rows that each of refusedBy refuses, or none.
func refusable(n int, refused bool) string {
	last := "x,2,7\n"
	if refused {
		last = "x,5,x\n"
	}
	return "transaction_id,offer_id,affiliate_sub1\n" + lines(n-1, func(i int) string { return fmt.Sprintf("t%d,1,%d", i, i) }) + last
}

// A file whose rows the server refuses fails alone, and takes away nothing: neither the
// rows that it was to replace nor the night of the other files.
func TestRefusedRows(t *testing.T) {
	t.Parallel()
	for name, by := range refusedBy {
		for _, large := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/%t", name, large), func(t *testing.T) {
				t.Parallel()
				st := testkit.Database(t)
				src := newFolder(t)
				put := func(hour, n int, refused bool) string {
					return src.raw(t, hour, 1, refusable(n, refused), zip.Deflate)
				}
				opts := Options{Network: "n", Log: testLog(t)}
				if large {
					opts.MaxMemory = 1 << 10
				}
				kept, changed := put(0, 40, true), put(1, 40, false)
				if sum, err := Run(t.Context(), st, src.source(), opts); err != nil || sum.Loaded != 2 {
					t.Fatalf("%+v, %v", sum, err)
				}
				if err := testkit.OnShards(t.Context(), st, by.sql); err != nil {
					t.Fatal(err)
				}
				put(0, 41, true)
				put(1, 42, false)
				refused, fresh := put(2, 43, true), put(3, 44, false)
				for night, want := range []Summary{{Loaded: 2, Failed: 2, Replaced: 1, Changed: 1}, {AlreadyLoaded: 2, Failed: 2}} {
					sum, err := Run(t.Context(), st, src.source(), opts)
					if err != nil || sum.Loaded != want.Loaded || sum.Failed != want.Failed || sum.Replaced != want.Replaced || sum.Changed != want.Changed || sum.AlreadyLoaded != want.AlreadyLoaded {
						t.Fatalf("night %d: %+v, %v", night, sum, err)
					}
					for file, rows := range map[string]uint64{kept: 40, changed: 42, refused: 0, fresh: 44} {
						if n := count(t, st, "SELECT count() FROM clicks WHERE _file = ?", file); n != rows {
							t.Errorf("night %d: %d rows of %s, want %d", night, n, file, rows)
						}
						e := entry(t, checkpoint.Open(st, "n"), file)
						failed := file == kept || file == refused
						if e.Rows != rows || failed != (e.State == checkpoint.Failed) || failed && (!strings.Contains(e.Error, by.reason) || strings.Contains(e.Error, store.ScratchPrefix)) {
							t.Errorf("night %d: %+v", night, e)
						}
					}
				}
				noCopies(t, st)
			})
		}
	}
}

func noCopies(t *testing.T, st *store.Store) {
	t.Helper()
	if n := count(t, st, "SELECT count() FROM system.tables WHERE database = ? AND startsWith(name, ?)", st.Database(), store.ScratchPrefix); n > 0 {
		t.Errorf("%d copies of tables are left", n)
	}
}

// Of many small files in one INSERT that is refused, only those fail whose rows are.
func TestRefusedAmongMany(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	if err := testkit.OnShards(t.Context(), st, refusedBy["a constraint"].sql); err != nil {
		t.Fatal(err)
	}
	src := newFolder(t)
	for i := range 30 {
		src.raw(t, 0, i+1, refusable(10+i, i == 7 || i == 8 || i == 29), zip.Deflate)
	}
	opts := Options{Network: "n", Log: testLog(t), Parsers: 1}
	for _, reload := range []bool{false, true} {
		opts.Reload = reload
		sum, err := Run(t.Context(), st, src.source(), opts)
		if err != nil || sum.Loaded != 27 || sum.Failed != 3 || sum.Changed != 0 || (sum.Replaced == 27) != reload {
			t.Fatalf("reload %t: %+v, %v", reload, sum, err)
		}
		if n := count(t, st, "SELECT uniqExact(_file) FROM clicks"); n != 27 {
			t.Errorf("reload %t: rows of %d files", reload, n)
		}
	}
	noCopies(t, st)
}

// A table that makes one row of several is known by its copy before anything is displaced.
func TestMergingTableKeepsRows(t *testing.T) {
	t.Parallel()
	if testkit.Sharded() {
		t.Skip("it fills a table by hand")
	}
	st := testkit.Database(t)
	src := newFolder(t)
	src.raw(t, 0, 1, refusable(40, false), zip.Deflate)
	opts := Options{Network: "n", Log: testLog(t)}
	if _, err := Run(t.Context(), st, src.source(), opts); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		"RENAME TABLE clicks TO clicks_raw",
		"CREATE TABLE clicks AS clicks_raw ENGINE = ReplacingMergeTree PARTITION BY toYYYYMM(_hour) ORDER BY (network, offer_id) SETTINGS deduplicate_merge_projection_mode = 'rebuild'",
		"INSERT INTO " + st.Holding("clicks") + " SELECT * FROM clicks_raw",
	} {
		if err := testkit.OnShards(t.Context(), st, sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	first := count(t, st, "SELECT any(_insert) FROM clicks")
	before := count(t, st, "SELECT count() FROM clicks")
	opts.Reload = true
	var hidden *insert.HiddenError
	if _, err := Run(t.Context(), st, src.source(), opts); !errors.As(err, &hidden) || !strings.Contains(err.Error(), "an engine that makes one row of several") {
		t.Errorf("%v; want the engine named", err)
	}
	// Rows of the reload that took their place would be as many.
	if n := count(t, st, "SELECT countIf(_insert = ?) FROM clicks", first); n != before {
		t.Errorf("%d of the former rows, there were %d", n, before)
	}
	noCopies(t, st)
}

// A run that dies while it tries rows on a copy leaves it to the next one, which drops it.
func TestCopiesOfTheDead(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	src := newFolder(t).hours(1, 20)
	opts := Options{Network: "n", Log: testLog(t)}
	if _, err := Run(t.Context(), st, src.source(), opts); err != nil {
		t.Fatal(err)
	}
	dead := insert.NewRun(time.Now())
	for _, sql := range []string{
		"CREATE TABLE " + store.CopyOf(dead, 3, "clicks") + " AS clicks",
		"INSERT INTO " + st.Holding("ingest_files") + " (network, log_type, file, hour, state, run, version) SELECT network, log_type, file, hour, 'loading', '" + dead + "', version + 1 FROM ingest_files WHERE state = 'loaded'",
	} {
		if err := testkit.OnShards(t.Context(), st, sql); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Run(t.Context(), st, src.source(), opts); err != nil {
		t.Fatal(err)
	}
	noCopies(t, st)
}

// A mutation of an analyst's that stands still is named before an INSERT is opened that
// would have to wait for it.
func TestReplacementBehindStuckMutation(t *testing.T) {
	t.Parallel()
	for name, hold := range map[string]string{
		"a type that does not hold the values": "ALTER TABLE clicks MODIFY COLUMN affiliate_sub1 Enum8('' = 0, 'US' = 1) SETTINGS alter_sync = 0, mutations_sync = 0",
		"an update that throws":                "ALTER TABLE clicks UPDATE browser_id = throwIf(1, 'analyst') WHERE 1 SETTINGS mutations_sync = 0",
		"merges that are stopped":              "ALTER TABLE clicks UPDATE browser_id = 1 WHERE 1 SETTINGS mutations_sync = 0",
	} {
		for _, large := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/%t", name, large), func(t *testing.T) {
				t.Parallel()
				cfg := testkit.DatabaseConfig(t)
				cfg.MutationWait = 2 * time.Second
				var inserts atomic.Int32
				cfg.Hook = func(ctx context.Context, op store.Op, do func(context.Context) error) error {
					if op.Kind == "insert" {
						inserts.Add(1)
					}
					return do(ctx)
				}
				st := testkit.OpenStore(t, cfg)
				src := newFolder(t)
				src.raw(t, 0, 1, refusable(40, false), zip.Deflate)
				opts := Options{Network: "n", Log: testLog(t)}
				if large {
					opts.MaxMemory = 1 << 10
				}
				if _, err := Run(t.Context(), st, src.source(), opts); err != nil {
					t.Fatal(err)
				}
				if strings.HasPrefix(name, "merges") {
					if err := testkit.OnShards(t.Context(), st, "SYSTEM STOP MERGES clicks"); err != nil {
						t.Fatal(err)
					}
					defer func() { _ = testkit.OnShards(t.Context(), st, "SYSTEM START MERGES clicks") }()
				}
				if err := testkit.OnShards(t.Context(), st, hold); err != nil {
					t.Log(err)
				}
				opts.Reload = true
				sent, begin := inserts.Load(), time.Now()
				var stuck *store.StuckMutationError
				if _, err := Run(t.Context(), st, src.source(), opts); !errors.As(err, &stuck) || time.Since(begin) > time.Minute {
					t.Errorf("after %v: %v; want the mutation named", time.Since(begin), err)
				}
				if inserts.Load() != sent {
					t.Error("an INSERT was opened to wait for it")
				}
				if n := count(t, st, "SELECT count() FROM clicks SETTINGS apply_mutations_on_fly = 0"); n != 40 {
					t.Errorf("%d rows", n)
				}
			})
		}
	}
}
