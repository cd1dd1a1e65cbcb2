package metrics

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/dirs"
	"rawlogs/internal/page"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/runs"
	"rawlogs/internal/status"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

var silent = slog.New(slog.DiscardHandler)

// source is a network's files by name alone.
type source struct {
	files []rawlog.File
	kept  map[rawlog.Type]int
}

func (*source) Name() string { return "source" }

func (s *source) Walk(_ context.Context, types []rawlog.Type, _ []rawlog.Period, visit func(rawlog.File) error) error {
	for _, f := range s.files {
		if err := visit(f); err != nil {
			return err
		}
	}
	return nil
}

func (*source) Open(context.Context, rawlog.File, int64, string) (*dirs.Body, error) {
	return nil, errors.New("nothing is opened here")
}

func (s *source) Retention(context.Context) (map[rawlog.Type]int, error) { return s.kept, nil }

func file(typ rawlog.Type, hour time.Time) rawlog.File {
	return rawlog.File{Type: typ, Name: fmt.Sprintf("%s/%s-%d-x.zip", hour.Format(rawlog.DayLayout), typ, hour.Unix()), Hour: hour, Size: 9}
}

// samples are the exposition's, by name and labels.
func samples(t *testing.T, st *store.Store) map[string]float64 {
	t.Helper()
	var text bytes.Buffer
	if err := Write(t.Context(), st, &text); err != nil {
		t.Fatal(err)
	}
	lint(t, text.String())
	return parse(t, text.String())
}

func parse(t *testing.T, text string) map[string]float64 {
	t.Helper()
	out := map[string]float64{}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
			continue
		}
		at := strings.LastIndexByte(line, ' ')
		value, err := strconv.ParseFloat(strings.TrimSpace(line[at:]), 64)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if _, twice := out[line[:at]]; twice {
			t.Errorf("twice: %s", line)
		}
		out[line[:at]] = value
	}
	return out
}

// lint has promtool read exposition text.
func lint(t *testing.T, text string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), testkit.Command(t, "promtool", "prometheus"), "check", "metrics")
	cmd.Stdin = strings.NewReader(text)
	out, err := cmd.CombinedOutput()
	for line := range strings.Lines(string(out)) {
		// A count of hourly files is no span of time, but promtool reads names only.
		if !strings.HasSuffix(line, "use base unit \"seconds\" instead of \"hours\"\n") {
			t.Errorf("promtool check metrics: %v: %s\n%s", err, line, text)
		}
	}
	if err != nil && len(out) == 0 {
		t.Error(err)
	}
}

// world is a network whose job was down, as status and the metrics see it.
func world(t *testing.T, st *store.Store, network string) (*source, time.Time) {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Hour)
	src := &source{kept: map[rawlog.Type]int{rawlog.Clicks: 9, rawlog.Conversions: 4}}
	var entries []*checkpoint.Entry
	for _, typ := range []rawlog.Type{rawlog.Clicks, rawlog.Conversions} {
		for back := range 24 * 8 {
			hour := now.Add(-time.Duration(back) * time.Hour)
			due := time.Since(hour) > 90*time.Minute
			quiet := back > 40 && hour.Hour() == 4 // the network has nothing to say at night
			if !due || quiet || typ == rawlog.Conversions && back > 24*5-1 {
				continue
			}
			src.files = append(src.files, file(typ, hour))
			e := &checkpoint.Entry{File: file(typ, hour), State: checkpoint.Loaded, Rows: 10, Rejected: 1, Rescued: 2}
			switch {
			case back < 30:
				continue // nobody was there to see it
			case back%17 == 0:
				e.State, e.Rows = checkpoint.Failed, 0
			case back%29 == 0:
				e.State, e.Rows, e.Ignored = checkpoint.Failed, 0, "known"
				e.Issues = []checkpoint.Issue{{Kind: checkpoint.Unloaded, Text: "x"}}
			case back%19 == 0:
				e.State, e.Rows = checkpoint.Planned, 0
			case back%23 == 0:
				e.State = checkpoint.Loading
			}
			entries = append(entries, e)
		}
	}
	if err := checkpoint.Open(st, network).Put(t.Context(), entries); err != nil {
		t.Fatal(err)
	}
	r := runs.New(runs.Command{Name: "run", Release: "v1 abc"}, network, "r1", nil, silent)
	r.Begin(t.Context(), st)
	day := rawlog.DayOf(now).From
	r.Result = runs.Result{
		Listing:   runs.Listing{Types: []rawlog.Type{rawlog.Clicks, rawlog.Conversions}, Days: []rawlog.Period{{From: day.AddDate(0, 0, -9), To: day.AddDate(0, 0, 2)}}, At: now.Add(-30*time.Hour + 91*time.Minute)},
		Kept:      src.kept,
		Differing: map[rawlog.Type]uint64{rawlog.Clicks: 0, rawlog.Conversions: 7},
	}
	if err := r.End(t.Context(), st, 3, errors.New("some files have issues")); err != nil {
		t.Fatal(err)
	}
	return src, now
}

