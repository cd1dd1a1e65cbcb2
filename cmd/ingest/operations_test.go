package main

import (
	"bufio"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"

	"rawlogs/internal/engine"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/sim/simnet"
	"rawlogs/internal/testkit"
)

// TestOperations runs every command of docs/operations.md, in order, as a newcomer does:
// in a home of its own, against a simulated network. What needs root, cron, a running
// systemd, a cluster, Grafana or an administrator of a server goes to the stand-ins of
// testdata/operations, which check it.
func TestOperations(t *testing.T) {
	t.Parallel()
	for _, tool := range [][2]string{{"systemctl", "systemd"}, {"systemd-sysusers", "systemd"}, {"promtool", "prometheus"}} {
		if _, err := exec.LookPath(tool[0]); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatal(err)
			}
			t.Skipf("%s is needed (apt-get install %s)", tool[0], tool[1])
		}
	}
	blocks := commands(t)
	home, env := newcomer(t)
	pings := make(chan string, 10)
	monitor := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { pings <- r.Method + " " + r.URL.Path }))
	defer monitor.Close()
	browsed := 0
	for i, block := range blocks {
		script := strings.NewReplacer(
			"https://hc-ping.com/0a1b…", monitor.URL+"/check",
			"/var/lib/prometheus/", filepath.Join(home, "prometheus")+"/",
		).Replace(block)
		clone := filepath.Join(home, "clone")
		script = stays.ReplaceAllStringFunc(script, func(line string) string {
			browsed++
			browse(t, clone, env, line)
			return ""
		})
		cmd := exec.CommandContext(t.Context(), "bash", "-euxo", "pipefail", "-c", script)
		cmd.Dir, cmd.Env = clone, env
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s\n%s", err, block, out)
		}
		if i == 0 {
			env = append(env, "INGEST_CONFIG="+filepath.Join(home, "rawlogs", "ingest.yaml")) // as the first block exports it
		}
	}
	for _, want := range []string{"POST /check/start", "POST /check/0"} {
		if got := <-pings; got != want {
			t.Errorf("the monitor got %s, want %s", got, want)
		}
	}
	if len(pings) > 0 {
		t.Errorf("the monitor also got %s", <-pings)
	}
	if browsed != 2 {
		t.Errorf("%d commands show the status page, want serve and web", browsed)
	}
	for _, made := range []string{
		"root/var/lib/grafana/dashboards/rawlogs/traffic.json", "root/etc/grafana/provisioning/datasources/rawlogs.yml", "root/etc/grafana/provisioning/dashboards/rawlogs.yml",
		"rawlogs/status.html", "clone/status.html", "prometheus/node-exporter/ingest.prom",
		"root/usr/local/bin/ingest", "root/etc/systemd/system/timers.target.wants/ingest.timer", "root/etc/sysusers.d/ingest.conf",
	} {
		if info, err := os.Lstat(filepath.Join(home, made)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", made, err)
		}
	}
}

// commands are the blocks of commands on the page. Those of a release's packages are not
// among them: TestRelease in tools/release, which makes such packages, runs them.
// Every block of the page says what it is, so that none is there that nobody runs.
func commands(t *testing.T) []string {
	t.Helper()
	raw, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	var blocks, block []string
	section, language := "", ""
	for i, line := range strings.Split(string(raw), "\n") {
		mark, fence := strings.CutPrefix(strings.TrimLeft(line, " \t>"), "```")
		switch {
		case language == "" && fence:
			if !slices.Contains([]string{"sh", "text", "json", "yaml"}, mark) {
				t.Fatalf("docs/operations.md:%d: a block marked %q; want sh, whose commands are run, or text, json or yaml", i+1, mark)
			}
			language, block = mark, nil
		case language == "" && strings.HasPrefix(line, "    "):
			t.Fatalf("docs/operations.md:%d: an indented block: fence it, with its language", i+1)
		case language == "":
			if title, ok := strings.CutPrefix(line, "## "); ok {
				section = title
			}
		case fence:
			if language == "sh" && section != "Releases" {
				blocks = append(blocks, strings.Join(block, "\n")+"\n")
			}
			language = ""
		default:
			if language == "text" && isCommand.MatchString(line) {
				t.Fatalf("docs/operations.md:%d: a command among text: %s", i+1, line)
			}
			block = append(block, line)
		}
	}
	if len(blocks) < 11 || language != "" {
		t.Fatalf("found %d blocks of commands", len(blocks))
	}
	return blocks
}

