package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
	"rawlogs/schema"
)

// bare opens a new database without tables, and what is logged about it.
func bare(t *testing.T, hook store.Hook) (*store.Store, *bytes.Buffer) {
	t.Helper()
	cfg := testkit.DatabaseConfig(t)
	var log bytes.Buffer
	cfg.Log, cfg.Hook = slog.New(slog.NewTextHandler(&log, nil)), hook
	st, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st, &log
}

func exec(t *testing.T, st *store.Store, query string) {
	t.Helper()
	if err := st.Conn().Exec(t.Context(), query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func text(t *testing.T, st *store.Store, query string) string {
	t.Helper()
	var s string
	if err := st.Conn().QueryRow(t.Context(), query).Scan(&s); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return s
}

// What an analyst made under a name of our views stays as it is, at each opening.
func TestApplyLeavesOthers(t *testing.T) {
	t.Parallel()
	for name, create := range map[string]string{
		"report_stats":         "CREATE VIEW report_stats AS SELECT 1 AS mine",
		"conversions_current":  "CREATE VIEW conversions_current AS SELECT 1 AS mine COMMENT 'Conversions as we bill them.'",
		"dim_offers_current":   "CREATE TABLE dim_offers_current (mine UInt8) ENGINE = MergeTree ORDER BY mine",
		"ingest_files_current": "CREATE MATERIALIZED VIEW ingest_files_current ENGINE = MergeTree ORDER BY mine AS SELECT dummy AS mine FROM system.one",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st, log := bare(t, nil)
			exec(t, st, create)
			const asked = "SELECT concat(toString(uuid), create_table_query) FROM system.tables WHERE database = currentDatabase() AND name = "
			before := text(t, st, asked+"'"+name+"'")
			for range 2 {
				done, err := st.Apply(t.Context())
				if err != nil || slices.ContainsFunc(done, func(s string) bool { return strings.HasSuffix(s, " "+name) }) {
					t.Fatalf("%v %v", done, err)
				}
			}
			if after := text(t, st, asked+"'"+name+"'"); after != before {
				t.Errorf("it was changed:\n%s\n%s", before, after)
			}
			for _, want := range []string{name, "RENAME TABLE"} {
				if !strings.Contains(log.String(), want) {
					t.Errorf("the warning does not hold %q:\n%s", want, log)
				}
			}
		})
	}
}

// Where something else stands in the place of a table, the error says what and
// what to do, before anything is written to it.
func TestApplyNamesWhatIsInTheWay(t *testing.T) {
	t.Parallel()
	for name, create := range map[string]string{
		"clicks":     "CREATE VIEW clicks AS SELECT 1 AS mine",
		"dim_offers": "CREATE DICTIONARY dim_offers (id UInt64, name String) PRIMARY KEY id SOURCE(NULL()) LAYOUT(FLAT()) LIFETIME(0)",
		"dim_goals":  "CREATE TABLE dim_goals (goal String) ENGINE = MergeTree ORDER BY goal", // dim_goals_current cannot read it
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st, _ := bare(t, nil)
			exec(t, st, create)
			_, err := st.Apply(t.Context())
			if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "RENAME") {
				t.Errorf("got %v", err)
			}
			var taken *store.TakenError
			if errors.As(err, &taken) != (name != "dim_goals") {
				t.Errorf("%T", err)
			}
		})
	}
}

