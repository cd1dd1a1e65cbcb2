package pipeline

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rawlogs/internal/checkpoint/lease"
	"rawlogs/internal/dirs"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// gate is a source whose downloads wait until it is opened.
type gate struct {
	dirs.Source
	reached chan struct{}
	open    chan struct{}
	once    sync.Once
}

func newGate(src dirs.Source) *gate {
	return &gate{Source: src, reached: make(chan struct{}), open: make(chan struct{})}
}

func (g *gate) Open(ctx context.Context, f rawlog.File, offset int64, etag string) (*dirs.Body, error) {
	g.once.Do(func() { close(g.reached) })
	select {
	case <-g.open:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return g.Source.Open(ctx, f, offset, etag)
}

// While a run is at work, another and a backfill of the same month are told
// who it is, and touch nothing; afterwards they find all loaded.
func TestTwoRunsAtOnce(t *testing.T) {
	t.Parallel()
	cfg := testkit.DatabaseConfig(t)
	st := testkit.OpenStore(t, cfg)
	src := newFolder(t).hours(3, 50)
	opts := Options{Network: "acme"}
	g := newGate(src.source())
	first := make(chan error, 1)
	go func() {
		_, err := Run(t.Context(), st, g, opts)
		first <- err
	}()
	<-g.reached
	backfill := opts
	backfill.Periods = []rawlog.Period{{From: time.Date(2016, 9, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2016, 10, 1, 0, 0, 0, 0, time.UTC)}}
	for _, second := range []Options{opts, backfill} {
		_, err := Run(t.Context(), testkit.OpenStore(t, cfg), src.source(), second)
		var held *lease.HeldError
		if !errors.As(err, &held) || !strings.Contains(err.Error(), fmt.Sprintf("pid %d ", os.Getpid())) {
			t.Errorf("the second run: %v", err)
		}
	}
	if n := count(t, st, "SELECT count() FROM clicks"); n != 0 {
		t.Errorf("%d rows came past the lease", n)
	}
	close(g.open)
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	sum, err := Run(t.Context(), st, src.source(), backfill)
	if err != nil || sum.AlreadyLoaded != 3 || sum.Loaded != 0 {
		t.Errorf("afterwards: %+v, %v", sum, err)
	}
	if n := count(t, st, "SELECT count() FROM clicks"); n != uint64(src.total()) {
		t.Errorf("%d rows, want %d", n, src.total())
	}
}

// Three runs share the work, each its files, and together they are one run.
func TestWorkersTogether(t *testing.T) {
	t.Parallel()
	cfg := testkit.DatabaseConfig(t)
	st := testkit.OpenStore(t, cfg)
	src := newFolder(t).hours(12, 40)
	var wg sync.WaitGroup
	var mu sync.Mutex
	loaded := 0
	for i := 1; i <= 3; i++ {
		wg.Go(func() {
			sum, err := Run(t.Context(), testkit.OpenStore(t, cfg), src.source(), Options{Network: "acme", Share: rawlog.Share{I: i, N: 3}})
			if err != nil {
				t.Errorf("worker %d: %v", i, err)
			}
			mu.Lock()
			defer mu.Unlock()
			loaded += sum.Loaded
		})
	}
	wg.Wait()
	if loaded != 12 {
		t.Errorf("%d files loaded, want 12", loaded)
	}
	once(t, st, src.total())
	report, err := Verify(t.Context(), st, Options{Network: "acme"})
	if err != nil || len(report.Differences) > 0 || report.Files != 12 || report.Unsettled != 0 {
		t.Errorf("verify: %+v, %v", report, err)
	}
}

// once checks that clicks holds so many rows, and each of them once.
func once(t *testing.T, st *store.Store, rows int) {
	t.Helper()
	if n, distinct := count(t, st, "SELECT count() FROM clicks"), count(t, st, "SELECT uniqExact(network, _file, _line) FROM clicks"); n != uint64(rows) || distinct != n {
		t.Errorf("%d rows, %d distinct, want %d", n, distinct, rows)
	}
}

// What a dead host held is refused until its lease ends by the store's clock;
// what it was loading is then recovered.
func TestLeaseOfDeadHost(t *testing.T) {
	t.Parallel()
	cfg := testkit.DatabaseConfig(t)
	st := testkit.OpenStore(t, cfg)
	src := newFolder(t).hours(3, 50)
	opts := Options{Network: "acme"}
	ctx, die := context.WithCancelCause(t.Context())
	defer die(nil)
	s := &saboteur{trap: trap{at: moment{"insert", "", 1}}, fault: dieAfter, die: die}
	hooked := cfg
	hooked.Hook = s.hook
	if _, err := Run(ctx, testkit.OpenStore(t, hooked), src.source(), opts); err == nil {
		t.Fatal("the run that was to die came to its end")
	}
	// It ran elsewhere, and its lease has two seconds to go.
	if err := testkit.OnShards(t.Context(), st, `
		INSERT INTO `+st.Holding("ingest_leases")+` SELECT network, run, worker, 'elsewhere pid 7', '', 'held', since, now64(3) + 2, seq + 1000
		FROM ingest_leases ORDER BY seq DESC LIMIT 1 BY run`); err != nil {
		t.Fatal(err)
	}
	_, err := Run(t.Context(), st, src.source(), opts)
	var held *lease.HeldError
	if !errors.As(err, &held) {
		t.Fatalf("at once: %v", err)
	}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	var sum Summary
	for errors.As(err, &held) {
		<-tick.C
		sum, err = Run(t.Context(), st, src.source(), opts)
	}
	if err != nil || sum.Recovered == 0 {
		t.Errorf("after its end: %+v, %v", sum, err)
	}
	once(t, st, src.total())
}

// Whatever befalls loads, replacements and reloads, no query sees a row twice,
// and none sees rows of two versions of a file.
func TestAnalystsMeanwhile(t *testing.T) {
	t.Parallel()
	cfg := testkit.DatabaseConfig(t)
	st := testkit.OpenStore(t, cfg)
	src := newFolder(t).hours(4, 60)
	opts := Options{Network: "acme"}
	stop := make(chan struct{})
	var polls int
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			var file string
			var n, distinct, inserts uint64
			rows, err := st.Conn().Query(t.Context(), `
				SELECT _file, count(), uniqExact(_line), uniqExact(_insert) FROM clicks GROUP BY _file
				HAVING count() != uniqExact(_line) OR uniqExact(_insert) > 1`)
			if err != nil {
				t.Error(err)
				return
			}
			for rows.Next() {
				if err := rows.Scan(&file, &n, &distinct, &inserts); err != nil {
					t.Error(err)
				}
				t.Errorf("a query sees %s with %d rows on %d lines of %d INSERTs", file, n, distinct, inserts)
			}
			if err := errors.Join(rows.Err(), rows.Close()); err != nil {
				t.Error(err)
			}
			polls++
		}
	})
	run := func(o Options) {
		t.Helper()
		if _, err := Run(t.Context(), st, src.source(), o); err != nil {
			t.Error(err)
		}
	}
	run(opts)
	for round := range 3 {
		src.write(gen.Spec{Type: rawlog.Clicks, Hour: firstHour.Add(time.Duration(round) * time.Hour), Rows: 70 + round})
		ctx, die := context.WithCancelCause(t.Context())
		s := &saboteur{trap: trap{at: []moment{{"delete", "", 1}, {"insert", "", 1}, {"ledger", "loaded", 1}}[round]}, fault: dieAfter, die: die}
		hooked := cfg
		hooked.Hook = s.hook
		_, _ = Run(ctx, testkit.OpenStore(t, hooked), src.source(), opts) // it dies on its way
		die(nil)
		testkit.ExpireLeases(t, st, "acme")
		run(opts)
	}
	reload := opts
	reload.Reload = true
	run(reload)
	close(stop)
	wg.Wait()
	if polls < 10 {
		t.Errorf("only %d polls", polls)
	}
	once(t, st, src.total())
}

