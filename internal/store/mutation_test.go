package store_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
	"rawlogs/internal/store/check"
	"rawlogs/internal/testkit"
)

var septemberHour = []time.Time{time.Date(2016, 9, 9, 9, 0, 0, 0, time.UTC)}

// Rows go from a table with an analyst's projection, too, and from what the projection
// answers; check names it.
func TestDeleteWithProjection(t *testing.T) {
	t.Parallel()
	const throw = "ALTER TABLE clicks RESET SETTING lightweight_mutation_projection_mode"
	for kind, c := range map[string]struct{ add, mode, query, named string }{
		"sums":                {"SELECT offer_id, count() GROUP BY offer_id", "SELECT 1", "SELECT toString(sum(n)) FROM (SELECT offer_id, count() AS n FROM clicks GROUP BY offer_id)", "has the projection mine, which each INSERT"},
		"sums, not rebuilt":   {"SELECT offer_id, count() GROUP BY offer_id", throw, "SELECT toString(sum(n)) FROM (SELECT offer_id, count() AS n FROM clicks GROUP BY offer_id)", "not the setting"},
		"rows":                {"SELECT affiliate_id, _insert ORDER BY _insert", "SELECT 1", "SELECT toString(countIf(affiliate_id >= 0)) FROM clicks WHERE _insert > 0", "has the projection mine, which would go on"},
		"rows, not rebuilt":   {"SELECT affiliate_id, _insert ORDER BY _insert", throw, "SELECT toString(countIf(affiliate_id >= 0)) FROM clicks WHERE _insert > 0", "has the projection mine, which would go on"},
		"rows under a choice": {"SELECT affiliate_id, if(_insert > 5, ')', '(') AS _p ORDER BY _p", "SELECT 1", "SELECT toString(countIf(affiliate_id >= 0)) FROM clicks WHERE if(_insert > 5, ')', '(') = '('", "has the projection mine, which would go on"},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			st := testkit.Database(t)
			ctx := t.Context()
			exec(t, st, "ALTER TABLE clicks ADD PROJECTION mine ("+c.add+")")
			exec(t, st, c.mode)
			exec(t, st, "ALTER TABLE clicks MODIFY SETTING min_bytes_for_wide_part = 0, min_rows_for_wide_part = 0")
			for id := range uint64(2) {
				if err := insert(ctx, st, "", "a.zip", id+1, septemberHour, 1, 10); err != nil {
					t.Fatal(err)
				}
			}
			if err := st.DeleteInserts(ctx, store.Scope{Network: "net", Type: rawlog.Clicks}, []uint64{1}); err != nil {
				t.Fatal(err)
			}
			if n := rowsOf(t, st, "clicks"); n != 10 {
				t.Errorf("%d rows, want 10", n)
			}
			reading := clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"optimize_use_projections": 1}))
			var n string
			if err := st.Conn().QueryRow(reading, c.query).Scan(&n); err != nil || n != "10" {
				t.Errorf("asked as the projection has it: %s rows, want 10 (%v)", n, err)
			}
			found := check.Run(ctx, st)
			if !slices.ContainsFunc(found, func(f check.Finding) bool {
				return f.Level == check.Warn && f.What == "table clicks" && strings.Contains(f.Detail, c.named)
			}) {
				t.Errorf("check does not name the projection: %+v", found)
			}
		})
	}
}

// Behind a mutation that cannot end, every further one waits. It is named, and
// tries do not pile up more of them.
func TestStuckMutation(t *testing.T) {
	t.Parallel()
	for name, hold := range map[string]string{
		"failing": "ALTER TABLE clicks UPDATE browser_id = throwIf(1, 'analyst') WHERE 1 SETTINGS mutations_sync = 0",
		"stopped": "SYSTEM STOP MERGES clicks",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := testkit.DatabaseConfig(t)
			cfg.MutationWait = time.Second
			st := testkit.OpenStore(t, cfg)
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			if err := insert(ctx, st, "", "a.zip", 1, septemberHour, 1, 10); err != nil {
				t.Fatal(err)
			}
			if err := st.Conn().Exec(ctx, hold); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = st.Conn().Exec(t.Context(), "SYSTEM START MERGES clicks") }()
			for range 3 {
				err := st.DeleteInserts(ctx, store.Scope{Network: "net", Type: rawlog.Clicks}, []uint64{1})
				var stuck *store.StuckMutationError
				if !errors.As(err, &stuck) || !store.Fatal(err) {
					t.Fatalf("got %v; want the stuck mutation named", err)
				}
				text := err.Error()
				missing := slices.DeleteFunc([]string{"clicks", "mutation_", "KILL MUTATION", map[string]string{"failing": "analyst", "stopped": "merges"}[name]},
					func(want string) bool { return strings.Contains(text, want) })
				if len(missing) > 0 || strings.Contains(text, "@ 0x") || strings.Contains(text, "\n") {
					t.Errorf("%v: want %q, and nothing of the server's stack", err, missing)
				}
			}
			var queued uint64
			if err := st.Conn().QueryRow(ctx, "SELECT count() FROM system.mutations WHERE database = ? AND NOT is_done", st.Database()).Scan(&queued); err != nil || queued > 1 {
				t.Errorf("%d mutations are queued, %v", queued, err)
			}
		})
	}
}

func TestBriefErrors(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	for _, sql := range []string{
		"INSERT INTO clicks (network, _insert) VALUES ('net', 1)",
		"ALTER TABLE clicks DELETE WHERE throwIf(1, 'analyst') SETTINGS mutations_sync = 2",
	} {
		err := st.Conn().Exec(t.Context(), sql)
		if err != nil && (!strings.Contains(err.Error(), "analyst") || strings.Contains(err.Error(), "\n")) || err == nil && strings.Contains(sql, "throwIf") {
			t.Errorf("%s: %v", sql, err)
		}
	}
}
