package insert

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go"

	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// The server's error about an INSERT says nothing of its rows: those are counted, and are in
// the table once whatever it is. It is a view's where a view can have failed.
func TestErrorOfLandedRows(t *testing.T) {
	t.Parallel()
	const table = "conversions"
	timeout := &ch.Exception{Code: 209, Name: "DB::NetException", Message: "DB::NetException: Timeout exceeded while reading from socket (30000 ms)"}
	refusal := &ch.Exception{Code: 153, Name: "DB::Exception", Message: "DB::Exception: Division by zero"}
	overload := &ch.Exception{Code: 241, Name: "DB::Exception", Message: "DB::Exception: memory limit exceeded"}
	for name, tc := range map[string]struct {
		err      error
		rows     int
		late     bool // nothing of the first INSERT lands
		view     bool
		complain bool
	}{
		"a timeout":                      {err: timeout, rows: 3},
		"a timeout of an INSERT of none": {err: timeout, view: true},
		"a refusal of an INSERT of none": {err: refusal},
		"a timeout, nothing landed":      {err: timeout, rows: 3, late: true},
		"a timeout beside a view":        {err: timeout, rows: 3, view: true, complain: true},
		"too little memory":              {err: overload, rows: 3},
		"too little memory for a view":   {err: overload, rows: 3, view: true, complain: true},
		"a refusal":                      {err: refusal, rows: 3, complain: true},
		"a refusal beside a view":        {err: refusal, rows: 3, view: true, complain: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := testkit.Database(t)
			ctx := t.Context()
			exec := func(at *store.Server, query string) {
				t.Helper()
				if err := at.Conn().Exec(ctx, query); err != nil {
					t.Fatal(err)
				}
			}
			for _, at := range st.Shards() {
				if tc.view {
					exec(at, "CREATE MATERIALIZED VIEW "+at.Holding("v")+" ENGINE = MergeTree ORDER BY x AS SELECT _file AS x FROM "+at.Holding(table))
				}
			}
			sender := NewSender(recovering, claim{"1 = 1"}, store.Patience{Store: st, Wait: time.Minute, Log: slog.New(slog.DiscardHandler)})
			tries, rewound := 0, 0
			id, err := sender.once(ctx, table, func(a attempt) (sent, error) {
				id := a.id
				tries++
				out := sent{rows: tc.rows, ended: true}
				if tc.rows > 0 && (tries > 1 || !tc.late) {
					exec(a.at, fmt.Sprintf("INSERT INTO %s (_file, _insert) SELECT toString(number), %d FROM numbers(%d)", a.at.Holding(table), id, tc.rows))
				}
				if tries == 1 {
					return out, fmt.Errorf("insert %d: %w", id, tc.err)
				}
				return out, nil
			}, func(error) error { rewound++; return nil })
			if err != nil || tc.late != (rewound == 1) {
				t.Fatalf("%d tries, %d begun anew: %v", tries, rewound, err)
			}
			var rows uint64
			if err := st.Conn().QueryRow(ctx, "SELECT count() FROM "+table+" WHERE _insert = ?", id).Scan(&rows); err != nil || rows != uint64(tc.rows) {
				t.Errorf("%d rows, %v; want %d", rows, err, tc.rows)
			}
			if err := st.Conn().QueryRow(ctx, "SELECT count() FROM "+table).Scan(&rows); err != nil || rows != uint64(tc.rows) {
				t.Errorf("%d rows in all, %v; want %d", rows, err, tc.rows)
			}
			if got := sender.Complaint([]uint64{id}); (got != "") != tc.complain || strings.Contains(got, "\n") {
				t.Errorf("the complaint is %q; want one: %t", got, tc.complain)
			}
		})
	}
}
