package schema

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		sql  string
		want []string // each "LINE text"
	}{
		{"", nil},
		{" ;;\n; ", nil},
		{"-- only; a comment\n/* and; another */", nil},
		{"SELECT 1", []string{"1 SELECT 1"}},
		{"SELECT 1;\nSELECT 2;", []string{"1 SELECT 1", "2 SELECT 2"}},
		{"-- first; of all\nSELECT 1 -- one; still\n, 2;\n\nSELECT 3", []string{"2 SELECT 1 -- one; still\n, 2", "5 SELECT 3"}},
		{"SELECT ';', \"a;b\", `c;d` ; SELECT 2", []string{"1 SELECT ';', \"a;b\", `c;d`", "1 SELECT 2"}},
		{`SELECT 'it''s; so', 'a\';b'; SELECT '\\'; SELECT 3`, []string{`1 SELECT 'it''s; so', 'a\';b'`, `1 SELECT '\\'`, "1 SELECT 3"}},
		{"/* a\n; */ SELECT /* ; */ 1", []string{"2 SELECT /* ; */ 1"}},
		{"SELECT '-- no comment'; SELECT '/* nor this'", []string{"1 SELECT '-- no comment'", "1 SELECT '/* nor this'"}},
		{"SELECT 'never closed; ", []string{"1 SELECT 'never closed;"}},
		{"SELECT /* never closed; ", []string{"1 SELECT /* never closed;"}},
		{"'", []string{"1 '"}},
	} {
		for range 2 {
			got := split(c.sql)
			if len(got) != len(c.want) {
				t.Errorf("%q: %d statements %+v, want %q", c.sql, len(got), got, c.want)
				continue
			}
			for i, p := range got {
				line, text, _ := strings.Cut(c.want[i], " ")
				if p.text != text || string(rune('0'+p.line)) != line {
					t.Errorf("%q: statement %d is %q of line %d, want %q", c.sql, i, p.text, p.line, c.want[i])
				}
			}
		}
	}
}

func FuzzSplit(f *testing.F) {
	f.Add("SELECT ';' -- x\n; /* y */ SELECT `a`")
	f.Fuzz(func(t *testing.T, sql string) {
		for _, p := range split(sql) {
			if p.text == "" || !strings.Contains(sql, p.text) {
				t.Errorf("%q: statement %q", sql, p.text)
			}
		}
	})
}

func TestFill(t *testing.T) {
	t.Parallel()
	clauses := map[string]string{"mergetree": "MergeTree", "replacing:version": "ReplacingMergeTree(version)"}
	got, err := fill("CREATE TABLE {database}.t {durable} (x {n}) ENGINE = {mergetree}, {replacing:version}", "a`b", map[string]string{"n": "Int8", "mergetree": clauses["mergetree"], "durable": "", "replacing:version": clauses["replacing:version"]})
	if want := "CREATE TABLE `a\\`b`.t (x Int8) ENGINE = MergeTree, ReplacingMergeTree(version)"; got != want || err != nil {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	if _, err := fill("ENGINE = {nothing}", "d", clauses); err == nil || !strings.Contains(err.Error(), "{nothing}") {
		t.Errorf("an unknown placeholder: %v", err)
	}
	if _, err := Statements("d", nil); err == nil || !strings.Contains(err.Error(), "001_clicks.sql:8") {
		t.Errorf("no clauses at all: %v", err)
	}
}

func TestColumn(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]Column{
		"    id UInt64,":                                      {"id", "id UInt64", 1, 0},
		"    _line2   UInt32 COMMENT 'a, b',":                 {"_line2", "_line2 UInt32 COMMENT 'a, b'", 1, 0},
		"    price Decimal(18, 5) CODEC(ZSTD(1)), --since:12": {"price", "price Decimal(18, 5) CODEC(ZSTD(1))", 12, 0},
		"    price Decimal(18, 5)   --since:3":                {"price", "price Decimal(18, 5)", 3, 0},
		"    price String COMMENT 'of --since:x'":             {"price", "price String COMMENT 'of --since:x'", 1, 0},
		"    state Enum8('a' = 1) COMMENT 'b', --retyped:9":   {"state", "state Enum8('a' = 1) COMMENT 'b'", 1, 9},
		"   id UInt64":               {}, // not a column's indent
		"     id UInt64":             {},
		"    INDEX a b TYPE minmax,": {},
		"    2nd UInt64":             {},
		"    id":                     {},
		"    id lower":               {},
		"    idUInt64":               {},
		"    -- id UInt64":           {},
		"    countIf(x) AS n":        {},
		"":                           {},
		"ORDER BY id":                {},
	} {
		got, ok := column(line)
		if got != want || ok != (want != Column{}) {
			t.Errorf("%q: %+v, %t; want %+v", line, got, ok, want)
		}
	}
}

