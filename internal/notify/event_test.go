package notify

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// A change is told once: when a state differs from the one before.
func TestTurn(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		former State
		status int
		want   Event
	}{
		{Unknown, 0, ""}, {Unknown, 3, ""}, {Unknown, 1, Failed}, {Unknown, 75, ""}, {Unknown, 130, ""},
		{OK, 0, ""}, {OK, 3, ""}, {OK, 1, Failed}, {OK, 2, Failed}, {OK, 6, Failed}, {OK, 75, ""}, {OK, 130, ""},
		{Broken, 1, ""}, {Broken, 6, ""}, {Broken, 0, Recovered}, {Broken, 3, Recovered}, {Broken, 75, ""}, {Broken, 130, ""},
	} {
		c, ok := Turn(tc.former, tc.status)
		if c.Event != tc.want || ok != (tc.want != "") {
			t.Errorf("%s, then %d: %q %v", tc.former, tc.status, c.Event, ok)
		}
	}
}

// A message has stable names, a text for people, and no secrets; it is bounded, and no
// name of a file acts on a chat.
func TestMessage(t *testing.T) {
	t.Parallel()
	at := time.Date(2016, 9, 9, 3, 0, 0, 0, time.UTC)
	r := Report{
		Network: "acme", Command: "run", Run: "r1", Host: "etl1", Release: "1.0", Begun: at, Ended: at.Add(time.Minute), Status: 1,
		Error: "store clickhouse://u:p@ss@ch1/x: refused by " + canary, Summary: strings.Repeat("x", 2*mostSummary),
	}
	hide := Hider([]string{"https://hook.example/services/" + canary + "?k=v"})
	c := Change{Event: FilesFailed, Former: OK}
	for range mostListed + 1 {
		c.Files = append(c.Files, File{Type: "clicks", Name: "<!channel>\x1b[31m @here.zip", Hour: at, Error: canary})
	}
	raw, err := c.Message(r, hide)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(raw), canary) || strings.Contains(string(raw), "p@ss") || strings.Contains(string(raw), `\u001b`) || len(raw) > 100_000 {
		t.Errorf("sent %d bytes: %.2000s", len(raw), raw)
	}
	var got struct {
		Event, Text, Network, Command, Run, Host, Release, State, Error, Summary string
		ExitStatus                                                               int    `json:"exit_status"`
		Former                                                                   string `json:"former_state"`
		Begun, Ended                                                             time.Time
		Files                                                                    []File
		FilesTotal                                                               int `json:"files_total"`
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	if got.Event != "files_failed" || got.State != "failed" || got.Former != "ok" || got.ExitStatus != 1 || got.Run != "r1" || !got.Begun.Equal(at) ||
		len(got.Files) != mostListed || got.FilesTotal != mostListed+1 || len([]rune(got.Summary)) != mostSummary+1 {
		t.Errorf("got %+v", got)
	}
	if !strings.HasPrefix(got.Text, "ingest run of acme: 51 files could not be loaded\n- clicks ‹!channel›") || !strings.HasSuffix(got.Text, "… and 46 more") || strings.ContainsAny(got.Text, "<>@") {
		t.Errorf("text: %s", got.Text)
	}
	for event, want := range map[Event]string{
		Failed: "ingest run of acme failed on etl1 (exit status 1): store clickhouse://u:hidden(at)ch1/x: refused by hidden", Recovered: "ingest run of acme works again on etl1 (exit status 1)",
		HoursExpiring: "ingest run of acme: the network is about to delete 1 hour of logs that could not be loaded yet\n- clicks 2016-09-09 03:00, deleted from 2016-09-12 on",
	} {
		raw, err := Change{Event: event, Hours: []Hour{{Type: "clicks", Hour: at, Files: 1, LostAt: at.AddDate(0, 0, 3)}}}.Message(r, hide)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &got); err != nil || got.Text != want {
			t.Errorf("%s says %q, %v", event, got.Text, err)
		}
	}
}

// A secret is hidden whole, in parts of an address, and escaped.
func TestHider(t *testing.T) {
	t.Parallel()
	hide := Hider([]string{"https://hc.example/ping/" + canary, "tok en/secret"})
	for text, want := range map[string]string{
		"POST https://hc.example/ping/" + canary + "/start": "POST hidden/start",
		"path /ping/" + canary:                              "path /ping/hidden",
		"q=tok+en%2Fsecret":                                 "q=hidden",
		"clickhouse://loader:pa:ss@h:9000/db":               "clickhouse://loader:hidden@h:9000/db",
		"two\nlines\r":                                      "two\nlines\\x0d",
	} {
		if got := hide(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}
