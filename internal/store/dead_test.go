package store_test

import (
	"fmt"
	"testing"

	"rawlogs/internal/testkit"
)

// A part that a deletion leaves without a row is no wall between the parts beside it, and one
// that only looks like it, by its lack of roll-ups, stays.
func TestDeadPartsGo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before string // what is done to the table first
		gone   string // condition for the INSERTs whose rows are deleted; there are 1 to 4, of 1,000 rows
		left   int
	}{
		"in the middle":     {"", "_insert = 2", 3000},
		"at both ends":      {"", "_insert IN (1, 4)", 2000},
		"all":               {"", "true", 0},
		"some rows of each": {"", "_line < 12", 3960},
		"no roll-ups, all of an INSERT": {
			"ALTER TABLE clicks DROP PROJECTION rollup_country, DROP PROJECTION rollup_offer, DROP PROJECTION rollup_affiliate, DROP PROJECTION rollup_day", "_insert = 3", 3000,
		},
		"no roll-ups, some rows": {
			"ALTER TABLE clicks DROP PROJECTION rollup_country, DROP PROJECTION rollup_offer, DROP PROJECTION rollup_affiliate, DROP PROJECTION rollup_day", "_line < 502", 2000,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := testkit.Database(t)
			if c.before != "" {
				exec(t, st, c.before)
			}
			exec(t, st, "ALTER TABLE clicks MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 1") // the parts stay apart
			for id := range 4 {
				exec(t, st, fmt.Sprintf("INSERT INTO clicks (network, datetime, offer_id, _file, _line, _hour, _insert) "+
					"SELECT 'n', toDateTime('2016-09-09 00:00:00', 'UTC') + number, number %% 7, 'a.zip', number + 2, toDateTime('2016-09-09 00:00:00', 'UTC'), %d FROM numbers(1000)", id+1))
			}
			if err := st.Delete(t.Context(), "clicks", c.gone); err != nil {
				t.Fatal(err)
			}
			exec(t, st, "ALTER TABLE clicks RESET SETTING max_bytes_to_merge_at_max_space_in_pool")
			exec(t, st, "OPTIMIZE TABLE clicks FINAL SETTINGS optimize_throw_if_noop = 1")
			if got := text(t, st, "SELECT toString(count()) FROM clicks"); got != fmt.Sprint(c.left) {
				t.Errorf("%s rows are left, want %d", got, c.left)
			}
			if got := text(t, st, "SELECT toString(count()) FROM system.parts WHERE active AND database = currentDatabase() AND table = 'clicks' AND rows > 0"); got != fmt.Sprint(min(c.left, 1)) {
				t.Errorf("%s parts are left", got)
			}
			if found, err := st.DifferentRollUps(t.Context(), "clicks", "n"); err != nil || len(found) > 0 {
				t.Errorf("%v, %v", found, err)
			}
		})
	}
}