var (
	isCommand = regexp.MustCompile(`^(\$ |sudo|ingest |make |export |[a-z-]+ -)`)
	stays     = regexp.MustCompile(`(?m)^ingest (serve|web)\b.*`)
	pageLink  = regexp.MustCompile(`status(?: page)? +(http://127\.0\.0\.1:\d+/open\?key=\S+)`)
)

// browse runs a command that shows the status page until Ctrl-C, on a terminal, and opens
// the link that it prints.
func browse(t *testing.T, dir string, env []string, line string) {
	t.Helper()
	command, _, _ := strings.Cut(line, " #")
	if strings.HasPrefix(line, "ingest web") {
		command += " --listen 127.0.0.1:0" // others on this machine may have its own port
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-c", "exec "+command)
	cmd.Dir, cmd.Env = dir, env
	terminal, err := pty.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = terminal.Close() }()
	var said strings.Builder
	for lines := bufio.NewScanner(terminal); !strings.HasSuffix(said.String(), "Ctrl-C ends it.\n") && lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
	}
	link := pageLink.FindStringSubmatch(said.String())
	if link == nil {
		t.Fatalf("%s: no link in %s", line, said.String())
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Jar: jar}
	answer, err := client.Get(link[1])
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(page), "are loaded · 11111</title>") {
		t.Errorf("%s: %s, %v:\n%.1000s", line, answer.Status, err, page)
	}
	if _, err := terminal.WriteString("\x03"); err != nil { // Ctrl-C
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, terminal) // ends with EIO when the other end is closed
	if err := cmd.Wait(); err != nil {
		t.Errorf("%s: %v", line, err)
	}
}

// newcomer is a home with a clone in it, and the environment to work in: credentials of a
// network that has published an hour yesterday, and the answers that `ingest init` would
// ask for.
func newcomer(t *testing.T) (home string, env []string) {
	t.Helper()
	cache, err := os.UserCacheDir() // not the temporary folder, in which no service may keep a store
	if err != nil {
		t.Fatal(err)
	}
	if err = os.MkdirAll(cache, 0o700); err != nil {
		t.Fatal(err)
	}
	if home, err = os.MkdirTemp(cache, "rawlogs-operations-"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(home); err != nil {
			t.Error(err)
		}
	})
	repository, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	program, err := exec.LookPath("ingest")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"clone/bin", "root/usr/local/bin", "prometheus/node-exporter"} {
		if err := os.MkdirAll(filepath.Join(home, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for from, to := range map[string]string{program: "clone/bin/ingest", filepath.Join(repository, "contrib"): "clone/contrib"} {
		if err := os.Symlink(from, filepath.Join(home, to)); err != nil {
			t.Fatal(err)
		}
	}
	net := testkit.Simnet(t, simnet.Config{Seed: 5, Limit: 10_000})
	yesterday := time.Now().UTC().AddDate(0, 0, -1).Truncate(24 * time.Hour)
	if _, err := net.Publish(t.Context(), gen.FileName(rawlog.Clicks, yesterday, 5), gen.Spec{Type: rawlog.Clicks, Hour: yesterday, Rows: 20}); err != nil {
		t.Fatal(err)
	}
	library, err := engine.FindLibrary("")
	if err != nil {
		t.Fatal(err)
	}
	store := filepath.Join(home, "rawlogs", "data", "clickhouse")
	hold(t, store)
	return home, append(net.Env(),
		"HOME="+home, "ROOT="+filepath.Join(home, "root"), "REPOSITORY="+repository, "TMPDIR="+t.TempDir(),
		"PATH="+filepath.Join(repository, "cmd/ingest/testdata/operations")+":"+filepath.Join(home, "root/usr/local/bin")+":"+os.Getenv("PATH"),
		"INGEST_SOURCE=hasoffers:", "INGEST_STORE=embedded:"+store, "INGEST_ENGINE_LIBRARY="+library, "GORACE="+os.Getenv("GORACE"))
}
