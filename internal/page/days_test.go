package page

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/testkit"
)

// ledger puts days of the report into the ledger: their states from a day on, and as many
// rows of each into the table as it is said to have.
func (r *rig) ledger(from time.Time, states ...string) {
	r.Helper()
	for i, state := range states {
		f := rawlog.ReportDay(from.AddDate(0, 0, i))
		rows := 0
		if strings.HasPrefix(state, "loaded") {
			rows = 4
		}
		for _, sql := range []string{
			fmt.Sprintf("INSERT INTO ingest_files (network, log_type, file, hour, state, rows, issues, issue_texts, issue_since, version) SELECT 'acme', 'conversion_report', '%s', '%s', '%s', %d, %s, now(), 1",
				f.Name, f.Hour.Format(time.DateTime), strings.TrimSuffix(state, "!"), rows, map[bool]string{true: "['unsteady'], ['it has 9 of 10']", false: "[], []"}[strings.HasSuffix(state, "!")]),
			fmt.Sprintf("INSERT INTO conversion_report (network, _hour, _file) SELECT 'acme', '%s', '%s' FROM numbers(%d)", f.Hour.Format(time.DateTime), f.Name, rows),
		} {
			if err := r.st.Conn().Exec(r.Context(), sql); err != nil {
				r.Fatal(err)
			}
		}
	}
}

func (n Network) calendar(typ rawlog.Type) *Calendar {
	for i := range n.Types {
		if n.Types[i].Type == string(typ) {
			return &n.Types[i]
		}
	}
	return nil
}

// Days of the report of conversions have states of their own, and no day is expected.
func TestDays(t *testing.T) {
	t.Parallel()
	r := &rig{T: t, root: t.TempDir(), st: testkit.Database(t)}
	r.put(rawlog.Clicks, at(0), r.text(at(0), 10, ""))
	r.load()
	q := Question{Source: r.source, Now: func() time.Time { return at(24*3 + 5) }}
	if n := r.gather(q); n.calendar(rawlog.ConversionReport) != nil || len(n.DaySums) > 0 {
		t.Errorf("nobody loads the report: %+v", n.Types)
	}
	r.ledger(morning.AddDate(0, 0, -2), "loaded", "failed", "loaded!", "loading")
	r.ledger(morning.AddDate(0, 0, 3), "planned")
	if err := r.st.Conn().Exec(t.Context(), "DELETE FROM conversion_report WHERE _file = 'report/conversions-20160907.csv'"); err != nil {
		t.Fatal(err)
	}
	n := r.gather(q)
	day := func(state string) string { return strings.Repeat(state, 24) }
	want := day("d") + day("f") + day("n") + day("w") + day(".") + day("m")
	if got := n.of(rawlog.ConversionReport, morning.AddDate(0, 0, -2), 24*6); got != want {
		t.Errorf("%s; want %s", got, want)
	}
	c := n.calendar(rawlog.ConversionReport)
	if !c.Daily || c.Loader != "conversions" || !c.Count || c.First+24*6 != morning.AddDate(0, 0, 4).Unix()/hourSeconds {
		t.Errorf("%+v", c)
	}
	if line := c.Files[2]; !strings.HasPrefix(line, "0,n,4,") || !strings.HasSuffix(line, ",24,/report/conversions-20160909.csv") {
		t.Errorf("a day's file is %q", line)
	}
	if fmt.Sprint(n.DaySums) != "map[d:1 f:1 m:1 n:1 w:1]" || n.Sums["l"] != 1 {
		t.Errorf("days %v, hours %v", n.DaySums, n.Sums)
	}
	if len(n.Issues) != 1 || n.Issues[0].Type != "conversion_report" || n.Issues[0].Text != "it has 9 of 10" {
		t.Errorf("%+v", n.Issues)
	}
	if h := n.Headline; h.Level != "bad" || !strings.HasSuffix(h.Text, "1 day of the report is missing, 1 day of the report failed") || !strings.Contains(h.More, "1 day of the report with rejected or rescued") {
		t.Errorf("%+v", h)
	}
}

// A network that has nothing but the report is spoken of by days.
func TestDaysAlone(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		states      []string
		after       int // hours, since the newest day began
		level, text string
	}{
		"up to date":      {[]string{"loaded", "loaded"}, 27, "good", "The report of conversions is loaded until 10 September 2016"},
		"no longer":       {[]string{"loaded", "loaded"}, 51, "warn", "The report of conversions is loaded until 10 September 2016"},
		"a day failed":    {[]string{"failed", "loaded"}, 5, "bad", "1 day of the report failed"},
		"two days failed": {[]string{"failed", "failed"}, 5, "bad", "2 days of the report failed"},
		"at work":         {[]string{"loaded", "loading"}, 5, "warn", "1 day of the report not loaded yet: a run is at work, or died"},
		"none":            {nil, 5, "warn", "Nothing is loaded yet"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &rig{T: t, root: t.TempDir(), st: testkit.Database(t)}
			r.ledger(morning, tc.states...)
			n := r.gather(Question{Now: func() time.Time { return at(24 + tc.after) }})
			if h := n.Headline; h.Level != tc.level || h.Text != tc.text {
				t.Errorf("%+v; want %s, %s", h, tc.level, tc.text)
			}
			if len(n.Sums) > 0 {
				t.Errorf("hours %v", n.Sums)
			}
		})
	}
}

// Hours of months that are over are expired, as soon as they have no rows.
func TestExpiredHours(t *testing.T) {
	t.Parallel()
	r := &rig{T: t, root: t.TempDir(), st: testkit.Database(t)}
	for _, hour := range []int{0, 3} {
		r.put(rawlog.Clicks, at(hour), r.text(at(hour), 10, ""))
	}
	r.load()
	for _, sql := range []string{
		"INSERT INTO ingest_ttl (network, log_type, months, version) VALUES ('acme', 'clicks', 1, 1)",
		fmt.Sprintf("INSERT INTO ingest_files (network, log_type, file, hour, state, ignored, version) SELECT network, log_type, file, hour, 'expired', 'so', version + 1 FROM ingest_files WHERE hour = '%s' ORDER BY version DESC LIMIT 1", at(3).Format(time.DateTime)),
	} {
		if err := r.st.Conn().Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	n := r.gather(Question{Source: r.source, Now: func() time.Time { return at(24 * 90) }})
	if got := n.of(rawlog.Clicks, at(0), 4); got != "lxxx" || n.Headline.Level == "bad" || n.Sums["m"] > 0 {
		t.Errorf("%s: %+v, %v", got, n.Headline, n.Sums)
	}
}
