package store_test

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2"

	"rawlogs/internal/engine"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// What the server really does, as far as the order of writes leans on it
// (docs/reliability.md). A version that behaves otherwise fails here first.

// factTable makes a table of months with windows of deduplication.
func factTable(t *testing.T) *store.Store {
	t.Helper()
	st := testkit.Database(t)
	err := st.Conn().Exec(t.Context(), `
		CREATE TABLE facts (month UInt8, n UInt64, slow UInt8 DEFAULT 0) ENGINE = MergeTree PARTITION BY month ORDER BY n
		SETTINGS non_replicated_deduplication_window = 1000`)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// put inserts under a token, and wants the table to hold so many rows then.
func put(t *testing.T, st *store.Store, token, values string, want uint64) {
	t.Helper()
	ctx := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"insert_deduplication_token": token}))
	if err := st.Conn().Exec(ctx, "INSERT INTO facts (month, n) VALUES "+values); err != nil {
		t.Fatal(err)
	}
	if n := rowsOf(t, st, "facts"); n != want {
		t.Errorf("%s under %s: %d rows, want %d", values, token, n, want)
	}
}

func rowsOf(t *testing.T, st *store.Store, table string) (n uint64) {
	t.Helper()
	if err := st.Conn().QueryRow(t.Context(), "SELECT count() FROM "+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// A token is known per partition and without regard to the data; a DELETE does
// not forget it, so that what is inserted again under it is acknowledged and
// absent. That is why we use no tokens and count.
func TestFactTokens(t *testing.T) {
	t.Parallel()
	st := factTable(t)
	put(t, st, "a", "(1, 1)", 1)
	put(t, st, "a", "(1, 2)", 1) // other data, same token: dropped
	put(t, st, "a", "(2, 1)", 2) // another partition: not the same token
	put(t, st, "a", "(1, 3), (3, 3)", 3)
	if err := st.Conn().Exec(t.Context(), "DELETE FROM facts WHERE month = 1"); err != nil {
		t.Fatal(err)
	}
	put(t, st, "a", "(1, 1)", 2)
	if err := st.Conn().Exec(t.Context(), "ALTER TABLE facts DROP PARTITION 2"); err != nil {
		t.Fatal(err)
	}
	put(t, st, "a", "(2, 1)", 2)
	// With our settings the windows of a table do not matter.
	for want := uint64(3); want < 5; want++ {
		if err := st.Conn().Exec(st.InsertContext(t.Context()), "INSERT INTO facts (month, n) VALUES (2, 1)"); err != nil {
			t.Fatal(err)
		}
		if n := rowsOf(t, st, "facts"); n != want {
			t.Errorf("with our settings: %d rows, want %d", n, want)
		}
	}
}

// facts streams a block of rows, one of each month given, into the table facts,
// and the same again until next says io.EOF.
func facts(ctx context.Context, client *ch.Client, settings []ch.Setting, queryID string, months []uint8, next func() error) error {
	var month proto.ColUInt8
	var n proto.ColUInt64
	for i, m := range months {
		month.Append(m)
		n.Append(uint64(i))
	}
	return client.Do(ctx, ch.Query{
		Body: "INSERT INTO facts (month, n) VALUES", QueryID: queryID, Settings: settings,
		Input: proto.Input{{Name: "month", Data: &month}, {Name: "n", Data: &n}},
		OnInput: func(context.Context) error {
			err := next()
			if err != nil {
				month.Reset()
				n.Reset()
			}
			return err
		},
	})
}

// A block that spans two partitions becomes two parts, which is not atomic;
// our settings refuse it whole.
func TestFactBlockOfTwoMonths(t *testing.T) {
	t.Parallel()
	st := factTable(t)
	for _, c := range []struct {
		settings []ch.Setting
		want     uint64
	}{{nil, 2}, {st.InsertSettings(), 2}} {
		client, err := st.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		err = facts(t.Context(), client, c.settings, "", []uint8{1, 2}, func() error { return io.EOF })
		if refused := err != nil; refused != (c.settings != nil) || refused && !strings.Contains(err.Error(), "252") && !strings.Contains(err.Error(), "partitions") {
			t.Errorf("settings %v: %v", c.settings, err)
		}
		if n := rowsOf(t, st, "facts"); n != c.want {
			t.Errorf("%d rows, want %d", n, c.want)
		}
		if err := client.Close(); err != nil && !errors.Is(err, ch.ErrClosed) {
			t.Error(err)
		}
	}
	var parts uint64
	if err := st.Conn().QueryRow(t.Context(), "SELECT uniqExact(_part) FROM facts").Scan(&parts); err != nil || parts != 2 {
		t.Errorf("%d parts, %v", parts, err)
	}
}

// A client that dies in mid-INSERT leaves nothing, however many blocks it sent.
func TestFactClientDiesInMidInsert(t *testing.T) {
	t.Parallel()
	st := factTable(t)
	client, err := st.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	blocks := 0
	err = facts(t.Context(), client, st.InsertSettings(), "dies-1", []uint8{1, 1, 1}, func() error {
		if blocks++; blocks == 20 {
			_ = client.Close() // as a kill does
		}
		return nil
	})
	if err == nil {
		t.Error("an INSERT on a closed connection came to its end")
	}
	if err := st.KillQueries(t.Context(), "dies-"); err != nil {
		t.Fatal(err)
	}
	if n := rowsOf(t, st, "facts"); n != 0 {
		t.Errorf("%d rows of an unfinished INSERT", n)
	}
}

// An INSERT that was sent whole lands after its client's death: to count at
// once would be to count too early. Ended by KillQueries it lands no more.
func TestFactInsertLandsAfterItsClient(t *testing.T) {
	t.Parallel()
	st := factTable(t)
	// Writing takes the server two seconds.
	if err := st.Conn().Exec(t.Context(), "ALTER TABLE facts MODIFY COLUMN slow UInt8 DEFAULT sleepEachRow(1)"); err != nil {
		t.Fatal(err)
	}
	orphan := func(id string) {
		before := rowsOf(t, st, "facts")
		client, err := st.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, die := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- facts(ctx, client, st.InsertSettings(), id, []uint8{1, 1}, func() error { return io.EOF })
		}()
		await(t, func() bool {
			var n uint64
			err := st.Conn().QueryRow(t.Context(), "SELECT count() FROM system.processes WHERE query_id = ? AND elapsed > 0.3", id).Scan(&n)
			return err == nil && n == 1
		})
		if n := rowsOf(t, st, "facts"); n != before {
			t.Fatalf("%d rows too soon", n-before)
		}
		_ = client.Close() // the connection goes, as with a killed process
		die()
		<-ended
	}
	orphan("orphan-1")
	if n := rowsOf(t, st, "facts"); n != 0 {
		t.Errorf("%d rows at once", n)
	}
	await(t, func() bool { return rowsOf(t, st, "facts") == 2 })

	orphan("orphan-2")
	if err := st.KillQueries(t.Context(), "orphan-"); err != nil {
		t.Fatal(err)
	}
	settled := rowsOf(t, st, "facts")
	never := time.NewTimer(2500 * time.Millisecond) // longer than the write would have taken
	defer never.Stop()
	<-never.C
	if n := rowsOf(t, st, "facts"); n != settled {
		t.Errorf("%d rows after KillQueries had returned, %d before", n, settled)
	}
}

// await waits for a condition, a minute at most.
func await(t *testing.T, done func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); !done(); <-tick.C {
		if time.Now().After(end) {
			t.Fatal("it does not come about")
		}
	}
}

