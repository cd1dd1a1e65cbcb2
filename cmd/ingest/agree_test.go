package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/sim/simnet"
	"rawlogs/internal/testkit"
)

// The raw logs with their later changes and the network's report are two ways to the same
// conversions: row by row, and in what each is worth now.
func TestLogsAndReportAgree(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"old", "2021", "api", "no-id"} {
		n := testkit.Simnet(t, simnet.Config{Seed: 7, Limit: 100_000})
		first := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -9)
		for h := range 24 {
			hour := first.Add(time.Duration(h) * time.Hour)
			spec := gen.Spec{Type: rawlog.Conversions, Hour: hour, Rows: 15, Header: gen.ConversionHeader(header)}
			if _, err := n.Publish(t.Context(), gen.FileName(rawlog.Conversions, hour, 7), spec); err != nil {
				t.Fatal(err)
			}
		}
		dir := t.TempDir()
		r := &reporting{T: t, network: n.Network, dir: dir, env: map[string]string{"INGEST_STORE": placed(t, filepath.Join(dir, "store"))}}
		for _, v := range n.Env() {
			name, value, _ := strings.Cut(v, "=")
			r.env[name] = value
		}
		day := first.Format(rawlog.DayLayout)
		until := first.AddDate(0, 0, 4).Format(rawlog.DayLayout)
		agree := func(want string) {
			t.Helper()
			r.in(exitDone, "conversions", day)
			r.in(exitDone, "updates", day+".."+until)
			for table, query := range map[string]string{
				"conversions_current": "SELECT count(), countIf(status = 'rejected'), toFloat64(sum(payout)), toFloat64(sum(revenue)), countIf(is_adjustment = 1) FROM conversions_current",
				"conversion_report":   "SELECT count(), countIf(status = 'rejected'), toFloat64(sum(payout)), toFloat64(sum(revenue)), countIf(is_adjustment = 1) FROM conversion_report",
			} {
				if got := r.sql(query); got != want {
					t.Errorf("%s, %s: %q, want %q", header, table, got, want)
				}
			}
		}
		now := func(rows, adjusted string) string {
			payout, revenue := n.ConversionTotals()
			return strings.Join([]string{rows, r.sql("SELECT countIf(status = 'rejected') FROM conversion_report"), payout, revenue, adjusted}, "\t")
		}
		r.in(exitDone, "backfill", day, "--type", "conversions")
		r.in(exitDone, "conversions", day)
		agree(now("360", "0"))
		r.in(exitDone, "reconcile", day, "--type", "conversions")
		r.says("row by row")
		changed := n.Revise(12)
		if changed != 90 {
			t.Fatalf("%d changes", changed)
		}
		// Later changes are known before the report is read again, row by row what it then says.
		r.in(exitDone, "updates", day+".."+until)
		const current = "SELECT groupBitXor(cityHash64(id, status, toFloat64(payout), toFloat64(revenue))), count() FROM conversions_current"
		known := r.sql(current)
		r.in(exitDone, "conversions", day)
		agree(now("390", "30"))
		if got := r.sql(current); got != known {
			t.Errorf("%s: the report told otherwise than the updates: %s, before %s", header, got, known)
		}
		if got := r.sql("SELECT count(), countIf(c.status = r.status AND c.payout = r.payout AND c.revenue = r.revenue AND c.currency = r.currency AND c.origin LIKE '%report%') " +
			"FROM conversions_current AS c INNER JOIN conversion_report AS r ON r.id = c.id"); got != "390\t390" {
			t.Errorf("%s: row by row: %s", header, got)
		}
		// The logs are as they were, and the network's totals are not: the updates say why.
		r.in(exitDiffers, "reconcile", day, "--type", "conversions")
		r.says("late adjustments")
	}
}
