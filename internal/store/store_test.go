package store_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func TestApplyTwice(t *testing.T) {
	t.Parallel()
	cfg := testkit.DatabaseConfig(t)
	var writes []store.Op
	cfg.Hook = func(ctx context.Context, op store.Op, do func(context.Context) error) error {
		writes = append(writes, op)
		return do(ctx)
	}
	st, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	done, err := st.Apply(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(done, "CREATE TABLE clicks") || len(writes) != len(done)+1 || writes[0].Kind != "ddl" || writes[len(done)].Kind != "schema" {
		t.Errorf("applied %v through %d writes", done, len(writes))
	}
	if done, err = st.Apply(t.Context()); err != nil || len(done) != 0 {
		t.Errorf("applied again: %v, %v; want nothing", done, err)
	}
}

func TestEveryColumnIsExplained(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	rows, err := st.Conn().Query(t.Context(), `
		SELECT table, name, comment FROM system.columns
		WHERE database = ? AND table IN (SELECT name FROM system.tables WHERE database = ? AND engine LIKE '%MergeTree')
		ORDER BY table, position`, st.Database(), st.Database())
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		var table, name, comment string
		if err := rows.Scan(&table, &name, &comment); err != nil {
			t.Fatal(err)
		}
		if n++; strings.TrimSpace(comment) == "" {
			t.Errorf("%s.%s has no comment", table, name)
		}
	}
	if err := rows.Err(); err != nil || n < 200 {
		t.Errorf("%d columns seen, %v", n, err)
	}
}

func TestHeadersHaveColumns(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	for _, typ := range rawlog.Types() {
		columns, err := st.Columns(t.Context(), string(typ))
		if err != nil {
			t.Fatal(err)
		}
		for _, year := range []int{2016, 2022} {
			for _, name := range gen.Header(typ, year) {
				if !slices.ContainsFunc(columns, func(c store.Column) bool { return c.Name == name }) {
					t.Errorf("%s of %d: no column %s", typ, year, name)
				}
			}
		}
	}
	if _, err := st.Columns(t.Context(), "clacks"); err == nil || !strings.Contains(err.Error(), "clacks") {
		t.Errorf("columns of no table: %v", err)
	}
}

// insert streams rows into clicks, block by block, each row of the hour given.
func insert(ctx context.Context, st *store.Store, queryID, file string, id uint64, hours []time.Time, blocks, rowsOfEach int) error {
	client, err := st.Dial(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	var network, name proto.ColStr
	var line proto.ColUInt32
	var insertID proto.ColUInt64
	var hour, datetime proto.ColDateTime
	input := proto.Input{
		{Name: "network", Data: proto.NewLowCardinality[string](&network)},
		{Name: "_file", Data: proto.NewLowCardinality[string](&name)},
		{Name: "_line", Data: &line}, {Name: "_insert", Data: &insertID}, {Name: "_hour", Data: &hour}, {Name: "datetime", Data: &datetime},
	}
	sent := 0
	fill := func() {
		for i := range rowsOfEach {
			input[0].Data.(*proto.ColLowCardinality[string]).Append("net")
			input[1].Data.(*proto.ColLowCardinality[string]).Append(file)
			line.Append(uint32(2 + sent*rowsOfEach + i))
			insertID.Append(id)
			at := hours[i%len(hours)]
			hour.Append(at)
			datetime.Append(at)
		}
	}
	fill()
	return client.Do(ctx, ch.Query{
		Body: input.Into("clicks"), QueryID: queryID, Settings: st.InsertSettings(), Input: input,
		OnInput: func(context.Context) error {
			input.Reset()
			if sent++; sent == blocks {
				return io.EOF
			}
			fill()
			return nil
		},
	})
}

func TestInsertIsOnePart(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	ctx := t.Context()
	hour := time.Date(2016, 9, 30, 23, 0, 0, 0, time.UTC)
	if err := insert(ctx, st, "test-one-part", "a.zip", 1, []time.Time{hour}, 20, 1000); err != nil {
		t.Fatal(err)
	}
	// The very same bytes again are other rows.
	if err := insert(ctx, st, "test-one-part-2", "a.zip", 1, []time.Time{hour}, 20, 1000); err != nil {
		t.Fatal(err)
	}
	if n, err := st.CountInsert(ctx, "clicks", 1); n != 40_000 || err != nil {
		t.Errorf("counted %d, %v", n, err)
	}
	rows, err := st.Conn().Query(ctx, "SELECT rows FROM system.parts WHERE database = ? AND table = 'clicks' AND level = 0", st.Database())
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var n uint64
		if err := rows.Scan(&n); err != nil || n != 20_000 {
			t.Errorf("a part of %d rows, %v: want 20000, all of an INSERT", n, err)
		}
	}
	// Rows of two months in one INSERT could land in part.
	err = insert(ctx, st, "test-two-parts", "b.zip", 2, []time.Time{hour, hour.Add(time.Hour)}, 1, 10)
	if !ch.IsErr(err, proto.ErrTooManyParts) {
		t.Errorf("an INSERT into two partitions: %v; want it refused", err)
	}
	if n, err := st.CountInsert(ctx, "clicks", 2); n != 0 || err != nil {
		t.Errorf("%d rows of it landed, %v", n, err)
	}
	// Small INSERTs of other tables may well.
	months := "INSERT INTO rejected_rows (network, log_type, file, hour) SELECT 'net', 'clicks', 'a.zip', toDateTime('2016-01-01 00:00:00') + INTERVAL number MONTH FROM numbers(5)"
	if err := st.Conn().Exec(st.InsertContext(ctx), months); err != nil {
		t.Error(err)
	}
	if counts, err := counted(ctx, st, store.Scope{Network: "net", Type: rawlog.Clicks, Rejected: true}, "a.zip"); err != nil || counts["a.zip"] != 5 {
		t.Errorf("counted %v, %v", counts, err)
	}
}

