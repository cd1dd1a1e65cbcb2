package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"rawlogs/internal/store"
	"rawlogs/internal/store/check"
	"rawlogs/schema"
)

// first makes the tables of the first version, with a loaded file and its rows.
func first(t *testing.T, st *store.Store) {
	t.Helper()
	raw, err := os.ReadFile("testdata/schema_1.sql")
	if err != nil {
		t.Fatal(err)
	}
	for statement := range strings.SplitSeq(string(raw), ";\n") {
		if strings.TrimSpace(statement) != "" {
			exec(t, st, statement)
		}
	}
	const file = "20160909/clicks-1473411600-SlY9UO.zip"
	exec(t, st, "INSERT INTO clicks (network, transaction_id, offer_id, _file, _line, _hour, _insert, _rescued) SELECT 'n', toString(number), number, '"+file+"', number + 2, toDateTime(1473411600), 7, map('new', 'x') FROM numbers(100)")
	exec(t, st, "INSERT INTO rejected_rows (network, log_type, file, hour, line, reason, raw, _insert) VALUES ('n', 'clicks', '"+file+"', toDateTime(1473411600), 102, 'too short', 'x', 7)")
	exec(t, st, "INSERT INTO ingest_files (network, log_type, file, hour, state, attempt, run, size, etag, lines, rows, rescued, rejected, inserts, version) VALUES ('n', 'clicks', '"+file+"', toDateTime(1473411600), 'loaded', 1, 'r', 99, 'tag', 102, 100, 100, 1, [7], 3)")
	exec(t, st, "INSERT INTO ingest_leases (network, run, worker, owner, process, state, since, expires, seq) VALUES ('n', 'r', '', 'host', '', 'released', now64(3), now64(3), 9)")
}

// contents is all that a store of the first version can say.
const contents = `SELECT concat(
	(SELECT toString((count(), sum(offer_id), sum(cityHash64(transaction_id, _file, _line, _hour, _insert, mapKeys(_rescued), mapValues(_rescued))))) FROM clicks), ' ',
	(SELECT toString((count(), sum(cityHash64(file, hour, line, reason, raw, _insert)))) FROM rejected_rows), ' ',
	(SELECT toString((count(), sum(cityHash64(log_type, file, hour, toString(state), size, etag, lines, rows, rescued, rejected, inserts, version)))) FROM ingest_files_current), ' ',
	(SELECT toString(count()) FROM ingest_leases))`

// A store of the first version is brought to today's with its data as it was, says
// what that took, and then has nothing left to do.
func TestUpgradeFromTheFirst(t *testing.T) {
	t.Parallel()
	st, _ := bare(t, nil)
	first(t, st)
	before := text(t, st, contents)
	var older *store.OlderError
	if err := st.Current(t.Context()); !errors.As(err, &older) || older.Store != 1 || older.Known != schema.Version {
		t.Errorf("before: %v", err)
	}
	did, err := st.Apply(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"ALTER TABLE ingest_files ADD COLUMN issues", "ALTER TABLE ingest_files MODIFY COLUMN state", "REPLACE VIEW ingest_files_current (revision 1 by 7)", "CREATE TABLE ingest_ttl",
		"ALTER TABLE clicks ADD COLUMN tune_event_id", "ALTER TABLE clicks ADD INDEX by_event",
		"CREATE TABLE ingest_listings", "CREATE VIEW conversions_current", "CREATE TABLE ingest_schema",
	} {
		if !slices.Contains(did, want) {
			t.Errorf("Apply did not say %q; it said %q", want, did)
		}
	}
	if after := text(t, st, contents); after != before {
		t.Errorf("after %s\nbefore %s", after, before)
	}
	if err := st.Current(t.Context()); err != nil {
		t.Errorf("after: %v", err)
	}
	if again, err := st.Apply(t.Context()); err != nil || len(again) > 0 {
		t.Errorf("again: %q, %v", again, err)
	}
	exec(t, st, "INSERT INTO ingest_files (network, log_type, file, hour, state, version) VALUES ('n', 'clicks', 'old', 0, 'expired', 1)")
	if got := text(t, st, "SELECT toString(groupArray(toString(state))) FROM (SELECT state FROM ingest_files_current ORDER BY hour)"); got != "['expired','loaded']" {
		t.Errorf("states: %s", got)
	}
	got := text(t, st, "SELECT toString((version, did)) FROM ingest_schema")
	if !strings.HasPrefix(got, fmt.Sprintf("(%d,['", schema.Version)) || !strings.Contains(got, "ADD COLUMN contents") {
		t.Errorf("the store says of itself: %s", got)
	}
	for _, f := range check.Run(t.Context(), st) {
		if f.Level == check.Fail {
			t.Errorf("check: %+v", f)
		}
	}
}

