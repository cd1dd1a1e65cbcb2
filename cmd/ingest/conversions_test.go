package main

import (
	"fmt"
	"net/http/httptest"
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

// reporting is a network whose raw logs are switched off, and a store.
type reporting struct {
	*testing.T
	network *simnet.Network
	dir     string
	env     map[string]string
	out     strings.Builder // of the last command, all of it
}

func newReporting(t *testing.T) *reporting {
	t.Helper()
	dir := t.TempDir()
	network := simnet.WithoutFiles(simnet.Config{ID: "11111", Token: tokenCanary, Seed: 7, Limit: 100_000})
	network.Faults.RetireRawLogs(true)
	server := httptest.NewServer(network)
	t.Cleanup(server.Close)
	return &reporting{T: t, network: network, dir: dir, env: map[string]string{
		"INGEST_STORE":         placed(t, filepath.Join(dir, "store")),
		"HASOFFERS_NETWORK_ID": "11111", "HASOFFERS_NETWORK_TOKEN": tokenCanary, "HASOFFERS_API_URL": server.URL + simnet.APIPath,
	}}
}

// in runs a command and returns what it prints.
func (r *reporting) in(want int, args ...string) string {
	r.Helper()
	var stdout, stderr strings.Builder
	status := run(args, strings.NewReader(""), &stdout, &stderr, func(name string) string {
		if v, ok := r.env[name]; ok {
			return v
		}
		return os.Getenv(name)
	})
	r.out.Reset()
	r.out.WriteString(stdout.String() + stderr.String())
	if status != want || strings.Contains(r.out.String(), "CANARY") {
		r.Fatalf("%q: exit status %d, want %d\n%s", args, status, want, r.out.String())
	}
	return stdout.String()
}

func (r *reporting) sql(query string) string {
	r.Helper()
	return strings.TrimSpace(r.in(exitDone, "sql", "--format", "tsv", query))
}

func (r *reporting) says(words ...string) {
	r.Helper()
	for _, w := range words {
		if !strings.Contains(r.out.String(), w) {
			r.Errorf("no %q in\n%s", w, r.out.String())
		}
	}
}

// happen makes conversions of an hour so many days ago.
func (r *reporting) happen(daysAgo, rows int) (day string, hour time.Time) {
	hour = time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -daysAgo).Add(time.Hour)
	r.network.Happen(hour.String(), gen.Spec{Type: rawlog.Conversions, Hour: hour, Rows: rows})
	return hour.Format(rawlog.DayLayout), hour
}

// A network without raw logs is loaded by its report alone.
func TestConversions(t *testing.T) {
	t.Parallel()
	r := newReporting(t)
	day, hour := r.happen(9, 40)
	r.network.Conversions.Refuse(true, "Stat.session_ip")
	r.in(exitDone, "conversions", "--dry-run", day)
	r.says("listed 1 =", "+ 1 to load", "conversion_report report/conversions-"+day+".csv")
	r.in(exitDone, "conversions", day)
	r.says("network 11111: report of conversions →", "loaded 1 +", "stored 40", "left out:\n  Stat.session_ip")
	if got := r.sql("SELECT count(), uniqExact(id), countIf(offer_name = ''), any(toDate(_hour)) FROM conversion_report"); got != "40\t40\t0\t"+hour.Format(time.DateOnly) {
		t.Error(got)
	}
	if got := r.in(exitDone, "conversions", day, "--json"); !strings.Contains(got, `"already_loaded": 1`) || !strings.Contains(got, `"refused_fields"`) {
		t.Error(got)
	}
	id := mustInt(t, r.sql("SELECT max(id) FROM conversion_report"))
	r.network.Set("Conversion", id, map[string]any{"status": "rejected", "payout": "0"})
	r.in(exitDone, "conversions", day)
	r.says("1 file changed at the source: rows replaced")
	if got := r.sql(fmt.Sprintf("SELECT count(), countIf(id = %d AND status = 'rejected' AND payout = 0) FROM conversion_report", id)); got != "40\t1" {
		t.Error(got)
	}
	r.in(exitDone, "verify")
	r.says("1 file, 40 rows: 0 differences")
	r.in(exitDone, "verify", "--type", "clicks")
	r.says("0 files")
	if got := r.in(exitDone, "status", "--offline"); !strings.Contains(got, "conversion_report") {
		t.Error(got)
	}
	r.in(exitUsage, "backfill", day, "--type", "conversion_report")
	r.in(exitUsage, "conversions", "yesterday")
	// A day whose count does not fit has an issue, which can be ignored.
	r.network.Conversions.Miscount(3)
	r.in(exitIncomplete, "conversions", day)
	r.says("unsteady")
	r.in(exitDone, "ignore", "report/conversions-"+day+".csv", "--reason", "it counts deleted ones")
	r.in(exitDone, "conversions", day)
	r.network.Conversions.Miscount(0)
	for _, q := range documented(t, "conversions.md") {
		r.in(exitDone, "sql", "--format", "tsv", q)
	}
	if got := r.sql("SELECT command, listed_files, loaded FROM (SELECT command, files_listed AS listed_files, loaded, begun FROM ingest_runs_current WHERE command = 'conversions' ORDER BY begun LIMIT 1)"); got != "conversions\t1\t1" {
		t.Error(got)
	}
	// The whole method is refused.
	r.network.Access.Forbid("Report", true)
	r.in(exitIncomplete, "conversions", day)
	r.says("failed 1")
}

