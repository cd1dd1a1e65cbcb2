package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/sim/simnet"
	"rawlogs/internal/testkit"
)

const (
	pingCanary = "canary-ping-8d1f20"
	hookCanary = "canary-hook-77aa01"
)

// monitor is one that is pinged and posted to.
type monitor struct {
	*httptest.Server
	mu    sync.Mutex
	pings []string // the last part of the path
	texts []string
	rids  []string
	hooks []map[string]any
	raw   strings.Builder
}

func newMonitor(t *testing.T) *monitor {
	t.Helper()
	m := &monitor{}
	m.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		m.mu.Lock()
		defer m.mu.Unlock()
		m.raw.Write(body)
		if strings.HasPrefix(r.URL.Path, "/"+pingCanary) {
			m.pings, m.texts, m.rids = append(m.pings, filepath.Base(r.URL.Path)), append(m.texts, string(body)), append(m.rids, r.URL.Query().Get("rid"))
			return
		}
		var hook map[string]any
		if err := json.Unmarshal(body, &hook); err != nil {
			t.Errorf("posted %q: %v", body, err)
		}
		m.hooks = append(m.hooks, hook)
	}))
	t.Cleanup(m.Close)
	return m
}

// heard returns what came since the last call: pings, the text of the last one, and the
// events of webhooks, sorted.
func (m *monitor) heard() (pings []string, text string, events []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	pings = m.pings
	if len(m.texts) > 0 {
		text = m.texts[len(m.texts)-1]
	}
	for _, h := range m.hooks {
		event, _ := h["event"].(string)
		events = append(events, event)
	}
	slices.Sort(events)
	m.pings, m.texts, m.hooks = nil, nil, nil
	return pings, text, events
}

