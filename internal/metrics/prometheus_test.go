package metrics

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"rawlogs/internal/testkit"
)

// ClickHouse itself answers with the same text to the user who may only read, whatever
// is in a label, and so is the file.
func TestExposition(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	world(t, st, "acme")
	world(t, st, "a\"b\\c\nd")
	ep, _ := st.Engine()
	ep = ep.AsReader()
	query := strings.Replace(scraped(t), "rawlogs.", st.Database()+".", 1)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+ep.HTTPAddr+"/?query="+url.QueryEscape(query), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(ep.User, ep.Password)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.Body.Close() != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%v %s\n%s", err, resp.Status, body)
	}
	if got := resp.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/plain; version=0.0.4") {
		t.Errorf("Prometheus refuses the type %q", got)
	}
	lint(t, string(body))
	dir := t.TempDir()
	if err := WriteFile(t.Context(), st, dir); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, FileName))
	if err != nil {
		t.Fatal(err)
	}
	served, ours := parse(t, string(body)), parse(t, string(text))
	if len(served) != len(ours) || len(ours) < 40 {
		t.Errorf("%d samples served, %d written", len(served), len(ours))
	}
	for key, value := range ours {
		if v, ok := served[key]; !ok || v != value {
			t.Errorf("%s is %v (%v) as it is served, and %v in the file", key, v, ok, value)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, FileName)); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("in the folder are %v, %v", left, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := WriteFile(ctx, st, dir); err == nil {
		t.Error("no error")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("after an error, in the folder are %v, %v", left, err)
	}
}

const contrib = "../../contrib/prometheus"

// scraped is the statement of the prometheus.yml that we hand out.
func scraped(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(contrib, "prometheus.yml"))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`query: \["(.*)"\]`).FindSubmatch(text)
	if m == nil {
		t.Fatal("no query in prometheus.yml")
	}
	return string(m[1])
}

// The files for Prometheus are what it reads, and the alerts come when they should.
func TestRules(t *testing.T) {
	t.Parallel()
	promtool := testkit.Command(t, "promtool", "prometheus")
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(contrib)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "clickhouse.password"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"check", "rules", "--lint-fatal", "ingest.rules.yml"}, {"check", "config", "prometheus.yml"}, {"test", "rules", "ingest.rules.test.yml"},
	} {
		cmd := exec.CommandContext(t.Context(), promtool, args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	rules, err := os.ReadFile(filepath.Join(dir, "ingest.rules.yml"))
	if err != nil {
		t.Fatal(err)
	}
	known, err := os.ReadFile("../../schema/009_metrics.sql")
	if err != nil {
		t.Fatal(err)
	}
	tests, err := os.ReadFile(filepath.Join(dir, "ingest.rules.test.yml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range regexp.MustCompile(`\bingest_[a-z_]+\b`).FindAllString(string(rules), -1) {
		if !strings.Contains(string(known), "'"+name+"'") {
			t.Errorf("a rule is about %s, which is no metric", name)
		}
	}
	for _, m := range regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(string(rules), -1) {
		if !strings.Contains(string(tests), "alertname: "+m[1]+"\n") {
			t.Errorf("the alert %s has no test", m[1])
		}
	}
}
