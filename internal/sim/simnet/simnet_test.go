package simnet_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v5"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/sim/simnet"
	"rawlogs/internal/testkit"
)

func hour() time.Time { return time.Date(2016, 9, 9, 9, 0, 0, 0, time.UTC) }

// ask calls the API and returns the two members of its envelope.
func ask(t *testing.T, n *testkit.Network, params ...string) (request, response map[string]any) {
	t.Helper()
	q := url.Values{"NetworkId": {n.ID()}, "NetworkToken": {n.Token()}, "Target": {"RawLog"}}
	for i := 0; i < len(params); i += 2 {
		q.Set(params[i], params[i+1])
	}
	status, body := get(t, n.URL+"?"+q.Encode())
	if status != http.StatusOK {
		t.Fatalf("status %d: %s", status, body)
	}
	var all struct{ Request, Response map[string]any }
	if err := json.Unmarshal(body, &all); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return all.Request, all.Response
}

func get(t *testing.T, link string) (int, []byte) {
	t.Helper()
	resp, err := http.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, body
}

// text prints a response without its order of members.
func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestMethods(t *testing.T) {
	t.Parallel()
	n := testkit.Simnet(t, simnet.Config{Seed: 1, Retention: map[rawlog.Type]int{rawlog.Clicks: 180}})
	var names []string
	for _, h := range []time.Time{hour(), hour().Add(time.Hour), hour().Add(24 * time.Hour)} {
		name := gen.FileName(rawlog.Clicks, h, 1)
		if _, err := n.Publish(t.Context(), name, gen.Spec{Type: rawlog.Clicks, Hour: h, Rows: 20}); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	file := func(at string, epoch, name string) string {
		return `{"displayName":"` + at + `","filename":"` + name + `","startTimestamp":"` + epoch + `"}`
	}
	first := file("Sep 9, 2016 - 09:00 am", "1473411600", names[0])
	second := file("Sep 9, 2016 - 10:00 am", "1473415200", names[1])
	third := file("Sep 10, 2016 - 09:00 am", "1473498000", names[2])
	for _, tc := range []struct {
		params []string
		data   string
	}{
		{[]string{"Method", "listDateDirs", "log_type", "clicks"}, `{"dateDirs":[{"dirName":"20160910","displayName":"Sep 10, 2016"},{"dirName":"20160909","displayName":"Sep 9, 2016"}],"logType":"clicks"}`},
		{[]string{"Method", "listDateDirs", "log_type", "conversions"}, `[]`},
		{[]string{"Method", "listLogs", "log_type", "clicks", "date_dir", "20160909"}, `{"fetchTime":0.12,"logDate":"20160909","logFiles":[` + second + `,` + first + `],"logType":"clicks"}`},
		{[]string{"Method", "listLogs", "log_type", "clicks", "date_dir", "2016"}, `{"fetchTime":0.12,"logDate":"2016","logFiles":[` + third + `,` + second + `,` + first + `],"logType":"clicks"}`},
		{[]string{"Method", "listLogs", "log_type", "clicks", "date_dir", "20160911"}, `[]`},
		{[]string{"Method", "getLogExpirations"}, `{"logExpireInDays":{"clicks":"180"}}`},
	} {
		request, response := ask(t, n, tc.params...)
		if got := text(t, response["data"]); got != tc.data {
			t.Errorf("%v:\ngot  %s\nwant %s", tc.params, got, tc.data)
		}
		delete(response, "data")
		if got := text(t, response); got != `{"errorMessage":null,"errors":[],"httpStatus":200,"status":1}` {
			t.Errorf("%v: envelope %s", tc.params, got)
		}
		if request["NetworkToken"] != n.Token() || request["Method"] != tc.params[1] {
			t.Errorf("%v: the echo is %v", tc.params, request)
		}
	}
	n.Faults.NoPrefixes(true)
	if _, r := ask(t, n, "Method", "listLogs", "log_type", "clicks", "date_dir", "201609"); text(t, r["data"]) != "[]" {
		t.Errorf("a month is listed where only days are: %v", r)
	}
	u := n.Usage()
	if u.Calls != 7 || u.Methods["listLogs"] != 4 || u.Refused != 0 || u.Denied != 0 {
		t.Errorf("usage: %+v", u)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	n := testkit.Simnet(t, simnet.Config{})
	const unknown = `{"errorMessage":"Network %s is not valid","errors":{"publicMessage":"Network %s is not valid"}}`
	usual := func(message string) string {
		return `{"data":"","errorMessage":"` + message + `","errors":[{"publicMessage":"` + message + `"}],"httpStatus":200,"status":-1}`
	}
	for _, tc := range []struct {
		params []string
		want   string
	}{
		{[]string{"Method", "listDateDirs", "NetworkId", "9"}, strings.ReplaceAll(unknown, "%s", "id")},
		{[]string{"Method", "listDateDirs", "NetworkToken", "wrong"}, strings.ReplaceAll(unknown, "%s", "token")},
		{[]string{"Method", "listEverything"}, usual("Method RawLog::listEverything does not exist.")},
		{[]string{"Method", "findAll", "Target", "Nothing"}, usual("Target Nothing does not exist.")},
		{[]string{"Method", "getDownloadLink", "log_type", "clicks", "log_filename", "20160909/x.zip"}, usual("The requested log file was not found.")},
		{
			[]string{"Method", "listLogs", "log_type", "pixels"},
			`{"data":"","errorMessage":"log_type must be one of clicks, conversions, impressions.","errors":[` +
				`{"attribute_name":"log_type","err_code":3,"err_msg":"log_type must be one of clicks, conversions, impressions.","publicMessage":"log_type must be one of clicks, conversions, impressions."},` +
				`{"attribute_name":"date_dir","err_code":3,"err_msg":"date_dir is a required parameter."}],"httpStatus":200,"status":-1}`,
		},
	} {
		if _, got := ask(t, n, tc.params...); text(t, got) != tc.want {
			t.Errorf("%v:\ngot  %s\nwant %s", tc.params, text(t, got), tc.want)
		}
	}
	if status, _ := get(t, strings.TrimSuffix(n.URL, simnet.APIPath)+"/elsewhere"); status != http.StatusNotFound {
		t.Errorf("another path: %d", status)
	}
	if u := n.Usage(); u.Denied != 2 {
		t.Errorf("usage: %+v", u)
	}
}

func TestRateLimitSlides(t *testing.T) {
	t.Parallel()
	n := testkit.Simnet(t, simnet.Config{Limit: 5, Window: 400 * time.Millisecond})
	params := []string{"Method", "getLogExpirations"}
	begin := time.Now()
	for range 5 {
		if _, r := ask(t, n, params...); r["status"] != float64(1) {
			t.Fatalf("within the limit: %v", r)
		}
	}
	_, r := ask(t, n, params...)
	if time.Since(begin) < 400*time.Millisecond &&
		!strings.Contains(text(t, r), `"publicMessage":"API usage exceeded rate limit.  Configured: 5/0.4s window; Your usage: 6.`) {
		t.Fatalf("call 6: %s", text(t, r))
	}
	// Asking on gets in as soon as the first call is a window old, not before.
	for {
		if _, r = ask(t, n, params...); r["status"] == float64(1) {
			break
		}
	}
	var let []time.Time
	for _, c := range n.Calls() {
		if !c.Refused {
			let = append(let, c.At)
		}
	}
	for i := 5; i < len(let); i++ {
		if d := let[i].Sub(let[i-5]); d < 400*time.Millisecond {
			t.Errorf("6 calls let through within %v", d)
		}
	}
	if n.Usage().Refused == 0 {
		t.Error("no refusal was counted")
	}
}

func TestLinks(t *testing.T) {
	t.Parallel()
	n := testkit.Simnet(t, simnet.Config{Seed: 4})
	name := gen.FileName(rawlog.Conversions, hour(), 4)
	file, err := n.Publish(t.Context(), name, gen.Spec{Type: rawlog.Conversions, Hour: hour(), Rows: 30})
	if err != nil {
		t.Fatal(err)
	}
	link := func() string {
		_, r := ask(t, n, "Method", "getDownloadLink", "log_type", "conversions", "log_filename", name)
		return r["data"].(map[string]any)["link"].(string)
	}
	good := link()
	if !strings.Contains(good, "/qproc/raw-logs/conversions/11111/"+name+"?") {
		t.Errorf("link %s", good)
	}
	status, body := get(t, good)
	if status != http.StatusOK || int64(len(body)) != file.Size {
		t.Fatalf("download: %d with %d bytes, want %d", status, len(body), file.Size)
	}
	if z, err := zip.NewReader(bytes.NewReader(body), file.Size); err != nil || len(z.File) != 1 {
		t.Errorf("no zip of one entry: %v", err)
	}
	n.Faults.ExpireLinks(1)
	if status, _ := get(t, link()); status != http.StatusForbidden {
		t.Errorf("an expired link answers %d, want 403", status)
	}
	if status, _ := get(t, link()); status != http.StatusOK {
		t.Errorf("the link after it answers %d", status)
	}
	n.Faults.LinkValid(time.Second)
	short := link()
	_, err = backoff.Retry(t.Context(), func() (bool, error) {
		if status, _ := get(t, short); status != http.StatusForbidden {
			return false, fmt.Errorf("status %d", status)
		}
		return true, nil
	}, backoff.WithBackOff(backoff.NewConstantBackOff(100*time.Millisecond)), backoff.WithMaxElapsedTime(10*time.Second))
	if err != nil {
		t.Errorf("a link of one second still works: %v", err)
	}
	if err := n.Vanish(t.Context(), rawlog.Conversions, name); err != nil {
		t.Fatal(err)
	}
	n.Faults.LinkValid(0)
	if status, _ := get(t, link()); status != http.StatusNotFound {
		t.Errorf("a vanished file answers %d, want 404", status)
	}
}
