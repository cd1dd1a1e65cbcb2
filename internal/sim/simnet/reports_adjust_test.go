package simnet_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/sim/simnet"
	"rawlogs/internal/testkit"
)

// What was turned away, adjusted and logged is in the totals as in those of the real one.
func TestAdjustedReports(t *testing.T) {
	t.Parallel()
	n := testkit.Simnet(t, simnet.Config{Decisions: []string{"permit", "", "refuse"}, Limit: 1000})
	hour := time.Date(2016, 9, 9, 7, 0, 0, 0, time.UTC)
	name := gen.FileName(rawlog.Clicks, hour, 1)
	if _, err := n.Publish(t.Context(), name, gen.Spec{Type: rawlog.Clicks, Hour: hour, Rows: 640, Header: gen.Header(rawlog.Clicks, 2022)}); err != nil {
		t.Fatal(err)
	}
	clicks := func(pairs ...string) string {
		t.Helper()
		_, data, message := getStats(t, n, append([]string{"fields[]", "Stat.gross_clicks"}, pairs...)...)
		_, number, found := strings.Cut(data, `"gross_clicks":"`)
		number, _, _ = strings.Cut(number, `"`)
		if message != "" || !found {
			t.Fatalf("%q: %s", message, data)
		}
		return number
	}
	all := clicks()
	n.Reports.NotCounting("", "refuse")
	if some := clicks(); all != "640" || some >= all || some < "600" {
		t.Errorf("%s clicks, %s without those turned away", all, some)
	}
	n.Reports.NotCounting()
	call := func(pairs ...string) string {
		t.Helper()
		_, response := ask(t, n, append([]string{"Target", "Affiliate", "Method", "adjustAffiliateClicks"}, pairs...)...)
		message, _ := response["errorMessage"].(string)
		return message
	}
	good := []string{"datetime", "2016-09-09 15:00:00", "affiliate_id", "3", "offer_id", "5", "quantity", "7", "action", "remove"}
	if message := call(good...); message != "" {
		t.Fatal(message)
	}
	if got := clicks("filters[Stat.hour][conditional]", "EQUAL_TO", "filters[Stat.hour][values][0]", "0"); got != "-7" {
		t.Errorf("in the day's first hour: %s", got)
	}
	for i := 1; i < len(good); i += 2 {
		bad := slices.Clone(good)
		bad[i] = "never"
		if message := call(bad...); !strings.Contains(message, good[i-1]) {
			t.Errorf("%s: %q", good[i-1], message)
		}
	}
}
