package unit_test

import (
	"flag"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"rawlogs/internal/config"
	"rawlogs/internal/unit"
)

var update = flag.Bool("update", false, "write the golden files anew")

// odd are values with whatever one of the formats gives a meaning to.
var odd = map[string]string{
	"INGEST_FILES":         "(?P<type>\\w+)%d-\"q\" $HOME `x` $$ 'q'_(?P<day>\\d{8})\n(?P<type>\\w+): #x_(?P<day>\\d{8})",
	"HASOFFERS_NETWORK_ID": "010",
	"HASOFFERS_TIMEZONE":   "Europe/Prague until 2018, UTC",
}

// secrets are canaries, by variable.
var secrets = map[string]string{
	"HASOFFERS_NETWORK_TOKEN": "NETcanary-of-a-token",
	"INGEST_STORE":            "clickhouse://loader:canary-of-a-password@ch1.example:9440/rawlogs?secure=true",
	"INGEST_PING_URL":         "https://hc.example/canary-of-a-ping",
	"INGEST_NOTIFY":           "https://hooks.example/canary-of-a-hook",
	"HTTPS_PROXY":             "http://me:canary-of-a-proxy@proxy.example:3128",
}

func job(t *testing.T, env map[string]string) unit.Job {
	t.Helper()
	layers, err := config.Read(config.Given{
		Getenv: func(name string) string { return env[name] },
		Flag:   func(string) (string, string, bool) { return "", "", false },
	})
	if err != nil {
		t.Fatal(err)
	}
	networks, err := layers.Portable(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return unit.Job{
		Name: "ingest", Program: "/usr/bin/ingest", User: "ingest", Networks: networks, Image: "ingest:1.2.3", Storage: "50Gi",
		When: unit.When{At: []string{"04:30", "16:30"}, Zone: "Europe/Prague"},
	}
}

func with(maps_ ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, m := range maps_ {
		maps.Copy(all, m)
	}
	return all
}

func all(t *testing.T, j unit.Job) []unit.File {
	t.Helper()
	var files []unit.File
	for _, make := range []func() ([]unit.File, error){j.Systemd, func() ([]unit.File, error) { return j.Cron("/srv/in gest") }, j.Kubernetes} {
		made, err := make()
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, made...)
	}
	return files
}

// Nothing that is printed holds a secret, wherever the secret is now.
func TestNoSecrets(t *testing.T) {
	t.Parallel()
	for _, f := range all(t, job(t, with(odd, secrets))) {
		if strings.Contains(f.Text, "canary") {
			t.Errorf("%s holds a secret:\n%s", f.Name, f.Text)
		}
		for name := range secrets {
			if !strings.HasSuffix(f.Name, ".env") && strings.HasSuffix(f.Name, ".service") && !strings.Contains(f.Text, name) {
				t.Errorf("%s does not say where %s comes from", f.Name, name)
			}
		}
	}
}

// The units of the package, and what systemd and Kubernetes are asked to take, are
// files under review; tools/kubernetes reads the latter by the API's own types.
func TestGolden(t *testing.T) {
	t.Parallel()
	pack := job(t, nil)
	pack.Package, pack.Serve, pack.Config = true, true, "/etc/ingest/ingest.yaml"
	pack.When = unit.When{At: []string{"00:30", "06:30", "12:30", "18:30"}, Zone: "UTC"}
	golden(t, filepath.Join("..", "..", "packaging"), pack.Systemd)
	golden(t, "testdata/kubernetes", job(t, map[string]string{"HASOFFERS_NETWORK_ID": "acme", "HASOFFERS_NETWORK_TOKEN": "NETx"}).Kubernetes)
	backfill := job(t, with(odd, secrets))
	backfill.Name, backfill.Periods, backfill.Workers = "acme", []string{"2015", "2016"}, 4
	golden(t, "testdata/kubernetes", backfill.Kubernetes)
}