// What status says of a network and what its metrics say is the same.
func TestAgreesWithStatus(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	src, _ := world(t, st, "acme")
	world(t, st, "beta")
	report, err := status.Of(t.Context(), st, status.Question{Network: "acme", Types: rawlog.Types(), Source: func() (dirs.Source, error) { return src, nil }, Now: time.Now(), Log: silent})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{}
	for _, typ := range []string{"clicks", "conversions"} {
		for _, name := range []string{"ingest_missing_hours{%s}", "ingest_rows{%s}", "ingest_rejected_rows{%s}", "ingest_rescued_rows{%s}"} {
			want[fmt.Sprintf(name, `network="acme",type="`+typ+`"`)] = 0
		}
	}
	failed := map[string]float64{}
	for _, d := range report.Days {
		of := `network="acme",type="` + d.Type + `"`
		want["ingest_missing_hours{"+of+"}"] += float64(*d.Missing)
		want["ingest_rows{"+of+"}"] += float64(d.Rows)
		want["ingest_rejected_rows{"+of+"}"] += float64(d.Rejected)
		want["ingest_rescued_rows{"+of+"}"] += float64(d.Rescued)
		for state, n := range map[string]int64{"loaded": d.Loaded, "loading": d.Loading} {
			want[`ingest_files{network="acme",state="`+state+`",type="`+d.Type+`"}`] += float64(n)
		}
		failed[d.Type] += float64(d.Failed)
	}
	expires := regexp.MustCompile(`^(\w+) of \d+ (?:expire in (\d+) days|may be deleted by the network any time): (\d+) files`)
	for _, typ := range []string{"clicks", "conversions"} {
		for _, within := range []int{1, 3, 7} {
			key := fmt.Sprintf(`ingest_hours_lost_within{days="%d",network="acme",type="%s"}`, within, typ)
			want[key] = 0
			for _, text := range report.Warnings {
				m := expires.FindStringSubmatch(text)
				if m == nil {
					t.Fatalf("status says %q", text)
				}
				left, _ := strconv.Atoi(m[2]) // any time: 0
				if n, _ := strconv.Atoi(m[3]); m[1] == typ && left <= within {
					want[key] += float64(n)
				}
			}
		}
	}
	got := samples(t, st)
	for typ, n := range failed { // status counts the ignored ones among them
		of := func(state string) string {
			return `ingest_files{network="acme",state="` + state + `",type="` + typ + `"}`
		}
		if got[of("ignored")] == 0 || got[of("failed")]+got[of("ignored")] != n {
			t.Errorf("%s: %v failed and %v ignored, status says %v", typ, got[of("failed")], got[of("ignored")], n)
		}
	}
	for key, n := range want {
		if v, ok := got[key]; !ok || v != n {
			t.Errorf("%s is %v (%v), status says %v", key, v, ok, n)
		}
		if other := strings.Replace(key, "acme", "beta", 1); got[other] != got[key] {
			t.Errorf("%s is %v, of the same network under another name %v", key, got[key], got[other])
		}
	}
	if missing := want[`ingest_missing_hours{network="acme",type="clicks"}`]; missing < 28 || want[`ingest_hours_lost_within{days="7",network="acme",type="clicks"}`] == 0 {
		t.Errorf("the scenario is too easy: %v", want)
	}
}