func TestDeleteRows(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	ctx := t.Context()
	hour := time.Date(2016, 9, 9, 9, 0, 0, 0, time.UTC)
	names := []string{"20160909/clicks-1-a.zip", `it's a "file" \ of ? {x:String} $1`, "kept.zip"}
	for i, name := range names {
		if err := insert(ctx, st, fmt.Sprint("test-delete-", i), name, uint64(10+i), []time.Time{hour}, 1, 100); err != nil {
			t.Fatal(err)
		}
	}
	day := rawlog.Period{From: hour.Truncate(24 * time.Hour), To: hour.Truncate(24 * time.Hour).Add(24 * time.Hour)}
	count := func(hours rawlog.Period, want map[string]uint64) {
		t.Helper()
		got, err := counted(ctx, st, clicks(hours), names...)
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("counted %v, %v; want %v", got, err, want)
		}
	}
	all := map[string]uint64{names[0]: 100, names[1]: 100, names[2]: 100}
	count(day, all)
	other := rawlog.Period{From: day.To, To: day.To.Add(time.Hour)}
	count(other, map[string]uint64{})
	rows := []store.Rows{{File: names[0], Insert: 10}, {File: names[1], Insert: 11}}
	another := clicks(day)
	another.Network = "another network"
	for _, elsewhere := range []store.Scope{clicks(other), another} {
		if err := st.DeleteRows(ctx, elsewhere, rows, store.Fence{}); err != nil {
			t.Fatal(err)
		}
	}
	count(rawlog.Period{}, all)
	if err := st.DeleteRows(ctx, clicks(day), rows, store.Fence{}); err != nil {
		t.Fatal(err)
	}
	count(day, map[string]uint64{names[2]: 100})
	// What was deleted can be loaded again, byte by byte the same.
	if err := insert(ctx, st, "test-delete-again", names[0], 10, []time.Time{hour}, 1, 100); err != nil {
		t.Fatal(err)
	}
	count(day, map[string]uint64{names[0]: 100, names[2]: 100})
	var many []store.Rows
	for i := range 2500 {
		many = append(many, store.Rows{File: fmt.Sprintf("20160909/clicks-%d-abcdef%s.zip", i, strings.Repeat("'", 300)), Insert: 12})
	}
	if err := st.DeleteRows(ctx, clicks(day), append(many, store.Rows{File: names[2], Insert: 12}), store.Fence{}); err != nil {
		t.Fatal(err)
	}
	count(day, map[string]uint64{names[0]: 100})
}

