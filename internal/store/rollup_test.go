package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
	"rawlogs/internal/store/check"
	"rawlogs/internal/testkit"
)

// varied are rows of all kinds in two INSERTs, of two networks and two months.
func varied(t *testing.T, st *store.Store) {
	t.Helper()
	for id := range 2 {
		exec(t, st, fmt.Sprintf("INSERT INTO clicks (network, datetime, offer_id, affiliate_id, advertiser_id, country_code, currency, is_click_unique, revenue_cents, payout_cents, _file, _line, _hour, _insert) "+
			"SELECT ['n', 'm'][1 + number %% 2], toDateTime('2016-0%d-09 00:00:00', 'UTC') + number * 97, number %% 7, number %% 5, number %% 3, ['DE', 'US', ''][1 + number %% 3], ['EUR', 'USD'][1 + number %% 2], "+
			"number %% 2, number %% 11, number %% 13 / 100, 'a.zip', number + 2, toDateTime('2016-0%d-09 00:00:00', 'UTC'), %d FROM numbers(2000)", id+8, id+8, id+1))
	}
}

// differences are those of all raw tables, as text.
func differences(t *testing.T, st *store.Store) (out []string) {
	t.Helper()
	for _, table := range store.RawTables() {
		for _, network := range []string{"n", "m"} {
			found, err := st.DifferentRollUps(t.Context(), table, network)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range found {
				out = append(out, fmt.Sprint(d))
			}
		}
	}
	return out
}

// rolled fails unless the server answers from a roll-up; it returns the number of rows.
func rolled(t *testing.T, st *store.Store, query string) string {
	t.Helper()
	ctx := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"optimize_use_projections": 1, "force_optimize_projection": 1}))
	var out string
	if err := st.Conn().QueryRow(ctx, query).Scan(&out); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return out
}

const (
	byDay  = "SELECT toString(sum(n)) FROM (SELECT network, toDate(datetime) AS day, offer_id, count() AS n FROM clicks GROUP BY network, day, offer_id)"
	byHour = "SELECT toString(sum(n)) FROM (SELECT toStartOfHour(datetime) AS hour, country_code, count() AS n FROM clicks GROUP BY hour, country_code)"
)

// Whatever takes rows away or changes them, the roll-ups say what the rows say.
func TestRollUps(t *testing.T) {
	t.Parallel()
	// Small parts have one file for all columns, large ones have many: they are changed in different ways.
	for kind, setting := range map[string]string{"compact": "min_rows_for_wide_part = 100000", "wide": "min_bytes_for_wide_part = 0, min_rows_for_wide_part = 0"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			st := testkit.Database(t)
			exec(t, st, "ALTER TABLE clicks MODIFY SETTING "+setting)
			varied(t, st)
			rollUpsHold(t, st)
		})
	}
}

func rollUpsHold(t *testing.T, st *store.Store) {
	t.Helper()
	agree := func(step string, rows int) {
		t.Helper()
		if d := differences(t, st); len(d) > 0 {
			t.Errorf("%s: %q", step, d)
		}
		if got := []string{rolled(t, st, byDay), rolled(t, st, byHour)}; got[0] != fmt.Sprint(rows) || got[1] != got[0] {
			t.Errorf("%s: the roll-ups have %q rows, want %d", step, got, rows)
		}
	}
	agree("loaded", 4000)
	scope := store.Scope{Network: "n", Type: rawlog.Clicks}
	if err := st.DeleteRows(t.Context(), scope, []store.Rows{{File: "a.zip", Insert: 1}}, store.Fence{}); err != nil {
		t.Fatal(err)
	}
	agree("an INSERT's rows of a network deleted", 3000)
	exec(t, st, "DELETE FROM clicks WHERE _line < 22 AND _insert = 1")
	agree("further rows of the same part deleted", 2990)
	exec(t, st, "DELETE FROM clicks WHERE _line < 32 AND _insert = 1")
	agree("and again", 2985)
	exec(t, st, "ALTER TABLE clicks UPDATE browser_id = 5 WHERE offer_id = 3")
	agree("a column changed that no roll-up has", 2985)
	exec(t, st, "ALTER TABLE clicks ADD COLUMN more UInt64 DEFAULT 7")
	exec(t, st, "ALTER TABLE clicks MATERIALIZE COLUMN more")
	exec(t, st, "ALTER TABLE clicks MATERIALIZE INDEX by_event")
	agree("a column and an index filled", 2985)
	exec(t, st, "DELETE FROM clicks WHERE offer_id = 3 AND _insert = 2")
	agree("an analyst's DELETE", 2985-286)
	exec(t, st, "ALTER TABLE clicks APPLY DELETED MASK")
	agree("the mask applied", 2985-286)
	exec(t, st, "OPTIMIZE TABLE clicks FINAL")
	agree("merged", 2985-286)
	for _, network := range []string{"n", "m"} { // all rows of the part in the end, for which no roll-up stays
		if err := st.DeleteInserts(t.Context(), store.Scope{Network: network, Type: rawlog.Clicks}, []uint64{2}); err != nil {
			t.Fatal(err)
		}
	}
	if d := differences(t, st); len(d) > 0 {
		t.Errorf("another INSERT's rows deleted: %q", d)
	}
	for _, f := range check.Run(t.Context(), st) {
		if strings.HasPrefix(f.What, "table ") && f.Level != check.OK {
			t.Errorf("check: %+v", f)
		}
	}
}

