package store_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
	"rawlogs/internal/store/check"
	"rawlogs/internal/testkit"
)

var septemberHour = []time.Time{time.Date(2016, 9, 9, 9, 0, 0, 0, time.UTC)}

// An analyst's projection keeps DELETE from working; rows go all the same.
func TestDeleteWithProjection(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	ctx := t.Context()
	if err := st.Conn().Exec(ctx, "ALTER TABLE clicks ADD PROJECTION by_offer (SELECT offer_id, count() GROUP BY offer_id)"); err != nil {
		t.Fatal(err)
	}
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
	found := check.Run(ctx, st)
	if !slices.ContainsFunc(found, func(f check.Finding) bool {
		return f.Level == check.Warn && f.What == "table clicks" && strings.Contains(f.Detail, "projection by_offer")
	}) {
		t.Errorf("check does not name the projection: %+v", found)
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