// A store of the version before tune_event_id keeps its updates, and shows them as before.
func TestUpgradeBeforeEvents(t *testing.T) {
	t.Parallel()
	st, _ := bare(t, nil)
	if _, err := st.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		"DROP VIEW conversions_current",
		"ALTER TABLE conversions DROP INDEX by_event",
		"ALTER TABLE conversions DROP COLUMN tune_event_id",
		"ALTER TABLE conversion_updates DROP COLUMN tune_event_id",
		"ALTER TABLE ingest_schema DELETE WHERE true SETTINGS mutations_sync = 1",
		"INSERT INTO ingest_schema (version) VALUES (5)",
		"INSERT INTO conversions (network, id, payout_cents, _hour) SELECT 'n', number, 100, toDateTime(1473411600) FROM numbers(1, 3)",
		"INSERT INTO conversion_updates (network, id, payout, found, valid_from) VALUES ('n', 2, 5, 'updated', now64(3)), ('n', 9, 7, 'added', now64(3))",
	} {
		exec(t, st, sql)
	}
	did, err := st.Apply(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"ALTER TABLE conversions ADD COLUMN tune_event_id", "ALTER TABLE conversion_updates ADD COLUMN tune_event_id", "CREATE VIEW conversions_current"} {
		if !slices.Contains(did, want) {
			t.Errorf("Apply did not say %q; it said %q", want, did)
		}
	}
	if got := text(t, st, "SELECT toString(groupArray((id, toString(payout), origin, tune_event_id))) FROM (SELECT * FROM conversions_current ORDER BY id)"); got != "[(1,'1','log',''),(2,'5','log and update',''),(3,'1','log',''),(9,'7','update','')]" {
		t.Errorf("conversions are %s", got)
	}
}

// An analyst's table that has the name of one that gained a column stays as it is.
func TestUpgradeLeavesAnothersUpdates(t *testing.T) {
	t.Parallel()
	st, _ := bare(t, nil)
	exec(t, st, "CREATE TABLE conversion_updates (id UInt64) ENGINE = MergeTree ORDER BY id")
	if _, err := st.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := text(t, st, "SELECT toString(groupArray(name)) FROM system.columns WHERE database = currentDatabase() AND table = 'conversion_updates'"); got != "['id']" {
		t.Errorf("its columns are %s", got)
	}
}

// Tables of names gain the columns that they lack, and their views show them.
func TestUpgradeWidensNames(t *testing.T) {
	t.Parallel()
	st, _ := bare(t, nil)
	if _, err := st.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		"DROP VIEW dim_offers_current", "ALTER TABLE dim_offers DROP COLUMN default_goal_name",
		"INSERT INTO dim_offers (network, id, name, valid_from) VALUES ('n', 1, 'One', now64(3))",
	} {
		exec(t, st, sql)
	}
	if _, err := st.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := text(t, st, "SELECT toString((name, default_goal_name)) FROM dim_offers_current"); got != "('One','')" {
		t.Errorf("the offer is %s", got)
	}
}

// What an upgrade does not finish, the next one does: it died after any statement.
func TestUpgradeThatDies(t *testing.T) {
	t.Parallel()
	for _, after := range []int{1, 3, 7} {
		n, died := -1, errors.New("died")
		st, _ := bare(t, func(ctx context.Context, _ store.Op, do func(context.Context) error) error {
			if n >= 0 {
				n++
			}
			if n > after {
				return died
			}
			return do(ctx)
		})
		first(t, st)
		before := text(t, st, contents)
		n = 0
		if _, err := st.Apply(t.Context()); !errors.Is(err, died) {
			t.Fatalf("after %d writes: %v", after, err)
		}
		n = -1
		if err := st.Current(t.Context()); err == nil {
			t.Errorf("after %d writes the store counts as upgraded", after)
		}
		if _, err := st.Apply(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := text(t, st, contents); got != before {
			t.Errorf("after %d writes: %s\nbefore %s", after, got, before)
		}
	}
}

// A store that a newer ingest made is left alone by all that would change or read it.
func TestNewerStoreIsRefused(t *testing.T) {
	t.Parallel()
	st, _ := bare(t, nil)
	if _, err := st.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	exec(t, st, fmt.Sprintf("INSERT INTO ingest_schema (version) VALUES (%d)", schema.Version+1))
	exec(t, st, "DROP TABLE ingest_listings")
	for name, do := range map[string]func() error{
		"apply": func() error { _, err := st.Apply(t.Context()); return err },
		"look":  func() error { return st.Current(t.Context()) },
	} {
		var newer *store.NewerError
		if err := do(); !errors.As(err, &newer) || newer.Store != schema.Version+1 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := text(t, st, "SELECT toString(count()) FROM system.tables WHERE database = currentDatabase() AND name = 'ingest_listings'"); n != "0" {
		t.Error("a table was made in it all the same")
	}
}