func golden(t *testing.T, dir string, make func() ([]unit.File, error)) {
	t.Helper()
	files, err := make()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		path := filepath.Join(dir, f.Name)
		if *update {
			if err := os.WriteFile(path, []byte(f.Text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(path); err != nil || string(want) != f.Text {
			t.Errorf("%s is not what is printed (%v); if it is meant, go test -run TestGolden -update:\n%s", path, err, f.Text)
		}
	}
}

// systemd takes what is printed, and finds a service that can do little.
func TestSystemdTakesThem(t *testing.T) {
	t.Parallel()
	tool(t, "systemd-analyze", "systemd")
	for name, env := range map[string]map[string]string{
		"server":   with(odd, secrets),
		"embedded": {"HASOFFERS_NETWORK_ID": "acme", "INGEST_STORE": "embedded:/srv/click house 100%/x"},
	} {
		j := job(t, env)
		j.Serve, j.Web = name == "embedded", name == "server"
		j.Program = "/bin/true" // it has to be there
		files, err := j.Systemd()
		if err != nil {
			t.Fatal(err)
		}
		// As systemd reads it: %% is a percent sign, and what C's escapes mean.
		want := "Environment=\"INGEST_FILES=(?P<type>\\\\w+)%%d-\\\"q\\\" $HOME `x` $$ 'q'_(?P<day>\\\\d{8})\\n(?P<type>\\\\w+): #x_(?P<day>\\\\d{8})\"\n"
		if name == "server" && !strings.Contains(files[0].Text, want) {
			t.Errorf("the service lacks %s:\n%s", want, files[0].Text)
		}
		dir := t.TempDir()
		if err := unit.Write(dir, files); err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			path := filepath.Join(dir, f.Name)
			if strings.HasSuffix(path, ".conf") {
				continue
			}
			if out, err := exec.CommandContext(t.Context(), "systemd-analyze", "verify", "--man=no", path).CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("%s: %s: %v, %s", name, f.Name, err, out)
			}
			if strings.HasSuffix(path, ".timer") {
				continue
			}
			const most = 2.0 // of 10; below 3 is what systemd calls OK
			out, err := exec.CommandContext(t.Context(), "systemd-analyze", "security", "--offline=true", "--no-pager", path).CombinedOutput()
			m := regexp.MustCompile(`Overall exposure level for .*: ([0-9.]+)`).FindSubmatch(out)
			if err != nil || m == nil {
				t.Fatalf("%s: %s: %v, %s", name, f.Name, err, out)
			}
			if exposure, err := strconv.ParseFloat(string(m[1]), 64); err != nil || exposure > most {
				t.Errorf("%s: %s is exposed by %s of 10, want at most %.1f\n%s", name, f.Name, m[1], most, out)
			}
		}
	}
}

