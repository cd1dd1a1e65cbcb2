package simnet_test

import (
	"fmt"
	"maps"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/sim/simnet"
)

// Totals are those of conversions as they stand now, offer by offer and day by day.
func TestReportsFollowLaterChanges(t *testing.T) {
	t.Parallel()
	n := simnet.WithoutFiles(simnet.Config{Zone: time.FixedZone("", 3600), Limit: 100_000})
	server := httptest.NewServer(n)
	t.Cleanup(server.Close)
	n.Happen("a", gen.Spec{Type: rawlog.Conversions, Hour: conversionHour(), Rows: 90})
	n.Happen("b", gen.Spec{Type: rawlog.Conversions, Hour: conversionHour().Add(time.Hour), Rows: 40}) // of the next day, there
	ask := func(method string, fields []string) map[string][3]float64 {
		t.Helper()
		q := url.Values{"NetworkId": {n.ID()}, "NetworkToken": {n.Token()}, "Target": {"Report"}, "Method": {method}, "fields[]": fields}
		if method == "getStats" {
			q["groups[]"] = []string{"Stat.date", "Stat.offer_id"}
		}
		out := map[string][3]float64{}
		a := askConversions(t, server.URL, q)
		if a.message != "" || len(a.Data) == 0 {
			t.Fatalf("%s: %s", method, a.message)
		}
		for _, row := range a.Data {
			stat := row["Stat"]
			if s, ok := stat["status"]; ok && s != "approved" || stat["date"] == nil { // of no time: in no day's totals
				continue
			}
			name := fmt.Sprint(stat["date"], " ", stat["offer_id"])
			sums := out[name]
			for i, f := range []string{"conversions", "payout", "revenue"} {
				v := 1.0
				if text, ok := stat[f].(string); ok {
					if _, err := fmt.Sscan(text, &v); err != nil {
						t.Fatal(err)
					}
				}
				sums[i] += v
			}
			out[name] = sums
		}
		maps.DeleteFunc(out, func(_ string, s [3]float64) bool { return s[0] == 0 })
		return out
	}
	agree := func(what string) {
		t.Helper()
		totals := ask("getStats", []string{"Stat.date", "Stat.offer_id", "Stat.conversions", "Stat.payout", "Stat.revenue"})
		rows := ask("getConversions", []string{"Stat.date", "Stat.offer_id", "Stat.status", "Stat.payout", "Stat.revenue"})
		names := slices.Sorted(maps.Keys(rows))
		if !slices.Equal(names, slices.Sorted(maps.Keys(totals))) {
			t.Fatalf("%s: totals of %v, conversions of %v", what, slices.Sorted(maps.Keys(totals)), names)
		}
		for _, name := range names {
			for i := range 3 {
				if d := totals[name][i] - rows[name][i]; d > 0.001 || d < -0.001 {
					t.Errorf("%s: %s: totals %v, conversions %v", what, name, totals[name], rows[name])
				}
			}
		}
	}
	agree("as logged")
	before := ask("getStats", []string{"Stat.date", "Stat.offer_id", "Stat.conversions", "Stat.payout", "Stat.revenue"})
	if n.Revise(6) == 0 {
		t.Fatal("nothing changed")
	}
	agree("revised")
	after := ask("getStats", []string{"Stat.date", "Stat.offer_id", "Stat.conversions", "Stat.payout", "Stat.revenue"})
	if maps.Equal(before, after) {
		t.Error("the totals are as before")
	}
	// One is approved again, and one is added that has no time.
	rejected := 0
	q := url.Values{"NetworkId": {n.ID()}, "NetworkToken": {n.Token()}, "Target": {"Report"}, "Method": {"getConversions"}, "fields[]": {"Stat.id", "Stat.status_code"}}
	for _, row := range askConversions(t, server.URL, q).Data {
		if row["Stat"]["status_code"] == "57" {
			if _, err := fmt.Sscan(fmt.Sprint(row["Stat"]["id"]), &rejected); err != nil {
				t.Fatal(err)
			}
		}
	}
	n.Set("Conversion", rejected, map[string]any{"status": "approved", "payout": "7.25000"})
	n.Set("Conversion", 1, map[string]any{"status": "approved"})
	agree("approved again")
	if now := ask("getStats", []string{"Stat.date", "Stat.offer_id", "Stat.conversions", "Stat.payout", "Stat.revenue"}); maps.Equal(now, after) {
		t.Error("the totals are as before")
	}
}
