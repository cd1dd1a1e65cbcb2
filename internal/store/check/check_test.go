package check_test

import (
	"strings"
	"testing"

	"rawlogs/internal/store"
	"rawlogs/internal/store/check"
	"rawlogs/internal/testkit"
)

func find(findings []check.Finding, what, detail string) *check.Finding {
	for i, f := range findings {
		if f.What == what && strings.Contains(f.Detail, detail) {
			return &findings[i]
		}
	}
	return nil
}

func TestCheckGood(t *testing.T) {
	t.Parallel()
	found := check.Run(t.Context(), testkit.Database(t))
	for _, f := range found {
		if f.Level == check.Fail || f.Level == check.Warn && !strings.HasPrefix(f.What, "disk") {
			t.Errorf("%+v", f)
		}
		if (f.Level == check.OK) != (f.Hint == "") {
			t.Errorf("%+v: a hint belongs to what is wrong", f)
		}
	}
	for _, what := range []string{"server", "clock", "settings", "rights", "table clicks", "table conversions", "table impressions", "table ingest_files", "table ingest_leases", "table rejected_rows"} {
		if find(found, what, "") == nil {
			t.Errorf("nothing is said of %s", what)
		}
	}
}

// What a load can fill is right, whether or not the schema declares it so.
func TestCheckLineageTypes(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	for _, column := range []string{"_line UInt64", "_loaded_at DateTime"} {
		if err := st.Conn().Exec(t.Context(), "ALTER TABLE impressions MODIFY COLUMN "+column); err != nil {
			t.Fatalf("%s: %v", column, err)
		}
	}
	if f := find(check.Run(t.Context(), st), "table impressions", ""); f == nil || f.Level != check.OK {
		t.Errorf("%+v", f)
	}
}

func TestCheckSpoiled(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	ctx := t.Context()
	for _, sql := range []string{
		"DROP TABLE rejected_rows",
		"RENAME TABLE clicks TO clicks_kept",
		"CREATE TABLE clicks AS clicks_kept ENGINE = MergeTree PARTITION BY toYYYYMM(datetime) ORDER BY offer_id",
		"ALTER TABLE clicks RESET SETTING fsync_after_insert",
		"DROP TABLE impressions",
		"CREATE TABLE impressions (_hour DateTime('UTC'), _file UInt64, n UInt8) ENGINE = Memory",
		"CREATE MATERIALIZED VIEW by_offer ENGINE = SummingMergeTree ORDER BY offer_id AS SELECT offer_id, count() AS n FROM conversions GROUP BY offer_id",
		"CREATE TABLE stuck (n UInt8, s String) ENGINE = MergeTree ORDER BY n",
		"INSERT INTO stuck VALUES (1, 'x')",
		"ALTER TABLE conversions MODIFY SETTING min_rows_to_fsync_after_merge = 0",
		"ALTER TABLE stuck UPDATE s = toString(throwIf(1)) WHERE 1 SETTINGS mutations_sync = 0",
	} {
		if err := st.Conn().Exec(ctx, sql); err != nil && !strings.Contains(sql, "RESET SETTING") {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	found := check.Run(ctx, st)
	for _, want := range []struct {
		what, detail string
		level        check.Level
	}{
		{"table rejected_rows", "is not there", check.Fail},
		{"table clicks", "partitioned by toYYYYMM(datetime)", check.Fail},
		{"table impressions", "engine Memory", check.Fail},
		{"table impressions", "lacks the column _insert", check.Fail},
		{"table impressions", "_file is UInt64", check.Fail},
		{"table conversions", "by_offer", check.Warn},
		{"tables", "conversions: what a merge writes is not synced", check.Warn},
		{"table stuck", "stuck", check.Warn},
	} {
		if f := find(found, want.what, want.detail); f == nil || f.Level != want.level || f.Hint == "" {
			t.Errorf("%s, %q: %+v", want.what, want.detail, f)
		}
	}
	if t.Failed() {
		t.Logf("%+v", found)
	}
}

// TestCheckWithoutRights asks as a user who may only read.
func TestCheckWithoutRights(t *testing.T) {
	t.Parallel()
	embedded := testkit.Database(t)
	ep, _ := embedded.Engine()
	ep = ep.AsReader()
	st, err := store.Open(t.Context(), store.Config{Spec: "clickhouse://" + ep.User + ":" + ep.Password + "@" + ep.Addr + "/" + ep.Database})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	found := check.Run(t.Context(), st)
	if f := find(found, "rights", "lacks INSERT"); f == nil || f.Level != check.Fail || !strings.Contains(f.Hint, "TO `"+ep.User+"`") {
		t.Errorf("%+v", found)
	}
	if err := embedded.Conn().Exec(t.Context(), "DROP TABLE rejected_rows"); err != nil {
		t.Fatal(err)
	}
	if _, err := st.Apply(t.Context()); !store.Fatal(err) {
		t.Errorf("applying without rights: %v", err)
	}
}
