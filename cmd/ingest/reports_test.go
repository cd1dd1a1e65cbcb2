package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/sim/simnet"
	"rawlogs/internal/testkit"
)

// TestReportsReconcileAndEvolve drives stats, reconcile and schema evolve as a
// person does, on a network that lost a file.
func TestReportsReconcileAndEvolve(t *testing.T) {
	t.Parallel()
	net := testkit.Simnet(t, simnet.Config{Seed: 9, Limit: 10_000})
	day := time.Date(2016, 9, 9, 0, 0, 0, 0, time.UTC)
	for h := range 24 {
		for _, typ := range []rawlog.Type{rawlog.Clicks, rawlog.Conversions} {
			hour := day.Add(time.Duration(h) * time.Hour)
			spec := gen.Spec{Type: typ, Hour: hour, Rows: 20 + h, Unknown: []gen.UnknownColumn{{Name: "traffic_quality", At: 20, Values: []string{"good", "bad"}}}}
			if _, err := net.Publish(t.Context(), gen.FileName(typ, hour, 9), spec); err != nil {
				t.Fatal(err)
			}
		}
	}
	lost := day.Add(5 * time.Hour)
	net.Unlist(rawlog.Clicks, gen.FileName(rawlog.Clicks, lost, 9))
	env := map[string]string{"INGEST_STORE": placed(t, filepath.Join(t.TempDir(), "store")), "HASOFFERS_RATE_LIMIT": "1000/1s"}
	for _, pair := range net.Env() {
		name, value, _ := strings.Cut(pair, "=")
		env[name] = value
	}
	in := func(want int, args ...string) (string, string) {
		t.Helper()
		var stdout, stderr bytes.Buffer
		getenv := func(name string) string {
			if v, ok := env[name]; ok {
				return v
			}
			return os.Getenv(name)
		}
		if status := run(args, strings.NewReader(""), &stdout, &stderr, getenv); status != want {
			t.Fatalf("ingest %s: exit status %d, want %d\n%s%s", strings.Join(args, " "), status, want, &stdout, &stderr)
		}
		return stdout.String(), stderr.String()
	}
	has := func(text string, parts ...string) {
		t.Helper()
		for _, p := range parts {
			if !strings.Contains(text, p) {
				t.Errorf("no %q in\n%s", p, text)
			}
		}
	}
	in(exitDone, "backfill", "20160909", "-q")

	out, _ := in(exitDone, "stats", "20160909", "--field", "Stat.gross_clicks,Stat.payout", "--group", "Stat.hour", "--totals")
	has(out, "Stat.gross_clicks", "total Stat.gross_clicks: 756", "24 rows of 1 day by 1 call: stored in report_stats as question ")
	out, _ = in(exitDone, "sql", "--format", "tsv", "SELECT count(), sum(gross_clicks), any(question_text) FROM report_stats")
	has(out, "24\t756\tnetwork: Stat.gross_clicks, Stat.payout by Stat.date, Stat.hour")
	_, stderr := in(exitUsage, "stats", "20160909", "--field", "Stat.click")
	has(stderr, `unknown field "Stat.click": did you mean Stat.clicks?`, "fields: Stat.date", "Stat.gross_clicks")
	_, stderr = in(exitUsage, "stats", "20160909", "--filter", "Stat.payout OVER 9")
	has(stderr, `unknown operator "OVER"`, "GREATER_THAN (>)")
	_, stderr = in(exitUsage, "stats", "20160909", "--as", "nobody")
	has(stderr, "affiliate, advertiser")

	out, stderr = in(exitDiffers, "reconcile", "20160909")
	has(out, "clicks", "731", "756", "-25", "file missing", "2016-09-09 05:00 (UTC 2016-09-09 05:00)", "conversions 2016-09-09..2016-09-09 (UTC)", ": agree")
	has(stderr, "differ beyond the tolerance in 1 line")
	out, _ = in(exitDone, "reconcile", "20160909", "--tolerance", "5%", "--by", "day", "--type", "clicks")
	has(out, "(within the tolerance)")
	out, _ = in(exitDiffers, "reconcile", "20160909", "--by", "hour", "--json")
	var decoded struct {
		Beyond  int
		Reports []struct {
			Lines []struct {
				Hour       *int
				Difference int
				Reasons    []struct{ Kind, Text string }
			}
		}
	}
	if err := json.Unmarshal([]byte(out), &decoded); err != nil || decoded.Beyond != 1 {
		t.Fatalf("%v: %s", err, out)
	}
	for _, l := range decoded.Reports[0].Lines {
		if l.Difference != 0 && (*l.Hour != 5 || l.Difference != -25 || len(l.Reasons) != 1 || l.Reasons[0].Kind != "file missing") {
			t.Errorf("%+v", l)
		}
	}
	out, _ = in(exitDiffers, "reconcile", "20160909", "--not-counted", "blocked")
	has(out, `access_control_decision: no row has "blocked", which not_counted names`)
	_, stderr = in(exitUsage, "reconcile", "20160909", "--not-counted", "deny,")
	has(stderr, "--not-counted", "a word is missing")
	in(exitUsage, "reconcile", "20160909", "--by", "minute")
	in(exitUsage, "reconcile", "20160909", "--tolerance", "some")
	in(exitUsage, "reconcile")

	// Every query of these pages runs.
	for _, page := range []string{"reports.md", "reconcile.md", "schema-evolution.md"} {
		for _, q := range documented(t, page) {
			in(exitDone, "sql", q)
		}
	}

	out, _ = in(exitDone, "schema", "drift", "--unused", "1")
	has(out, "traffic_quality", "2016-09-09 00:00", "2016-09-09 23:00", "evolve would make LowCardinality(String)", "clicks.odin never had a value")
	out, _ = in(exitDone, "schema", "evolve", "--dry-run")
	has(out, "column to make", "731")
	out, _ = in(exitDone, "schema", "evolve")
	has(out, "column made", "2 columns")
	out, _ = in(exitDone, "sql", "--format", "tsv", "SELECT countIf(traffic_quality IN ('good', 'bad')), countIf(notEmpty(_rescued)) FROM clicks")
	has(out, "731\t0")
	out, _ = in(exitDone, "schema", "drift")
	has(out, "0 headers in _rescued")
}