// A line of a crontab comes out of cron and the shell as the values that went in.
func TestCronCarriesValues(t *testing.T) {
	t.Parallel()
	files, err := job(t, with(odd, map[string]string{"INGEST_STORE": "embedded:/srv/it's 100% here"})).Cron("/")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(files[0].Text), "\n")
	at, command, _ := strings.Cut(lines[len(lines)-1], " * * * ")
	if at != "30 16" {
		t.Errorf("the last line is for %q", at)
	}
	// As cron does: an unescaped % ends the command, an escaped one loses its backslash.
	if i := regexp.MustCompile(`(^|[^\\])%`).FindStringIndex(command); i != nil {
		t.Fatalf("cron cuts the command off: %s", command[:i[1]])
	}
	command = strings.ReplaceAll(strings.ReplaceAll(command, `\%`, "%"), "/usr/bin/ingest run --quiet", "env -0")
	command = regexp.MustCompile(`set -a && \. \S+ && set \+a && `).ReplaceAllString(command, "")
	out, err := exec.CommandContext(t.Context(), "/bin/sh", "-c", command).Output()
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	got := map[string]string{}
	for v := range strings.SplitSeq(string(out), "\x00") {
		name, value, _ := strings.Cut(v, "=")
		got[name] = value
	}
	for name, want := range with(odd, map[string]string{"INGEST_STORE": "embedded:/srv/it's 100% here"}) {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for name, c := range map[string]struct {
		env  map[string]string
		make func(unit.Job) ([]unit.File, error)
		want string
	}{
		"a store in /tmp":     {map[string]string{"HASOFFERS_NETWORK_ID": "acme", "INGEST_STORE": "embedded:/tmp/x"}, unit.Job.Systemd, "a temporary folder of its own"},
		"a path of two lines": {map[string]string{"HASOFFERS_NETWORK_ID": "acme", "INGEST_STORE": "embedded:/srv/a\nb"}, unit.Job.Systemd, "control character"},
		"a folder in a pod":   {map[string]string{"INGEST_SOURCE": folder}, unit.Job.Kubernetes, "a pod does not see"},
		"workers on an embedded store": {map[string]string{"HASOFFERS_NETWORK_ID": "acme"}, func(j unit.Job) ([]unit.File, error) {
			j.Workers, j.Periods = 2, []string{"2016"}
			return j.Kubernetes()
		}, "cannot share an embedded store"},
		"two minutes in one line": {map[string]string{"HASOFFERS_NETWORK_ID": "acme"}, func(j unit.Job) ([]unit.File, error) {
			j.When.At = []string{"04:30", "05:15"}
			return j.Kubernetes()
		}, "the same minute"},
		"serve of a server": {secrets, func(j unit.Job) ([]unit.File, error) {
			j.Serve = true
			return j.Systemd()
		}, "the store is a server"},
		"the page of an embedded store": {map[string]string{"HASOFFERS_NETWORK_ID": "acme"}, func(j unit.Job) ([]unit.File, error) {
			j.Web = true
			return j.Systemd()
		}, "--serve shows its page"},
	} {
		if _, err := c.make(job(t, c.env)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestWhen(t *testing.T) {
	t.Parallel()
	for _, w := range []unit.When{{}, {At: []string{"4:30"}, Zone: "UTC"}, {At: []string{"24:00"}, Zone: "UTC"}, {At: []string{"04:30"}, Zone: "Europe/Nowhere"}, {At: []string{"04:30\nX"}, Zone: "UTC"}} {
		if err := w.Check(); err == nil {
			t.Errorf("%+v is taken", w)
		}
	}
	for at, want := range map[string]float64{"04:30": 24, "04:30,16:30": 12, "18:00,00:00,01:30": 16.5} {
		w := unit.When{At: strings.Split(at, ","), Zone: "UTC"}
		if err := w.Check(); err != nil || w.Gap().Hours() != want {
			t.Errorf("%s: %v, %v; want %v hours", at, w.Gap(), err, want)
		}
	}
}

// tool skips a test whose tool is missing, but where CI has to have it.
func tool(t *testing.T, name, pkg string) {
	t.Helper()
	if _, err := exec.LookPath(name); err == nil {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is missing: apt-get install %s", name, pkg)
	}
	t.Skipf("needs %s: apt-get install %s", name, pkg)
}

// A service runs as another user than whoever wrote its settings, so it says how they
// become readable, and nothing where they are.
func TestConfigIsReadable(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "in etc")
	path := filepath.Join(dir, "ingest.yaml")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	j := job(t, nil)
	j.Config = path
	for _, tc := range []struct {
		file, dir os.FileMode
	}{{0o600, 0o755}, {0o644, 0o755}, {0o644, 0o700}, {0o640, 0o700}} {
		if err := os.Chmod(path, tc.file); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, tc.dir); err != nil {
			t.Fatal(err)
		}
		files, err := j.Systemd()
		if err != nil {
			t.Fatal(err)
		}
		said := ""
		for line := range strings.Lines(files[0].Text) {
			if strings.Contains(line, "chgrp ingest ") {
				said = line
			}
		}
		named := strings.Contains(said, "'"+path+"'") == (tc.file&0o4 == 0) && strings.Contains(said, "'"+dir+"'") == (tc.dir&0o1 == 0)
		if !named {
			t.Errorf("file %o in folder %o: %q", tc.file, tc.dir, said)
		}
	}
}