// A monitor hears how each run begins and ends, and a webhook of each change once.
func TestTold(t *testing.T) {
	t.Parallel()
	net := testkit.Simnet(t, simnet.Config{Seed: 5, Clicks: 20, Limit: 10_000})
	if _, err := net.Live(t.Context(), simnet.Scenario{Start: day, Days: 1, Plain: true, Types: []rawlog.Type{rawlog.Clicks}}); err != nil {
		t.Fatal(err)
	}
	m := newMonitor(t)
	p := newProgram(t, net.Env()...).raced()
	p.hold()
	hook := filepath.Join(p.dir, "hook.url")
	if err := os.WriteFile(hook, []byte(m.URL+"/"+hookCanary+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	right := append(p.env, "INGEST_PING_URL="+m.URL+"/"+pingCanary+"?create=1", `INGEST_NOTIFY=[{"url_file": "`+hook+`"}]`)
	wrong := append(slices.Clone(right), "HASOFFERS_NETWORK_TOKEN=NETcanarycanarycanary")
	p.env = right
	load := []string{"backfill", "2016", "--type", "clicks"}
	step := func(what string, status int, args []string, wantPings []string, wantText string, wantEvents ...string) {
		t.Helper()
		p.run(status, args...)
		pings, text, events := m.heard()
		if !slices.Equal(pings, wantPings) || !strings.Contains(text, wantText) || !slices.Equal(events, wantEvents) {
			t.Errorf("%s: pinged %q %q, posted %q; want %q %q, %q", what, pings, text, events, wantPings, wantText, wantEvents)
		}
	}
	out, _ := p.run(exitDone, "check")
	if !strings.Contains(out, "ok    monitoring    ping_url can be reached; nothing was sent") || !strings.Contains(out, "INGEST_NOTIFY: notify 1 can be reached") {
		t.Errorf("check printed\n%s", out)
	}
	step("a dry run", exitDone, append(load, "--dry-run"), nil, "")
	step("the first success", exitDone, load, []string{"start", "0"}, "ingest backfill: exit status 0\nnetwork "+net.ID()+": ")
	p.env = wrong
	step("a failure", exitFailed, load, []string{"start", "1"}, "exit status 1: ", "failed")
	step("another", exitFailed, load, []string{"start", "1"}, "exit status 1: ")
	step("of another command", exitFailed, []string{"dims"}, []string{"start", "1"}, "ingest dims: exit status 1: ", "failed")
	p.env = right
	step("a recovery", exitDone, load, []string{"start", "0"}, "loaded 0", "recovered")
	step("a success", exitDone, append(load, "--json"), []string{"start", "0"}, "files  listed 24")

	hour := day.Add(25 * time.Hour)
	name := gen.FileName(rawlog.Clicks, hour, 5)
	if _, err := net.PublishBytes(t.Context(), rawlog.Clicks, name, hour, []byte("no archive")); err != nil {
		t.Fatal(err)
	}
	step("a file that fails", exitIncomplete, load, []string{"start", "3"}, name, "files_failed", "hours_expiring") // of 2016: it may be deleted any time
	step("once more", exitIncomplete, load, []string{"start", "3"}, name)
	p.run(exitDone, "ignore", name, "--reason", "known")
	step("ignored", exitDone, load, []string{"start", "0"}, "")

	arrived := make(chan struct{}, 100)
	net.Faults.Intercept(func(r simnet.Request) *simnet.Answer {
		if r.Method != "getDownloadLink" {
			return nil
		}
		arrived <- struct{}{}
		return &simnet.Answer{Stall: time.Hour}
	})
	begin := func() (end func(os.Signal) int) {
		cmd, _, _ := p.command("reload", "2016", "--type", "clicks", "--fetchers", "1")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		<-arrived
		return func(s os.Signal) int {
			if err := cmd.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
			return exitOf(cmd.Wait())
		}
	}
	end := begin()
	if pings, _, _ := m.heard(); !slices.Equal(pings, []string{"start"}) {
		t.Errorf("at work: pinged %q", pings)
	}
	step("beside another", exitHeld, load, []string{"start", "75"}, "exit status 75: ")
	end(os.Kill)
	if pings, _, events := m.heard(); len(pings)+len(events) > 0 {
		t.Errorf("killed: pinged %q, posted %q", pings, events)
	}
	net.Faults.Intercept(nil)
	step("after it", exitDone, load, []string{"start", "0"}, "cleaned up")
	p.secretive(net.Token(), pingCanary, hookCanary, "NETcanarycanarycanary")
	if sent := m.raw.String(); strings.Contains(sent, "canary") || strings.Contains(sent, net.Token()) {
		t.Errorf("a secret was sent:\n%s", sent)
	}
	for i := 0; i+1 < len(m.rids); i++ {
		if len(m.rids[i]) != 36 {
			t.Errorf("%q is no UUID", m.rids[i])
		}
	}
	for _, table := range []string{"ingest_runs", "ingest_files"} {
		if rows, _ := p.run(exitDone, "sql", "-f", "tsv", "SELECT * FROM "+table); strings.Contains(rows, pingCanary) || strings.Contains(rows, hookCanary) {
			t.Errorf("a secret is in %s", table)
		}
	}
}

// Monitoring that is away, refuses or redirects is a warning; the exit status stays.
func TestMonitoringAway(t *testing.T) {
	t.Parallel()
	redirects := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) }))
	t.Cleanup(redirects.Close)
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	t.Cleanup(refuses.Close)
	source := t.TempDir()
	p := newProgram(t, "INGEST_SOURCE="+source, "INGEST_PING_URL="+redirects.URL+"/"+pingCanary, "INGEST_NOTIFY="+refuses.URL+"/"+hookCanary)
	_, stderr := p.run(exitIncomplete, "run") // an empty folder
	if !strings.Contains(stderr, "the monitor could not be told") || !strings.Contains(stderr, "redirect (HTTP 302), which is not followed") {
		t.Errorf("printed\n%s", stderr)
	}
	refuses.Close()
	p.env = append(p.env, "INGEST_SOURCE=")
	_, stderr = p.run(exitFailed, "run") // no credentials: told as a failure
	if !strings.Contains(stderr, "a webhook could not be told") || !strings.Contains(stderr, "connection refused (3 tries)") {
		t.Errorf("printed\n%s", stderr)
	}
	out, _ := p.run(exitFailed, "check")
	if !strings.Contains(out, "warn  monitoring    INGEST_NOTIFY: notify 1: connection refused") || !strings.Contains(out, "ok    monitoring    ping_url can be reached") {
		t.Errorf("check printed\n%s", out)
	}
	p.secretive(pingCanary, hookCanary)
}