// A server with little memory cuts an INSERT at an eighth of it, so that it is several
// parts and lands by halves when something fails; not with our settings.
func TestFactLittleMemory(t *testing.T) {
	t.Parallel()
	st := testkit.OpenStore(t, store.Config{Spec: "embedded:" + filepath.Join(t.TempDir(), "store"), Engine: engine.Config{MaxMemory: 1 << 30}})
	ctx := t.Context()
	if err := st.Conn().Exec(ctx, "CREATE TABLE wide (id UInt8, s String CODEC(LZ4)) ENGINE = MergeTree ORDER BY tuple()"); err != nil {
		t.Fatal(err)
	}
	strict := "use_strict_insert_block_limits"
	loose := slices.DeleteFunc(st.InsertSettings(), func(s ch.Setting) bool { return s.Key == strict })
	for id, settings := range [][]ch.Setting{st.InsertSettings(), loose} {
		client, err := st.Dial(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var ids proto.ColUInt8
		var texts proto.ColStr
		fill := func() {
			ids.Reset()
			texts.Reset()
			for range 8 {
				ids.Append(uint8(id))
				texts.Append(strings.Repeat("x", 1<<20))
			}
		}
		fill()
		blocks := 0
		err = client.Do(ctx, ch.Query{
			Body: "INSERT INTO wide (id, s) VALUES", Settings: settings, Input: proto.Input{{Name: "id", Data: &ids}, {Name: "s", Data: &texts}},
			OnInput: func(context.Context) error {
				if blocks++; blocks == 25 {
					ids.Reset()
					texts.Reset()
					return io.EOF
				}
				return nil
			},
		})
		if err = errors.Join(err, client.Close()); err != nil {
			t.Fatal(err)
		}
	}
	parts := func(id int) (n uint64) {
		if err := st.Conn().QueryRow(ctx, "SELECT uniqExact(_part) FROM wide WHERE id = ?", id).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := parts(0); n != 1 {
		t.Errorf("with our settings an INSERT became %d parts", n)
	}
	if n := parts(1); n < 2 {
		t.Errorf("without %s an INSERT became %d part: it may not be needed any more", strict, n)
	}
	if n := st.MemoryLimit(ctx); n != 1<<30 {
		t.Errorf("the server's memory is said to be %d", n)
	}
}