// The page of the status, without the source as browsers get it, counts the same hours,
// whatever gaps there are.
func TestAgreesWithPage(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	_, now := world(t, st, "acme")
	// Two nights a day apart, long ago: the day between them is gone, and nobody waits for
	// the year after.
	var old []*checkpoint.Entry
	for _, hours := range []int{0, 24} {
		old = append(old, &checkpoint.Entry{File: file(rawlog.Clicks, now.Add(-time.Duration(24*500-hours)*time.Hour)), State: checkpoint.Loaded, Rows: 10})
	}
	if err := checkpoint.Open(st, "acme").Put(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	d, err := page.Start(t.Context(), st, "1")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Add(t.Context(), st, page.Question{Network: "acme"}); err != nil {
		t.Fatal(err)
	}
	n, got := d.Networks[0], samples(t, st)
	sum := func(states ...page.State) (hours float64) {
		for _, s := range states {
			hours += float64(n.Sums[string(s)])
		}
		return hours
	}
	metric := func(name string, labels string) (all float64) {
		for _, typ := range []string{"clicks", "conversions"} {
			all += got[name+`{network="acme",`+labels+`type="`+typ+`"}`]
		}
		return all
	}
	open := metric("ingest_missing_hours", "") + metric("ingest_files", `state="failed",`) + metric("ingest_files", `state="loading",`)
	if hours := sum(page.Missing, page.Failed, page.Loading, page.Soon); hours != open {
		t.Errorf("%v hours are open on the page, %v in the metrics: %v", hours, open, n.Sums)
	}
	// Of conversions, which are kept for 4 days, what is older and not loaded is gone by both.
	if gone := sum(page.Gone); gone != metric("ingest_gone_hours", "") || gone < 23 {
		t.Errorf("%v hours are gone on the page, %v in the metrics", gone, metric("ingest_gone_hours", ""))
	}
	if sum(page.Empty) == 0 || n.Looked == 0 || n.Looked > d.Made {
		t.Errorf("%v hours without a file; last looked at %d", sum(page.Empty), n.Looked)
	}
}

// What is told of runs, comparisons, leases and the build.
func TestRunsInMetrics(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	if got := samples(t, st); len(got) != 0 {
		t.Errorf("of an empty store: %v", got)
	}
	_, now := world(t, st, "acme")
	for _, sql := range []string{
		"INSERT INTO ingest_runs (network, run, command, begun, alive_until, version) SELECT 'acme', 'r2', 'run', now64(3) - 500, now64(3) - 300, 1",
		"INSERT INTO ingest_runs (network, run, command, begun, ended, exit_status, version) SELECT 'old', 'r', 'run', now64(3) - INTERVAL 91 DAY, now64(3) - INTERVAL 91 DAY, 0, 1",
		"INSERT INTO ingest_files (network, log_type, file, hour, state, version) VALUES ('old', 'clicks', 'f', now() - INTERVAL 99 DAY, 'failed', 1), ('new', 'clicks', 'f', now(), 'loaded', 1)",
		"INSERT INTO ingest_leases (network, run, state, since, expires, seq) SELECT 'acme', 'r2', 'held', now64(3) - 500, now64(3) - 300, 1",
		"INSERT INTO ingest_leases (network, run, state, since, expires, seq) SELECT 'acme', 'r1', arrayJoin(['held', 'released']), now64(3) - 500, now64(3) - 300, rowNumberInAllBlocks() + 1",
	} {
		if err := st.Conn().Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	got := samples(t, st)
	unix := float64(now.Unix())
	for key, about := range map[string]float64{
		`ingest_last_success_timestamp_seconds{network="acme"}`:                     unix,
		`ingest_last_run_timestamp_seconds{network="acme",status="incomplete"}`:     unix,
		`ingest_last_run_timestamp_seconds{network="acme",status="died"}`:           unix,
		`ingest_run_duration_seconds{command="run",network="acme"}`:                 0,
		`ingest_reconcile_difference_rows{network="acme",type="clicks"}`:            0,
		`ingest_reconcile_difference_rows{network="acme",type="conversions"}`:       7,
		`ingest_lease_expires_timestamp_seconds{network="acme",worker=""}`:          unix,
		`ingest_build_info{commit="",version=""}`:                                   1, // of the last run, which is younger than r1
		`ingest_files{network="new",state="loaded",type="clicks"}`:                  1,
		`ingest_newest_loaded_hour_timestamp_seconds{network="acme",type="clicks"}`: unix - 31*3600,
	} {
		slack := 0.0
		if about > 1e6 {
			slack = 2 * 3600
		}
		if strings.Contains(key, "duration") {
			slack = 60
		}
		if v, ok := got[key]; !ok || v < about-slack || v > about+slack+1e-9 {
			if strings.Contains(key, "build_info") {
				key, ok = `ingest_build_info{commit="abc",version="v1"}`, got[`ingest_build_info{commit="abc",version="v1"}`] == 1
			}
			if !ok {
				t.Errorf("%s is %v, want about %v", key, v, about)
			}
		}
	}
	for key := range got {
		if strings.Contains(key, `"old"`) {
			t.Errorf("a network that was given up: %s", key)
		}
	}
}

// Of the report of conversions there are files, and no hours beside its days that anybody
// would miss. Who does not load it has no metrics of it.
func TestReportInMetrics(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	for _, sql := range []string{
		// A load of raw logs that fails is not covered up by one of the report that does not.
		`INSERT INTO ingest_runs (network, run, command, begun, ended, exit_status, version) VALUES ('acme', 'r', 'conversions', now64(3), toDateTime64('2100-01-01 00:00:00', 3, 'UTC'), 0, 1),
			('acme', 's', 'run', now64(3), toDateTime64('2099-01-01 00:00:00', 3, 'UTC'), 1, 1), ('beta', 't', 'firehose', now64(3), toDateTime64('2100-01-01 00:00:00', 3, 'UTC'), 3, 1)`,
		`INSERT INTO ingest_files (network, log_type, file, hour, state, rows, version)
			SELECT 'acme', 'conversion_report', toString(number), toDateTime(toDate(now('UTC')) - number, 'UTC'), if(number = 2, 'failed', 'loaded'), 10, 1 FROM numbers(5) UNION ALL
			SELECT 'beta', 'clicks', 'f', now(), 'loaded', 1, 1`,
	} {
		if err := st.Conn().Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	got := samples(t, st)
	for key, want := range map[string]float64{
		`ingest_files{network="acme",state="loaded",type="conversion_report"}`: 4, `ingest_files{network="acme",state="failed",type="conversion_report"}`: 1,
		`ingest_rows{network="acme",type="conversion_report"}`: 50, `ingest_missing_hours{network="acme",type="conversion_report"}`: 0, `ingest_gone_hours{network="acme",type="conversion_report"}`: 0,
		`ingest_last_success_timestamp_seconds{network="acme"}`: 4102444800, `ingest_last_success_timestamp_seconds{network="beta"}`: 4102444800,
		`ingest_last_run_timestamp_seconds{command="conversions",network="acme",status="done"}`:    4102444800,
		`ingest_last_run_timestamp_seconds{network="acme",status="failed"}`:                        4070908800,
		`ingest_last_run_timestamp_seconds{command="firehose",network="beta",status="incomplete"}`: 4102444800,
	} {
		if v, ok := got[key]; !ok || v != want {
			t.Errorf("%s is %v, want %v; there are %v", key, v, want, got)
		}
	}
	for key := range got {
		if strings.Contains(key, `"beta"`) && strings.Contains(key, "conversion_report") {
			t.Errorf("a network that does not load it: %s", key)
		}
	}
}

// ClickHouse itself answers with the same text to the user who may only read, whatever
// is in a label, and so is the file.
func TestExposition(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	world(t, st, "acme")
	world(t, st, "a\"b\\c\nd")
	ep, _ := st.Engine()
	ep = ep.AsReader()
	query := strings.Replace(scraped(t), "rawlogs.", st.Database()+".", 1)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+ep.HTTPAddr+"/?query="+url.QueryEscape(query), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(ep.User, ep.Password)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.Body.Close() != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%v %s\n%s", err, resp.Status, body)
	}
	if got := resp.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/plain; version=0.0.4") {
		t.Errorf("Prometheus refuses the type %q", got)
	}
	lint(t, string(body))
	dir := t.TempDir()
	if err := WriteFile(t.Context(), st, dir); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, FileName))
	if err != nil {
		t.Fatal(err)
	}
	served, ours := parse(t, string(body)), parse(t, string(text))
	if len(served) != len(ours) || len(ours) < 40 {
		t.Errorf("%d samples served, %d written", len(served), len(ours))
	}
	for key, value := range ours {
		if v, ok := served[key]; !ok || v != value {
			t.Errorf("%s is %v (%v) as it is served, and %v in the file", key, v, ok, value)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, FileName)); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("in the folder are %v, %v", left, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := WriteFile(ctx, st, dir); err == nil {
		t.Error("no error")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("after an error, in the folder are %v, %v", left, err)
	}
}