// The server itself makes roll-ups of large parts count rows that are marked as deleted where
// somebody materializes them, or changes a column that they sum. That is found, and a merge
// mends it.
func TestRollUpDiffers(t *testing.T) {
	t.Parallel()
	for what, statements := range map[string][]string{
		"materialized": {"ALTER TABLE clicks MATERIALIZE PROJECTION rollup_offer"},
		"changed":      {"ALTER TABLE clicks UPDATE payout_cents = 5 WHERE offer_id = 3"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			st := testkit.Database(t)
			exec(t, st, "ALTER TABLE clicks MODIFY SETTING min_bytes_for_wide_part = 0, min_rows_for_wide_part = 0")
			exec(t, st, "ALTER TABLE clicks DROP PROJECTION rollup_offer")
			varied(t, st)
			exec(t, st, "DELETE FROM clicks WHERE _insert = 1 AND network = 'm'")
			lacking := check.Run(t.Context(), st)
			i := slices.IndexFunc(lacking, func(f check.Finding) bool {
				return f.What == "table clicks" && strings.Contains(f.Detail, "lacks the roll-up rollup_offer")
			})
			if i < 0 || !strings.Contains(lacking[i].Hint, "ADD PROJECTION rollup_offer (SELECT network, toStartOfHour(datetime), offer_id") {
				t.Fatalf("check does not name the roll-up that is missing, and how to add it: %+v", lacking)
			}
			exec(t, st, lacking[i].Hint)
			if d := differences(t, st); len(d) > 0 {
				t.Errorf("added, but in no part yet: %q", d)
			}
			for _, statement := range statements {
				exec(t, st, statement)
			}
			d := differences(t, st)
			if len(d) == 0 || !strings.HasPrefix(d[0], "{clicks rollup_") || !strings.Contains(d[0], " 2016-08-09 0 445}") {
				t.Errorf("%q: want the day on which deleted rows are counted; or does the server leave them out now?", d)
			}
			exec(t, st, "OPTIMIZE TABLE clicks PARTITION ID '201608' FINAL")
			if d := differences(t, st); len(d) > 0 {
				t.Errorf("after a merge: %q", d)
			}
		})
	}
}