func TestKillQueries(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	ctx := t.Context()
	id := "test-kill-" + st.Database()
	ended := make(chan error, 1)
	go func() {
		qctx := clickhouse.Context(context.WithoutCancel(ctx), clickhouse.WithQueryID(id+"-1"))
		ended <- st.Conn().Exec(qctx, "SELECT sleepEachRow(0.1) FROM numbers(600) SETTINGS max_block_size = 1 FORMAT Null")
	}()
	running := func() (n uint64) {
		if err := st.Conn().QueryRow(ctx, "SELECT count() FROM system.processes WHERE startsWith(query_id, ?)", id).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for deadline := time.Now().Add(10 * time.Second); running() == 0; {
		if time.Now().After(deadline) {
			t.Fatal("the query to kill does not start")
		}
	}
	if err := st.KillQueries(ctx, id); err != nil {
		t.Fatal(err)
	}
	if n := running(); n != 0 {
		t.Errorf("%d queries still run", n)
	}
	if err := <-ended; err == nil || !store.Retryable(err) {
		t.Errorf("the killed query: %v", err)
	}
	if err := st.KillQueries(ctx, id); err != nil {
		t.Errorf("nothing to kill: %v", err)
	}
	if err := st.KillQueries(ctx, ""); err == nil {
		t.Error("every query would have been killed")
	}
}

func TestRecover(t *testing.T) {
	t.Parallel()
	st := testkit.Store(t)
	ctx := t.Context()
	hour := time.Date(2016, 9, 9, 9, 0, 0, 0, time.UTC)
	if err := insert(ctx, st, "test-recover", "a.zip", 1, []time.Time{hour}, 2, 500); err != nil {
		t.Fatal(err)
	}
	pid, pool := st.EnginePID(), st.Conn()
	if err := st.Recover(ctx); err != nil || st.EnginePID() != pid || st.Conn() != pool {
		t.Errorf("recovering what is well: %v, host %d → %d", err, pid, st.EnginePID())
	}
	for range 2 {
		pid = st.EnginePID()
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		<-st.Died()
		_, err := st.CountInsert(ctx, "clicks", 1)
		if !store.Retryable(err) {
			t.Errorf("a query without a server: %v; want it retryable", err)
		}
		if _, err = st.Dial(ctx); !store.Retryable(err) {
			t.Errorf("a connection without a server: %v; want it retryable", err)
		}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if err := st.Recover(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if st.EnginePID() == pid {
			t.Errorf("still on the dead host %d", pid)
		}
		if n, err := st.CountInsert(ctx, "clicks", 1); n != 1000 || err != nil {
			t.Errorf("after the kill: %d rows, %v", n, err)
		}
	}
	// Its port was closed, by somebody with the password.
	pid = st.EnginePID()
	if err := st.Conn().Exec(ctx, "SYSTEM STOP LISTEN TCP"); err != nil {
		t.Fatal(err)
	}
	for tries := 0; ; tries++ {
		err := st.Recover(ctx)
		if err == nil && st.EnginePID() == pid {
			break
		}
		if tries == 20 { // each may meet a connection that the server is still closing
			t.Fatalf("a closed port: %v, host %d → %d", err, pid, st.EnginePID())
		}
	}
	if n, err := st.CountInsert(ctx, "clicks", 1); n != 1000 || err != nil {
		t.Errorf("after the port was opened again: %d rows, %v", n, err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if err := st.Recover(ctx); err == nil {
		t.Error("a closed store came back")
	}
}

func TestNow(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	now, err := st.Now(t.Context())
	if err != nil || time.Since(now).Abs() > time.Minute || now.Location() != time.UTC {
		t.Errorf("%v, %v", now, err)
	}
}

func TestHookCanFail(t *testing.T) {
	t.Parallel()
	cfg := testkit.DatabaseConfig(t)
	lost := errors.New("lost")
	cfg.Hook = func(ctx context.Context, op store.Op, do func(context.Context) error) error {
		return errors.Join(do(ctx), lost)
	}
	st, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if _, err := st.Apply(t.Context()); !errors.Is(err, lost) || !strings.Contains(err.Error(), "001_clicks.sql:") {
		t.Errorf("a DDL reported lost: %v", err)
	}
}

// As shipped, no column of a raw table counts as altered.
func TestAltered(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	for _, table := range []string{"clicks", "conversions", "impressions"} {
		columns, err := st.Columns(t.Context(), table)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range columns {
			if altered, err := store.Altered(table, c); err != nil || altered {
				t.Errorf("%s: %+v: altered %t, %v", table, c, altered, err)
			}
		}
	}
	for _, c := range []store.Column{{Name: "offer_id", Type: "UInt8"}, {Name: "revenue_cents", Type: "Decimal(18, 1)"}, {Name: "mine", Type: "UUID"}} {
		if altered, err := store.Altered("conversions", c); err != nil || !altered {
			t.Errorf("%+v: altered %t, %v", c, altered, err)
		}
	}
	if altered, err := store.Altered("clicks", store.Column{Name: "evolved", Type: "String"}); err != nil || altered {
		t.Errorf("a column of text: %t, %v", altered, err)
	}
}
