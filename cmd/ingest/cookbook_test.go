package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
)

// mayBeEmpty are the queries of the cookbook that look for what should not be.
var mayBeEmpty = regexp.MustCompile(`HAVING count\(\) > 1|least = [0-9]{2}|HAVING clicks >= 100`)

// TestCookbook runs every query of the SQL cookbook over a day and a half of
// made-up logs, of one network, then of two that share every id, and then as
// analysts whose profiles are set otherwise. The dashboards of contrib/grafana
// and the dbt package of contrib/dbt are of the same store.
func TestCookbook(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	archive := filepath.Join(dir, "archive")
	writeArchive(t, archive, 36)
	path := filepath.Join(dir, "store")
	addReader(t, path)
	server := held(t, path)
	in := func(args ...string) (int, string, string) {
		var stdout, stderr bytes.Buffer
		args = append(args, "--store", "embedded:"+path, "--source", archive)
		status := run(args, strings.NewReader(""), &stdout, &stderr, os.Getenv)
		return status, stdout.String(), stderr.String()
	}
	load := func(args ...string) {
		t.Helper()
		if status, stdout, stderr := in(append(args, "backfill", "2016", "-q")...); status != exitIncomplete { // broken lines
			t.Fatalf("backfill: exit status %d\n%s%s", status, stdout, stderr)
		}
	}
	queries := documented(t, "sql-cookbook.md")
	if len(queries) < 15 {
		t.Fatalf("found %d queries in the cookbook", len(queries))
	}
	load("--network", "acme")
	alone := map[string]string{}
	for _, q := range queries {
		status, stdout, stderr := in("sql", "--format", "tsv", q)
		if status != exitDone {
			t.Errorf("%s\n%s", q, stderr)
		}
		if stdout == "" && !mayBeEmpty.MatchString(q) {
			t.Errorf("no rows from\n%s", q)
		}
		alone[q] = stdout
	}
	// The other network's datetimes are four hours off, so that joins across
	// networks show.
	load("--network", "beta", "--timezone", "America/New_York")
	for _, q := range queries {
		if strings.Contains(q, "system.parts") {
			continue
		}
		_, stdout, _ := in("sql", "--format", "tsv", q)
		for line := range strings.Lines(stdout) {
			if !strings.HasPrefix(line, "beta\t") && !strings.Contains(alone[q], line) {
				t.Errorf("two networks are mixed: %sby\n%s", line, q)
				break
			}
		}
	}
	t.Run("rows", func(t *testing.T) { sameAsRows(t, server.Endpoint(), queries) })
	t.Run("dashboards", func(t *testing.T) { dashboards(t, server) })
	t.Run("dbt", func(t *testing.T) { dbtPackage(t, server) })
	t.Run("clients", func(t *testing.T) { clients(t, server) })
	sameUnderSettings(t, path, queries)
}

// writeArchive writes the first hours of September 9, 2016, of all three types
// into a folder.
func writeArchive(t *testing.T, folder string, hours int) {
	t.Helper()
	start := time.Date(2016, 9, 9, 0, 0, 0, 0, time.UTC)
	logs := gen.New(gen.Config{Seed: 7, Clicks: 100, Since: start})
	for h := range hours {
		hour := start.Add(time.Duration(h) * time.Hour)
		for _, typ := range rawlog.Types() {
			path := filepath.Join(folder, gen.FileName(typ, hour, 7))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			f, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			spec := gen.Spec{Type: typ, Hour: hour}
			if h == 1 {
				spec.Broken = 2
				spec.Unknown = []gen.UnknownColumn{{Name: "traffic_quality", At: 9, Values: []string{"high", "low"}}}
			}
			if _, err := logs.WriteZip(f, "log.csv", spec); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}
