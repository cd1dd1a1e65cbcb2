package simnet_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/sim/simnet"
	"rawlogs/internal/testkit"
)

func getStats(t *testing.T, n *testkit.Network, pairs ...string) (status int, data, message string) {
	t.Helper()
	q := url.Values{"NetworkId": {n.ID()}, "NetworkToken": {n.Token()}, "Target": {"Report"}, "Method": {"getStats"}}
	for i := 0; i < len(pairs); i += 2 {
		q.Add(pairs[i], pairs[i+1])
	}
	res, err := http.Get(n.URL + "?" + q.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Response struct {
			Data         json.RawMessage
			ErrorMessage string
		}
	}
	if res.StatusCode == http.StatusOK {
		if err := json.Unmarshal(body, &answer); err != nil {
			t.Fatal(err)
		}
	}
	return res.StatusCode, string(answer.Response.Data), answer.Response.ErrorMessage
}

func TestReportsCountWhatWasPublished(t *testing.T) {
	t.Parallel()
	n := testkit.Simnet(t, simnet.Config{Limit: 1000})
	hour := time.Date(2016, 9, 9, 5, 0, 0, 0, time.UTC)
	if _, err := n.Publish(t.Context(), gen.FileName(rawlog.Clicks, hour, 1), gen.Spec{Type: rawlog.Clicks, Hour: hour, Rows: 50, Broken: 3}); err != nil {
		t.Fatal(err)
	}
	want := `{"count":1,"current":1,"data":[{"Stat":{"gross_clicks":"53"}}],"page":1,"pageCount":1,"totals":{"Stat":{"gross_clicks":"53"}}}`
	ask := []string{"fields[]", "Stat.gross_clicks", "totals", "1", "filters[Stat.date][conditional]", "BETWEEN",
		"filters[Stat.date][values][0]", "2016-09-01", "filters[Stat.date][values][1]", "2016-09-30"}
	if _, data, _ := getStats(t, n, ask...); data != want {
		t.Errorf("%s, want %s", data, want)
	}
	// Losing the file changes nothing of what was counted.
	control := strings.TrimSuffix(n.URL, simnet.APIPath) + "/control/"
	for _, path := range []string{"lose?type=clicks&hour=2016-09-09T05", "phantom?type=clicks&hour=2016-09-09T05&count=-3"} {
		res, err := http.Post(control+path, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", path, res.Status)
		}
	}
	if _, data, _ := getStats(t, n, ask...); !strings.Contains(data, `"gross_clicks":"50"`) || n.Truth().Types[rawlog.Clicks].Files != 0 {
		t.Errorf("after the loss: %s", data)
	}
	n.Reports.Slow(24)
	if status, _, _ := getStats(t, n, ask...); status != http.StatusGatewayTimeout {
		t.Errorf("a month is not too long: %d", status)
	}
	n.Reports.Slow(0)
	for _, tc := range []struct {
		pairs []string
		want  string
	}{
		{nil, "fields is a required parameter."},
		{[]string{"fields[]", "Stat.nope"}, "Invalid field: Stat.nope"},
		{[]string{"fields[]", "Stat.clicks", "groups[]", "Stat.clicks"}, "Invalid group: Stat.clicks"},
		{[]string{"fields[]", "Stat.clicks", "filters[Stat.clicks][conditional]", "OVER"}, "Invalid conditional: OVER"},
		{[]string{"fields[]", "Stat.clicks", "limit", "many"}, "limit must be an integer."},
	} {
		if _, _, message := getStats(t, n, tc.pairs...); message != tc.want {
			t.Errorf("%v: %q, want %q", tc.pairs, message, tc.want)
		}
	}
}