// A long day comes as a file, through a link that ends in mid-download, and is the day that its
// pages are: reading those finds nothing new.
func TestConversionsByFile(t *testing.T) {
	t.Parallel()
	n := testkit.Simnet(t, simnet.Config{ID: "11111", Token: tokenCanary, Seed: 7, Limit: 100_000})
	r := &reporting{T: t, network: n.Network, dir: t.TempDir(), env: map[string]string{
		"HASOFFERS_NETWORK_ID": "11111", "HASOFFERS_NETWORK_TOKEN": tokenCanary, "HASOFFERS_API_URL": n.URL,
	}}
	r.env["INGEST_STORE"] = placed(t, filepath.Join(r.dir, "store"))
	day, _ := r.happen(9, 2100)
	n.Downloads.Halve(1)
	r.in(exitDone, "conversions", day)
	r.says("stored 2,100", "download interrupted")
	if calls := n.Usage().Methods; calls["getConversions"] != 1 || calls["getDownloadReportLink"] != 2 {
		t.Errorf("%v", calls)
	}
	r.env["INGEST_CONVERSIONS_BY"] = "pages"
	r.in(exitDone, "conversions", day)
	r.says("already loaded 1")
	r.env["INGEST_CONVERSIONS_BY"] = "auto"
	n.Downloads.Alter(func([]byte) []byte { return []byte("<html>") })
	r.in(exitDone, "conversions", day)
	r.says("already loaded 1", "reading the day's pages")
	n.Downloads.Alter(nil)
	n.Access.Forbid("DownloadReport", true)
	r.in(exitDone, "conversions", day)
	r.says("already loaded 1", "does not give the report of conversions as a file")
	r.env["INGEST_CONVERSIONS_BY"] = "sometimes"
	r.in(exitUsage, "conversions", day)
	r.says("INGEST_CONVERSIONS_BY", "want auto or pages")
}

// A nightly run loads the report beside the logs, and counts both.
func TestRunLoadsTheReport(t *testing.T) {
	t.Parallel()
	r := newReporting(t)
	r.happen(1, 30)
	archive := filepath.Join(r.dir, "archive")
	writeArchive(t, archive, 4)
	r.in(exitDone, "run", "--source", archive)
	if strings.Contains(r.in(exitDone, "status", "--source", archive), "conversion_report") {
		t.Error("who does not load it hears of the report")
	}
	r.in(exitDone, "run", "--conversions-report", "--source", archive, "--dry-run")
	r.says("network 11111: report of conversions", "listed 3 =", "+ 3 to load", "conversion_report report/conversions-")
	if got := r.sql("SELECT count() FROM conversion_report"); got != "0" {
		t.Error(got)
	}
	r.in(exitDone, "run", "--source", archive, "--dry-run")
	if strings.Contains(r.out.String(), "report/conversions-") {
		t.Error(r.out.String())
	}
	r.in(exitDone, "run", "--conversions-report", "--source", archive)
	if got := r.sql("SELECT count(), uniqExact(id) FROM conversion_report"); got != "30\t30" {
		t.Error(got)
	}
	if got := r.sql("SELECT files_listed, loaded, rows FROM ingest_runs_current ORDER BY begun DESC LIMIT 1"); got != "3\t3\t30" {
		t.Error(got)
	}
	if got := r.sql("SELECT count(), countIf(run IN (SELECT run FROM ingest_runs)) FROM ingest_files_current WHERE log_type = 'conversion_report'"); got != "3\t0" {
		t.Errorf("the report was loaded under the name of the load before it: %s", got)
	}
	r.in(exitDone, "status", "--source", archive)
	r.says("conversion_report")
	r.env["INGEST_CONVERSIONS_REPORT"] = "1"
	r.in(exitDone, "run", "--source", archive)
	r.says("already loaded 3")
	r.env["INGEST_CONVERSIONS_REPORT"] = "perhaps"
	r.in(exitUsage, "run", "--source", archive)
	r.says("INGEST_CONVERSIONS_REPORT", "want true, false or only")
	// Without raw logs the report is loaded all the same, and the run says what is missing.
	r.env["INGEST_CONVERSIONS_REPORT"] = "true"
	r.happen(0, 20)
	r.in(exitFailed, "run")
	if got := r.sql("SELECT count(), uniqExact(id) FROM conversion_report"); got != "50\t50" {
		t.Error(got)
	}
}