// A store whose tables lack the size limit gets it with the upgrade, and check warns until then.
// Merges never produce a part beyond the limit.
func TestPartsAreBounded(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	definition := func() string {
		return text(t, st, "SELECT toString(arraySort(groupArray((name, arraySort(splitByString(', ', extract(engine_full, 'SETTINGS (.*)'))))))) FROM system.tables WHERE database = currentDatabase() AND name IN ('clicks', 'impressions')")
	}
	told := func() (hints []string) {
		for _, f := range check.Run(t.Context(), st) {
			if strings.Contains(f.Detail, "no limit on the size of parts") {
				hints = append(hints, f.Hint)
			}
		}
		return hints
	}
	want := definition()
	reset := func(table string) {
		exec(t, st, "ALTER TABLE "+table+" RESET SETTING max_bytes_to_merge_at_max_space_in_pool, max_avg_part_size_for_too_many_parts")
	}
	reset("clicks")
	if hints := told(); len(hints) != 1 {
		t.Errorf("check says %q", hints)
	} else {
		exec(t, st, hints[0])
	}
	if got := definition(); got != want || len(told()) > 0 {
		t.Errorf("what check advises makes\n%s\nwant\n%s", got, want)
	}
	reset("clicks")
	reset("impressions")
	exec(t, st, "ALTER TABLE ingest_schema DELETE WHERE true")
	exec(t, st, "INSERT INTO ingest_schema (version) VALUES (14)")
	did, err := st.Apply(t.Context())
	if got := definition(); err != nil || got != want || !slices.Equal(did, []string{"ALTER TABLE clicks MODIFY SETTING", "ALTER TABLE impressions MODIFY SETTING"}) {
		t.Errorf("Apply did %q, %v, and left\n%s\nwant\n%s", did, err, got, want)
	}
	// With a limit of twice a part's size, at most two parts are merged, roll-ups included.
	exec(t, st, "SYSTEM STOP MERGES "+st.TableName("clicks"))
	for range 3 {
		varied(t, st)
	}
	const parts = " FROM system.parts AS p WHERE active AND database = currentDatabase() AND table = 'clicks'"
	exec(t, st, "ALTER TABLE clicks MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = "+text(t, st, "SELECT toString(2 * max(bytes_on_disk))"+parts))
	exec(t, st, "SYSTEM START MERGES "+st.TableName("clicks"))
	await(t, func() bool { // background merges may run at the same time
		merged := st.Conn().Exec(t.Context(), "OPTIMIZE TABLE clicks SETTINGS optimize_throw_if_noop = 1") == nil
		return !merged && text(t, st, "SELECT toString(count()) FROM system.merges WHERE database = currentDatabase()") == "0"
	})
	if got := text(t, st, "SELECT toString(groupArray((n, most))) FROM (SELECT count() AS n, max(p.rows) AS most"+parts+" GROUP BY partition)"); got != "[(2,4000),(2,4000)]" {
		t.Errorf("parts and the most rows of one, by month: %s", got)
	}
	if d := differences(t, st); len(d) > 0 {
		t.Errorf("merged up to the bound: %q", d)
	}
}

// A store of before has its roll-ups after the next load, exact at once.
func TestRollUpsOfAnOlderStore(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	for _, table := range []string{"clicks", "impressions"} {
		for _, name := range []string{"rollup_country", "rollup_offer", "rollup_affiliate", "rollup_day"} {
			exec(t, st, "ALTER TABLE "+table+" DROP PROJECTION "+name)
		}
		exec(t, st, "ALTER TABLE "+table+" RESET SETTING lightweight_mutation_projection_mode")
	}
	exec(t, st, "ALTER TABLE ingest_schema DELETE WHERE true")
	exec(t, st, "INSERT INTO ingest_schema (version) VALUES (11)")
	varied(t, st)
	exec(t, st, "DELETE FROM clicks WHERE _insert = 1 AND network = 'm'")
	did, err := st.Apply(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(did, "ALTER TABLE clicks ADD PROJECTION rollup_day") || !slices.Contains(did, "ALTER TABLE impressions ADD PROJECTION rollup_country") {
		t.Errorf("Apply did %q", did)
	}
	exec(t, st, "DELETE FROM clicks WHERE _insert = 1 AND offer_id = 2")
	exec(t, st, "INSERT INTO clicks SELECT * REPLACE (3 AS _insert) FROM clicks WHERE _insert = 2")
	if d := differences(t, st); len(d) > 0 {
		t.Errorf("beside parts of before: %q", d)
	}
	// What check says of them, month by month, brings them together.
	for month := range 3 {
		found := ""
		for _, f := range check.Run(t.Context(), st) {
			if strings.Contains(f.Detail, "parts without roll-ups") {
				_, found, _ = strings.Cut(f.Hint, "month by month: ")
			}
		}
		if (found == "") != (month == 2) {
			t.Fatalf("of two months with parts of before, check says after %d: %q", month, found)
		}
		for statement := range strings.SplitSeq(found, "; ") {
			if statement != "" {
				exec(t, st, statement+" SETTINGS mutations_sync = 2")
			}
		}
	}
	exec(t, st, "OPTIMIZE TABLE clicks FINAL SETTINGS optimize_throw_if_noop = 1")
	if d := differences(t, st); len(d) > 0 {
		t.Errorf("merged: %q", d)
	}
	if got, want := rolled(t, st, byDay), text(t, st, "SELECT toString(count()) FROM clicks"); got != want {
		t.Errorf("%s rows by the roll-up, %s in the table", got, want)
	}
}
