package asked

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestExpand(t *testing.T) {
	t.Parallel()
	c := Choice{From: time.Unix(100, 0), To: time.Unix(200, 0), Variables: map[string][]string{"offer": {"acme/1", "acme/2"}}}
	for sql, want := range map[string]string{
		"SELECT 1 WHERE $__timeFilter(datetime)":                          "SELECT 1 WHERE datetime >= toDateTime(100) AND datetime <= toDateTime(200)",
		"WHERE $__timeFilter(toStartOfHour(t))":                           "WHERE toStartOfHour(t) >= toDateTime(100) AND toStartOfHour(t) <= toDateTime(200)",
		"d > toDate($__fromTime, 'UTC') AND d < toDate($__toTime, 'UTC')": "d > toDate(toDateTime(100), 'UTC') AND d < toDate(toDateTime(200), 'UTC')",
		"$__conditionalAll(network IN (${network:singlequote}), $network) AND $__conditionalAll(concat(network, '/', o) IN (${offer:singlequote}), $offer)": "1=1 AND concat(network, '/', o) IN ('acme/1','acme/2')",
		"$__conditionalAll(o IN (SELECT arrayJoin([${offer:singlequote}])), $offer)":                                                                        "o IN (SELECT arrayJoin(['acme/1','acme/2']))",
		"$__conditionalAll(network, $offer)": "",
		"$__conditionalAll(network)":         "",
		"$__unknown":                         "",
	} {
		got, err := c.Expand(sql)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s:\n got %s, %v\nwant %s", sql, got, err, want)
		}
	}
}

func TestDocument(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.md")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("# T\n\nFirst:\n\n```sql\nSELECT 1\n```\n\nLong paragraph\nand its end:\n\n```sql\nSELECT 2\n\nFROM t\n```\n")
	got, err := Document(path)
	if err != nil || len(got) != 2 || got[0] != (Question{"First", "SELECT 1"}) || got[1] != (Question{"and its end", "SELECT 2\n\nFROM t"}) {
		t.Errorf("%q, %v", got, err)
	}
	write("```sql\nSELECT 1\n```\n")
	if got, err := Document(path); err == nil {
		t.Errorf("a query without a paragraph: %q", got)
	}
}

// All that is in the repository can be read.
func TestRepository(t *testing.T) {
	t.Parallel()
	cookbook, err := Document("../../../docs/sql-cookbook.md")
	if err != nil || len(cookbook) < 20 {
		t.Errorf("%d queries of the cookbook, %v", len(cookbook), err)
	}
	text, err := os.ReadFile("../../../docs/sql-cookbook.md")
	if timed := regexp.MustCompile("\n```\n\n\\*[0-9.]+ s\\*\n").FindAll(text, -1); err != nil || len(timed) != len(cookbook) {
		t.Errorf("%d of %d queries of the cookbook have the time that they take, %v", len(timed), len(cookbook), err)
	}
	panels, err := Dashboards("../../../contrib/grafana/dashboards", Choice{From: time.Unix(0, 0), To: time.Unix(1, 0)})
	if err != nil || len(panels) < 10 {
		t.Errorf("%d questions of the dashboards, %v", len(panels), err)
	}
	for _, q := range append(cookbook, panels...) {
		if q.Name == "" || !strings.Contains(q.SQL, "SELECT") {
			t.Errorf("%+v", q)
		}
	}
}
