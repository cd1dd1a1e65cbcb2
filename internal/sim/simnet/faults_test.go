package simnet_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/sim/simnet"
	"rawlogs/internal/testkit"
)

func TestScenario(t *testing.T) {
	t.Parallel()
	n := testkit.Simnet(t, simnet.Config{Seed: 2, Clicks: 40})
	day := time.Date(2016, 9, 9, 0, 0, 0, 0, time.UTC)
	listed, err := n.Live(t.Context(), simnet.Scenario{Start: day, Days: 2})
	if err != nil {
		t.Fatal(err)
	}
	if listed != 2*24*3-1 {
		t.Errorf("%d files are listed", listed)
	}
	count := func() int {
		_, r := ask(t, n, "Method", "listLogs", "log_type", "clicks", "date_dir", "20160909")
		return len(r["data"].(map[string]any)["logFiles"].([]any))
	}
	if got := count(); got != 23 {
		t.Errorf("%d files of the first day before the late one", got)
	}
	before := n.Truth().Types[rawlog.Clicks]
	if n.Release() != 1 || n.Release() != 0 || count() != 24 {
		t.Error("the late file did not come")
	}
	truth := n.Truth()
	after := truth.Types[rawlog.Clicks]
	if after.Files != before.Files+1 || after.Rows <= before.Rows {
		t.Errorf("truth before and after the late file: %+v, %+v", before, after)
	}
	columns := make(map[int]bool)
	empty, broken := 0, 0
	for _, f := range truth.Files {
		if f.Type == rawlog.Clicks {
			columns[f.Columns] = true
		}
		if f.Rows == 0 {
			empty++
		}
		broken += f.Broken
	}
	for _, want := range []int{57, 58, 65, 66} {
		if !columns[want] {
			t.Errorf("no click file with %d columns", want)
		}
	}
	if empty != 8 || broken == 0 {
		t.Errorf("%d empty files, %d broken lines", empty, broken)
	}
	rows := 0
	for _, o := range truth.Offers {
		rows += o.Rows
	}
	if want := after.Rows + truth.Types[rawlog.Conversions].Rows + truth.Types[rawlog.Impressions].Rows; rows != want {
		t.Errorf("offers sum up to %d rows, files to %d", rows, want)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	n := testkit.Simnet(t, simnet.Config{Seed: 6})
	for i := range 4 {
		h := hour().Add(time.Duration(i) * time.Hour)
		if _, err := n.Publish(t.Context(), gen.FileName(rawlog.Clicks, h, 6), gen.Spec{Type: rawlog.Clicks, Hour: h, Rows: 2}); err != nil {
			t.Fatal(err)
		}
	}
	list := func() string {
		_, r := ask(t, n, "Method", "listLogs", "log_type", "clicks", "date_dir", "20160909")
		var hours []string
		for _, f := range r["data"].(map[string]any)["logFiles"].([]any) {
			display := f.(map[string]any)["displayName"].(string)
			hours = append(hours, strings.Fields(display)[4])
		}
		return strings.Join(hours, " ")
	}
	for _, tc := range []struct {
		edit func(simnet.Request, []rawlog.File) []rawlog.File
		want string
	}{
		{nil, "12:00 11:00 10:00 09:00"},
		{simnet.Shrink(2), "12:00 10:00"},
		{simnet.Repeat, "12:00 11:00 10:00 09:00 12:00 11:00 10:00 09:00"},
		{simnet.Reorder, "09:00 10:00 11:00 12:00"},
		{nil, "12:00 11:00 10:00 09:00"},
	} {
		n.Faults.EditListing(tc.edit)
		if got := list(); got != tc.want {
			t.Errorf("listing %q, want %q", got, tc.want)
		}
	}
	n.Unlist(rawlog.Clicks, gen.FileName(rawlog.Clicks, hour(), 6))
	if got := list(); got != "12:00 11:00 10:00" {
		t.Errorf("unlisted, but %q", got)
	}
	if _, err := n.PublishBytes(t.Context(), rawlog.Clicks, gen.FileName(rawlog.Clicks, hour(), 7), hour(), []byte("no zip")); err != nil {
		t.Fatal(err)
	}
	if got := list(); got != "12:00 11:00 10:00 09:00" {
		t.Errorf("a file of raw bytes is not listed: %q", got)
	}

	n.Faults.RevokeToken(true)
	if _, r := ask(t, n, "Method", "getLogExpirations"); r["errors"].(map[string]any)["publicMessage"] != "Network token is not valid" {
		t.Errorf("revoked, but %v", r)
	}
	n.Faults.RevokeToken(false)

	n.Faults.Intercept(func(r simnet.Request) *simnet.Answer {
		switch r.Name {
		case "504":
			return simnet.GatewayTimeout()
		case "html":
			return simnet.Page()
		case "empty":
			return simnet.Empty()
		case "cut":
			return &simnet.Answer{Type: "application/json", Body: `{"response":{}}`, Cut: true}
		case "reset":
			return &simnet.Answer{Reset: true}
		case "limit":
			return simnet.RateLimited(50, 10*time.Second, 51)
		}
		return nil
	})
	link := n.URL + "?NetworkId=11111&log_filename="
	if status, _ := get(t, link+"504"); status != http.StatusGatewayTimeout {
		t.Errorf("status %d, want 504", status)
	}
	if status, body := get(t, link+"html"); status != http.StatusOK || !strings.HasPrefix(string(body), "<!DOCTYPE") {
		t.Errorf("a page: %d %s", status, body)
	}
	if status, body := get(t, link+"empty"); status != http.StatusOK || len(body) != 0 {
		t.Errorf("empty: %d %s", status, body)
	}
	if _, r := ask(t, n, "log_filename", "limit"); !strings.Contains(text(t, r), "Configured: 50/10s window; Your usage: 51.") {
		t.Errorf("limit: %v", r)
	}
	for _, name := range []string{"cut", "reset"} {
		resp, err := http.Get(link + name)
		if err == nil {
			var v any
			err = json.NewDecoder(resp.Body).Decode(&v)
			_ = resp.Body.Close()
		}
		if err == nil {
			t.Errorf("%s: a whole answer", name)
		}
	}
	n.Faults.Intercept(nil)
	if _, r := ask(t, n, "Method", "getLogExpirations"); r["status"] != float64(1) {
		t.Errorf("after all faults: %v", r)
	}
}

func TestControl(t *testing.T) {
	t.Parallel()
	n := testkit.Simnet(t, simnet.Config{Seed: 2})
	base := strings.TrimSuffix(n.URL, simnet.APIPath)
	if _, err := n.Publish(t.Context(), gen.FileName(rawlog.Clicks, hour(), 2), gen.Spec{Type: rawlog.Clicks, Hour: hour(), Rows: 12, Broken: 2}); err != nil {
		t.Fatal(err)
	}
	status, body := get(t, base+"/control/truth")
	var truth simnet.Truth
	if err := json.Unmarshal(body, &truth); err != nil || status != http.StatusOK {
		t.Fatalf("%d: %v", status, err)
	}
	if got := truth.Types[rawlog.Clicks]; got != (simnet.TypeTruth{Files: 1, Rows: 12, Broken: 2}) {
		t.Errorf("truth %+v", got)
	}
	if strings.Contains(string(body), n.Token()) {
		t.Error("the truth holds the token")
	}
	post, err := http.Post(base+"/control/revoke-token", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = post.Body.Close()
	if _, r := ask(t, n, "Method", "getLogExpirations"); r["status"] != nil {
		t.Errorf("revoked, but %v", r)
	}
	if status, _ := get(t, base+"/control/release"); status != http.StatusMethodNotAllowed {
		t.Errorf("GET release: %d", status)
	}
	// From elsewhere nothing is told.
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/control/truth", nil)
	r.RemoteAddr = "192.0.2.1:1234"
	n.Control().ServeHTTP(w, r)
	if w.Code != http.StatusForbidden {
		t.Errorf("from another host: %d", w.Code)
	}
}