// Where raw logs are gone for good, the nightly run, check, status and reconcile go by the
// report alone.
func TestReportOnly(t *testing.T) {
	t.Parallel()
	r := newReporting(t)
	day, _ := r.happen(1, 40)
	r.in(exitFailed, "run", "--conversions-report")
	r.says("RawLog")
	r.env["INGEST_CONVERSIONS_REPORT"] = "only"
	r.in(exitDone, "check")
	r.says("network 11111 answers with its report of conversions")
	r.in(exitDone, "run", "--dry-run")
	r.says("conversion_report report/conversions-" + day + ".csv")
	r.in(exitDone, "run", "--dims", "--reconcile")
	r.says("report of conversions", "offers", "agree")
	r.in(exitDone, "status")
	if strings.Contains(r.out.String(), "could not list") {
		r.Error(r.out.String())
	}
	page := filepath.Join(r.dir, "status.html")
	r.in(exitDone, "status", "--html", page)
	if strings.Contains(r.out.String(), "could not list") {
		r.Error(r.out.String())
	}
	approved := r.sql("SELECT count() FROM conversion_report WHERE status = 'approved'")
	// The view of conversions, names and the network's figures are there without a log.
	payout, revenue := r.network.ConversionTotals()
	if got := r.sql("SELECT count(), countIf(status = 'approved'), toFloat64(sum(payout)), toFloat64(sum(revenue)), any(origin), uniqExact(origin), countIf(dictGet('offers', 'name', (network, toUInt64(offer_id))) = '') FROM conversions_current"); got != "40\t"+approved+"\t"+payout+"\t"+revenue+"\treport\t1\t0" {
		r.Errorf("conversions_current: %s", got)
	}
	r.in(exitDone, "stats", day)
	if got := r.sql("SELECT toUInt64(sum(conversions)) FROM report_stats"); got != approved {
		r.Errorf("report_stats: %s conversions, want %s", got, approved)
	}
	r.in(exitDone, "reconcile", day)
	r.says("store " + approved + ", network " + approved + ": agree")
	if strings.Contains(r.out.String(), "clicks") {
		r.Errorf("clicks are compared, of which there are none:\n%s", r.out.String())
	}
	r.in(exitDone, "reconcile", day, "--type", "conversions")
	for _, types := range []string{"clicks", "impressions,conversions"} {
		other, _, _ := strings.Cut(types, ",")
		r.in(exitUsage, "reconcile", day, "--type", types)
		r.says("--type " + other + ": cannot be compared: with conversions_report: only")
		r.in(exitUsage, "run", "--reconcile", "--type", types)
		r.says("--type " + other + ": cannot be compared")
	}

	// A day that differs since it was read says what to do, and that helps.
	id := mustInt(t, r.sql("SELECT max(id) FROM conversion_report WHERE status = 'approved'"))
	r.network.Set("Conversion", id, map[string]any{"status": "rejected"})
	r.in(exitDiffers, "reconcile", day)
	r.says("the day was last read on", "ingest conversions "+day+" reads it again")
	r.in(exitDone, "run", "-q")
	r.in(exitDone, "reconcile", day)
	earlier, _ := r.happen(20, 5)
	r.in(exitDiffers, "reconcile", earlier)
	r.says("never loaded: ingest conversions " + earlier)

	// Sign-in that is refused is found by check; another source has no report.
	r.env["HASOFFERS_NETWORK_TOKEN"] = "NETwrong"
	r.in(exitFailed, "check")
	r.in(exitUsage, "run", "--source", r.dir)
	r.says("INGEST_CONVERSIONS_REPORT: only is for networks without raw logs")
	r.in(exitUsage, "run", "--conversions-report=maybe")
	r.says("want true, false or only")
}