// A store of an earlier version gets the view of this one, once; several that
// open it at the same moment do not trip over each other.
func TestApplyReplacesFormerView(t *testing.T) {
	t.Parallel()
	st, _ := bare(t, nil)
	if _, err := st.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	former, err := os.ReadFile("testdata/conversions_current_1.sql")
	if err != nil {
		t.Fatal(err)
	}
	exec(t, st, "DROP VIEW conversions_current")
	exec(t, st, string(former))
	var g errgroup.Group
	results := make([][]string, 4)
	for i := range results {
		g.Go(func() (err error) {
			results[i], err = st.Apply(t.Context())
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if all := slices.Concat(results...); !slices.Contains(all, "REPLACE VIEW conversions_current (revision 1 by 6)") {
		t.Errorf("done: %q", all)
	}
	exec(t, st, "SELECT logged_currency FROM conversions_current")
	if done, err := st.Apply(t.Context()); err != nil || len(done) > 0 {
		t.Errorf("again: %q %v", done, err)
	}

	// One of a later version stays.
	later := "CREATE OR REPLACE VIEW conversions_current AS SELECT 1 AS later FROM conversions COMMENT 'x. Made by ingest, revision 99.'"
	exec(t, st, later)
	if done, err := st.Apply(t.Context()); err != nil || len(done) > 0 {
		t.Errorf("a later one: %q %v", done, err)
	}
	exec(t, st, "SELECT later FROM conversions_current")
}

// A user who may not drop views goes on loading with the old one.
func TestApplyMayNotReplace(t *testing.T) {
	t.Parallel()
	st, log := bare(t, func(ctx context.Context, op store.Op, do func(context.Context) error) error {
		if strings.HasPrefix(op.Detail, "REPLACE VIEW") {
			return errors.New("not enough privileges")
		}
		return do(ctx)
	})
	if _, err := st.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	exec(t, st, "CREATE OR REPLACE VIEW conversions_current AS SELECT 1 AS former FROM conversions COMMENT 'x. Made by ingest, revision 1.'")
	if done, err := st.Apply(t.Context()); err != nil || len(done) > 0 {
		t.Errorf("%q %v", done, err)
	}
	if !strings.Contains(log.String(), "conversions_current") || !strings.Contains(log.String(), "not enough privileges") {
		t.Errorf("logged: %s", log)
	}
}

// The profile of the user who makes the tables has no say in what they are, nor in
// what is counted in them.
func TestProfileMakesTheSameTables(t *testing.T) {
	t.Parallel()
	const columns = "SELECT toString(arraySort(groupArray((table, name, type)))) FROM system.columns WHERE database = currentDatabase()"
	plain := text(t, testkit.Database(t), columns)
	st, _ := bare(t, nil)
	endpoint, _ := st.Engine()
	theirs := testkit.OpenStore(t, store.Config{Spec: fmt.Sprintf("clickhouse://%s:%s@%s/%s?%s",
		url.QueryEscape(endpoint.User), url.QueryEscape(endpoint.Password), endpoint.Addr, st.Database(), strings.Join([]string{
			"data_type_default_nullable=1", "cast_keep_nullable=1", "join_use_nulls=1", "transform_null_in=1",
			"empty_result_for_aggregation_by_empty_set=1",
		}, "&"))})
	if got := text(t, theirs, columns); got != plain {
		t.Errorf("columns are\n%s\nand otherwise\n%s", got, plain)
	}
	if n, err := theirs.CountInsert(t.Context(), "clicks", 1); n != 0 || err != nil {
		t.Errorf("rows of no INSERT: %d %v", n, err)
	}
}

// A store of an older ingest gets the columns that it lacks, once, and keeps what
// it holds.
func TestApplyWidens(t *testing.T) {
	t.Parallel()
	st, _ := bare(t, nil)
	if _, err := st.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		"ALTER TABLE ingest_files DROP COLUMN contents, DROP COLUMN issues, DROP COLUMN issue_texts, DROP COLUMN issue_since, DROP COLUMN ignored",
		"ALTER TABLE rejected_rows DROP COLUMN reason",
		"ALTER TABLE clicks DROP COLUMN refer",
		"ALTER TABLE clicks DROP PROJECTION rollup_day",
		"CREATE OR REPLACE VIEW ingest_files_current AS SELECT * FROM ingest_files FINAL COMMENT 'Ledger of files as it stands: a row a file. Made by ingest, revision 1.'",
		"INSERT INTO ingest_files (network, file, rows) VALUES ('acme', 'old', 7)",
	} {
		exec(t, st, sql)
	}
	done, err := st.Apply(t.Context())
	if err != nil || len(done) != 7 || !slices.Contains(done, "ALTER TABLE rejected_rows ADD COLUMN reason") {
		t.Fatalf("%q, %v", done, err)
	}
	if got := text(t, st, "SELECT concat(file, toString(rows), toString(issues), ignored) FROM ingest_files_current"); got != "old7[]" {
		t.Errorf("the old entry is %q", got)
	}
	if got := text(t, st, "SELECT comment FROM system.columns WHERE database = currentDatabase() AND table = 'ingest_files' AND name = 'ignored'"); !strings.Contains(got, "ingest ignore") {
		t.Errorf("the new column's comment is %q", got)
	}
	if done, err := st.Apply(t.Context()); err != nil || len(done) > 0 {
		t.Errorf("the second time: %q, %v", done, err)
	}
	if got := text(t, st, "SELECT toString(count()) FROM system.columns WHERE database = currentDatabase() AND table = 'clicks' AND name = 'refer'"); got != "0" {
		t.Error("a column that was dropped from a raw table came back")
	}
}

// The definitions are read line by line; none may be missed.
func TestColumnsOfStatements(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	statements, err := schema.Statements(st.Database(), store.Engines())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range statements {
		if !strings.HasPrefix(s.Title, "CREATE TABLE") {
			continue
		}
		var names []string
		for _, c := range s.Columns {
			names = append(names, c.Name)
		}
		want := text(t, st, "SELECT arrayStringConcat(arraySort(x -> x.1, groupArray((position, name))).2, ' ') FROM system.columns WHERE database = currentDatabase() AND table = '"+s.Creates+"'")
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: read %q, the store has %q", s.Title, got, want)
		}
	}
}