func TestTitle(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string][2]string{
		"CREATE TABLE IF NOT EXISTS {database}.clicks\n(":          {"CREATE TABLE clicks", "clicks"},
		"CREATE VIEW IF NOT EXISTS {database}.a_b AS SELECT 1":     {"CREATE VIEW a_b", "a_b"},
		"ALTER TABLE {database}.clicks ADD COLUMN IF NOT EXISTS x": {"ALTER TABLE clicks ADD COLUMN", ""},
	} {
		if got, creates := title(sql); got != want[0] || creates != want[1] {
			t.Errorf("%q: %q, %q; want %q", sql, got, creates, want)
		}
	}
}

// A view that was changed gets another revision, or stores that have it keep the
// former one.
func TestViewRevisions(t *testing.T) {
	t.Parallel()
	known := map[string]string{
		"ingest_files_current":              "7 ae157709",
		"dim_offers_current":                "2 95698c1e",
		"dim_affiliates_current":            "1 28ecc0d1",
		"dim_advertisers_current":           "1 0ef2c060",
		"dim_goals_current":                 "2 ae5ed4e3",
		"dim_countries_current":             "1 f58c9f6f",
		"dim_affiliate_users_current":       "1 28d86b65",
		"dim_offer_files_current":           "2 c1fb2f83",
		"dim_browsers_current":              "1 88d02808",
		"dim_employees_current":             "1 90e9af50",
		"dim_offer_urls_current":            "1 96c90a03",
		"dim_cashflow_groups_current":       "1 ea2a54d9",
		"dim_ad_campaigns_current":          "1 8db24e49",
		"dim_ad_campaign_creatives_current": "1 e7cd76ca",
		"dim_offer_categories_current":      "1 267b8311",
		"dim_offer_groups_current":          "1 fc8214b3",
		"dim_affiliate_tiers_current":       "1 3e6d128d",
		"conversion_paths":                  "3 a9069a4c",
		"attribution_windows":               "2 c1e12ede",
		"fraud_ctit":                        "3 66a5cf14",
		"performance":                       "1 1670b00c",
		"performance_by_day":                "1 0541eb50",
		"performance_by_offer":              "1 fcf0bbe0",
		"performance_by_affiliate":          "1 2182e635",
		"performance_by_country":            "1 ea1b24d0",
		"fraud_addresses":                   "4 44c45f20",
		"conversion_lookups":                "1 4d666598",
		"conversions_current":               "6 9f65ee41",
		"fx_daily":                          "1 82b26f44",
		"conversions_in":                    "1 92154d81",
		"report_stats":                      "1 d5947a1f",
		"ingest_looked":                     "1 21cc5170",
		"ingest_metrics":                    "6 62c77fa0",
		"ingest_runs_current":               "1 b588ecbd",
	}
	statements, err := Statements("d", map[string]string{"mergetree": "", "replacing:version": "", "durable": "", "no_insert_dedup": "", "rollups": "", "bounded": "", "global": ""})
	if err != nil {
		t.Fatal(err)
	}
	for _, st := range statements {
		if st.View == nil {
			continue
		}
		sum := sha256.Sum256([]byte(st.SQL))
		if got := fmt.Sprintf("%d %s", st.View.Revision, hex.EncodeToString(sum[:4])); got != known[st.Creates] {
			t.Errorf("%s is %q, was %q: raise the revision in its comment, and put the new line here", st.Creates, got, known[st.Creates])
		}
		if !strings.HasPrefix(st.View.Replace, "CREATE OR REPLACE VIEW `d`."+st.Creates) || st.View.Former == st.View.Comment || Revision(st.View.Former) != 0 {
			t.Errorf("%+v", st.View)
		}
		delete(known, st.Creates)
	}
	if len(known) > 0 {
		t.Errorf("no views any more: %v", known)
	}
}
