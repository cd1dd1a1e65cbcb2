package store_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/clickhouse-go/v2"

	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// silent begins an INSERT whose client says nothing further, as one does that
// was stopped in mid-INSERT or lost its network, and returns when the server
// waits for it.
func silent(t *testing.T, st *store.Store, id, receiveTimeout string) {
	t.Helper()
	settings := st.InsertSettings()
	i := slices.IndexFunc(settings, func(s ch.Setting) bool { return s.Key == "receive_timeout" })
	if i < 0 || settings[i].Value != "30" {
		t.Fatalf("INSERTs are sent with %v: want a bound on the client's silence", settings)
	}
	settings[i].Value = receiveTimeout
	ctx, wake := context.WithCancel(t.Context())
	client, err := st.Dial(ctx)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	sent := make(chan struct{})
	go func() {
		defer close(ended)
		first := true
		_ = facts(ctx, client, settings, id, []uint8{1}, func() error {
			if first {
				first = false
				return nil
			}
			close(sent)
			<-ctx.Done()
			return io.EOF
		})
	}()
	t.Cleanup(func() {
		wake()
		_ = client.Close()
		<-ended
	})
	<-sent
	await(t, func() bool {
		var n uint64
		err := st.Conn().QueryRow(t.Context(), "SELECT count() FROM system.processes WHERE query_id = ?", id).Scan(&n)
		return err == nil && n == 1
	})
}

// A killed INSERT goes on for as long as the server waits for its client.
func TestKillOfSilentClient(t *testing.T) {
	t.Parallel()
	st := factTable(t)
	silent(t, st, "silent-"+st.Database(), "1")
	if err := st.KillQueries(t.Context(), "silent-"+st.Database()); err != nil {
		t.Error(err)
	}
	if n := rowsOf(t, st, "facts"); n != 0 {
		t.Errorf("%d rows of an INSERT without an end", n)
	}
}

// The bound goes with INSERTs of a few lines, too, and with the ledger's.
func TestBatchIsBounded(t *testing.T) {
	t.Parallel()
	st := factTable(t)
	id := "batch-" + st.Database()
	ctx := clickhouse.Context(st.InsertContext(t.Context()), clickhouse.WithQueryID(id))
	batch, err := st.Conn().PrepareBatch(ctx, "INSERT INTO facts")
	if err != nil {
		t.Fatal(err)
	}
	defer batch.Close()
	var bound string
	err = st.Conn().QueryRow(t.Context(), "SELECT Settings['receive_timeout'] FROM system.processes WHERE query_id = ?", id).Scan(&bound)
	if err != nil || bound != "30" {
		t.Errorf("it is sent with receive_timeout %q, %v; want a bound on the client's silence", bound, err)
	}
}

// One that was sent without the bound, as by an older version, is not waited for
// for ever, nor taken for ended.
func TestKillIsBounded(t *testing.T) {
	t.Parallel()
	cfg := testkit.DatabaseConfig(t)
	cfg.KillWait = time.Second
	st := testkit.OpenStore(t, cfg)
	if err := st.Conn().Exec(t.Context(), "CREATE TABLE facts (month UInt8, n UInt64) ENGINE = MergeTree ORDER BY n"); err != nil {
		t.Fatal(err)
	}
	id := "stopped-" + st.Database()
	silent(t, st, id, "300")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err := st.KillQueries(ctx, id)
	var still *store.StillRunningError
	if !errors.As(err, &still) || !store.Fatal(err) || !strings.Contains(err.Error(), id) {
		t.Errorf("got %v; want the query named, and the run ended", err)
	}
}
