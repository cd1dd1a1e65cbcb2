package metrics

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/dirs"
	"rawlogs/internal/page"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/status"
	"rawlogs/internal/testkit"
)

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