// Settings that a profile or an address brings, and windows of deduplication
// on the tables, change nothing: equal files both count, an INSERT is one part,
// a reload is not silenced.
func TestForeignSettings(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	for _, table := range []string{"clicks", "conversions", "rejected_rows", "ingest_files", "ingest_leases"} {
		if err := testkit.OnShards(t.Context(), st, "ALTER TABLE "+table+" MODIFY SETTING non_replicated_deduplication_window = 1000"); err != nil {
			t.Fatal(err)
		}
	}
	endpoint, embedded := st.Engine()
	if !embedded {
		t.Skip("it opens the engine by its own address")
	}
	hostile := testkit.OpenStore(t, store.Config{Spec: fmt.Sprintf("clickhouse://%s:%s@%s/%s?%s",
		url.QueryEscape(endpoint.User), url.QueryEscape(endpoint.Password), endpoint.Addr, st.Database(), strings.Join([]string{
			"async_insert=1", "wait_for_async_insert=0", "async_insert_deduplicate=1", "insert_deduplicate=1",
			"min_insert_block_size_rows=10", "min_insert_block_size_bytes=10", "max_insert_block_size=10", "max_block_size=10",
			"max_insert_threads=4", "max_partitions_per_insert_block=1",
			"mutations_sync=0", "lightweight_deletes_sync=0", "alter_sync=0", "limit=3",
			"result_overflow_mode=break", "read_overflow_mode=break", "insert_null_as_default=0",
			"extremes=1", "final=1", "use_query_cache=1", "prefer_column_name_to_alias=1", "aggregate_functions_null_for_empty=1",
			"additional_result_filter=0", "additional_table_filters=" + url.QueryEscape("{'"+st.Database()+".clicks':'0'}"),
			"max_result_rows=1", "max_result_bytes=1", "max_rows_to_read=1", "max_rows_to_group_by=1", "max_columns_to_read=1",
			"max_rows_in_set=1", "max_rows_to_sort=1", "max_query_size=100", "max_ast_elements=10", "force_primary_key=1",
			"session_timezone=Asia%2FTokyo",
		}, "&"))})
	src := newFolder(t)
	large := src.write(gen.Spec{Type: rawlog.Clicks, Hour: firstHour, Rows: 3*blockRows + 1})
	src.write(gen.Spec{Type: rawlog.Clicks, Hour: firstHour.Add(time.Hour), Rows: 30, Broken: 2})
	src.write(gen.Spec{Type: rawlog.Clicks, Hour: firstHour.Add(5 * time.Hour), Rows: 30, Broken: 2})
	// The same bytes once more, for another hour.
	data, err := os.ReadFile(filepath.Join(src.root, large))
	if err != nil {
		t.Fatal(err)
	}
	twin := gen.FileName(rawlog.Clicks, firstHour.Add(2*time.Hour), 8)
	if err := os.WriteFile(filepath.Join(src.root, twin), data, 0o600); err != nil {
		t.Fatal(err)
	}
	src.rows[twin] = src.rows[large]

	opts := Options{Network: "acme", Parsers: 1}
	if sum, err := Run(t.Context(), hostile, src.source(), opts); err != nil || sum.Loaded != 4 {
		t.Fatalf("%+v, %v", sum, err)
	}
	once(t, st, src.total())
	if n := count(t, st, "SELECT max(parts) FROM (SELECT uniqExact(_part) AS parts FROM clicks GROUP BY _insert)"); n != 1 {
		t.Errorf("an INSERT became %d parts", n)
	}
	opts.Reload = true
	for range 2 {
		if sum, err := Run(t.Context(), hostile, src.source(), opts); err != nil || sum.Loaded != 4 {
			t.Fatalf("reload: %+v, %v", sum, err)
		}
		once(t, st, src.total())
	}
	if n := count(t, st, "SELECT count() FROM rejected_rows"); n != 4 {
		t.Errorf("%d rejected lines, want 4", n)
	}
	if report, err := Verify(t.Context(), hostile, Options{Network: "acme"}); err != nil || len(report.Differences) > 0 || report.Files != 4 {
		t.Errorf("verify: %+v, %v", report, err)
	}
}