// TestRunReconciles loses a file of the day before yesterday, whose hours are
// all due whenever the test runs.
func TestRunReconciles(t *testing.T) {
	t.Parallel()
	net := testkit.Simnet(t, simnet.Config{Seed: 9, Limit: 10_000})
	day := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -2)
	for h := range 24 {
		hour := day.Add(time.Duration(h) * time.Hour)
		if _, err := net.Publish(t.Context(), gen.FileName(rawlog.Clicks, hour, 9), gen.Spec{Type: rawlog.Clicks, Hour: hour, Rows: 5 + h}); err != nil {
			t.Fatal(err)
		}
	}
	net.Unlist(rawlog.Clicks, gen.FileName(rawlog.Clicks, day.Add(9*time.Hour), 9))
	path := filepath.Join(t.TempDir(), "store")
	hold(t, path)
	env := map[string]string{"INGEST_STORE": "embedded:" + path, "HASOFFERS_RATE_LIMIT": "1000/1s"}
	for _, pair := range net.Env() {
		name, value, _ := strings.Cut(pair, "=")
		env[name] = value
	}
	in := func(args ...string) (int, string) {
		var out bytes.Buffer
		getenv := func(name string) string {
			if v, ok := env[name]; ok {
				return v
			}
			return os.Getenv(name)
		}
		return run(args, strings.NewReader(""), &out, &out, getenv), out.String()
	}
	if status, out := in("run", "-q", "--reconcile", "--tolerance", "x"); status != exitUsage || strings.Contains(out, "listed") {
		t.Errorf("a wrong tolerance: exit status %d\n%s", status, out)
	}
	status, out := in("run", "-q", "--reconcile", "--type", "clicks")
	if status != exitDiffers || !strings.Contains(out, "file missing -14: no file for "+day.Format(time.DateOnly)+" 09:00") {
		t.Errorf("exit status %d\n%s", status, out)
	}
	if status, out := in("run", "-q", "--reconcile", "--type", "clicks", "--tolerance", "14"); status != exitDone {
		t.Errorf("within the tolerance: exit status %d\n%s", status, out)
	}

	// All steps share one client, and so one rate window, and one connection.
	status, out = in("run", "-v", "--dims", "--reconcile", "--type", "clicks", "--tolerance", "14")
	if status != exitDone || !strings.Contains(out, "offers") || !strings.Contains(out, "conversions changed") || !strings.Contains(out, "within the tolerance") {
		t.Errorf("with names: exit status %d\n%s", status, out)
	}
	for line := range strings.Lines(out) {
		if strings.Contains(line, " msg=\"file ") && !strings.Contains(line, "network="+env["HASOFFERS_NETWORK_ID"]+" run=") {
			t.Errorf("which run is %s", line)
		}
	}
	_, reloaded := in("reload", "-v", day.Format("20060102"), "--type", "clicks")
	for _, told := range []string{"msg=\"file planned\"", "msg=\"file fetched\"", "msg=insert ", "msg=\"file loaded\""} {
		if !strings.Contains(reloaded, told) {
			t.Errorf("no %s in\n%s", told, reloaded)
		}
	}
	for _, once := range []string{"calling the API", "store opened"} {
		if n := strings.Count(out, once); n != 1 {
			t.Errorf("%q %d times in\n%s", once, n, out)
		}
	}
}
