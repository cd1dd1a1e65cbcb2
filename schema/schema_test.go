package schema

import (
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
	clauses := map[string]string{"mergetree": "MergeTree", "on_cluster": "", "replacing:version": "ReplacingMergeTree(version)"}
	got, err := fill("CREATE TABLE {database}.t {on_cluster} (x {n}) ENGINE = {mergetree}, {replacing:version}", "a`b", map[string]string{"n": "Int8", "mergetree": clauses["mergetree"], "on_cluster": "", "replacing:version": clauses["replacing:version"]})
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

func TestTitle(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string][2]string{
		"CREATE TABLE IF NOT EXISTS {database}.clicks {on_cluster}\n(": {"CREATE TABLE clicks", "clicks"},
		"CREATE VIEW IF NOT EXISTS {database}.a_b AS SELECT 1":         {"CREATE VIEW a_b", "a_b"},
		"ALTER TABLE {database}.clicks ADD COLUMN IF NOT EXISTS x":     {"ALTER TABLE clicks ADD COLUMN", ""},
	} {
		if got, creates := title(sql); got != want[0] || creates != want[1] {
			t.Errorf("%q: %q, %q; want %q", sql, got, creates, want)
		}
	}
}