const contrib = "../../contrib/prometheus"

// scraped is the statement of the prometheus.yml that we hand out.
func scraped(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(contrib, "prometheus.yml"))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`query: \["(.*)"\]`).FindSubmatch(text)
	if m == nil {
		t.Fatal("no query in prometheus.yml")
	}
	return string(m[1])
}

// The files for Prometheus are what it reads, and the alerts come when they should.
func TestRules(t *testing.T) {
	t.Parallel()
	promtool := testkit.Command(t, "promtool", "prometheus")
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(contrib)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "clickhouse.password"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"check", "rules", "--lint-fatal", "ingest.rules.yml"}, {"check", "config", "prometheus.yml"}, {"test", "rules", "ingest.rules.test.yml"},
	} {
		cmd := exec.CommandContext(t.Context(), promtool, args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	rules, err := os.ReadFile(filepath.Join(dir, "ingest.rules.yml"))
	if err != nil {
		t.Fatal(err)
	}
	known, err := os.ReadFile("../../schema/009_metrics.sql")
	if err != nil {
		t.Fatal(err)
	}
	tests, err := os.ReadFile(filepath.Join(dir, "ingest.rules.test.yml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range regexp.MustCompile(`\bingest_[a-z_]+\b`).FindAllString(string(rules), -1) {
		if !strings.Contains(string(known), "'"+name+"'") {
			t.Errorf("a rule is about %s, which is no metric", name)
		}
	}
	for _, m := range regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(string(rules), -1) {
		if !strings.Contains(string(tests), "alertname: "+m[1]+"\n") {
			t.Errorf("the alert %s has no test", m[1])
		}
	}
}
