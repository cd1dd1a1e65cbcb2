package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/engine"
	packed "rawlogs/internal/testkit/pack"
)

// inTest is a drop-in for the printed service: what it finds goes into files, and
// systemd ends with it.
const inTest = `[Unit]
DefaultDependencies=no
SuccessAction=exit-force
FailureAction=exit-force
[Service]
Restart=no
ReadWritePaths=/opt/out
MemoryMax=8G
StandardOutput=append:/opt/out/stdout
StandardError=append:/opt/out/stderr
Environment=GORACE=atexit_sleep_ms=0
ExecStartPost=/bin/sh -c 'echo "home $HOME"; ls -d /proc/1 /proc/meminfo /proc/net/tcp /tmp/* /root/*; touch /usr/x /opt/x; cat /opt/token/token; true'
ExecStartPost=/opt/ingest sql --set compile_expressions=1 --set min_count_to_compile_expression=0 --set compile_aggregate_expressions=1 --set min_count_to_compile_aggregate_expression=0 --format tsv "SELECT 'rows', count(), sum(affiliate_id * 3 + offer_id * 2 + affiliate_id) FROM clicks"
ExecStartPost=/opt/ingest sql --write --format tsv "SELECT 'compiled', sum(ProfileEvents['CompileFunction']) > 0 FROM system.query_log"
ExecStartPost=/opt/ingest sql --write --format tsv "SELECT 'memory', value FROM system.server_settings WHERE name = 'max_server_memory_usage'"
ExecStartPost=-/opt/ingest sql --write --format tsv "SELECT 'fence', * FROM file('/etc/passwd', LineAsString)"
ExecStopPost=+/bin/sh -c 'echo $SERVICE_RESULT $EXIT_STATUS >/opt/out/result'
`

// TestHardenedUnit boots systemd in namespaces of its own and has it run the unit that
// `ingest unit` prints, with all its hardening: the job sees no process but its own, no
// /proc/meminfo, nothing that it may write but its own folders; its token is a
// credential of root's, and its control group has a limit. It loads, and the embedded
// ClickHouse keeps to the limit, compiles expressions and is fenced.
func TestHardenedUnit(t *testing.T) {
	t.Parallel()
	_, missing := os.Stat("/lib/systemd/systemd")
	if err := exec.CommandContext(t.Context(), "unshare", "-m", "-p", "-C", "-u", "-i", "-f", "true").Run(); os.Geteuid() != 0 || err != nil || missing != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("needs root, namespaces and systemd (apt-get install systemd): %v, %v", err, missing)
		}
		t.Skip("needs root, namespaces and systemd (apt-get install systemd)")
	}
	program, err := exec.LookPath("ingest")
	if err != nil {
		t.Fatal(err)
	}
	if program, err = filepath.EvalSymlinks(program); err != nil {
		t.Fatal(err)
	}
	library, err := engine.FindLibrary("")
	if err != nil {
		t.Fatal(err)
	}
	dir, hour := t.TempDir(), time.Now().UTC().AddDate(0, 0, -1).Truncate(time.Hour)
	text := "transaction_id,affiliate_id,offer_id,datetime,ip\n"
	for i := range 10 {
		text += fmt.Sprintf("\"a%d\",2,3,%q,\"192.0.2.7\"\n", i, hour.Format(time.DateTime))
	}
	name := fmt.Sprintf("clicks-%d-SlY9UO.zip", hour.Unix())
	for _, err := range []error{
		os.Mkdir(filepath.Join(dir, "logs"), 0o755), os.Mkdir(filepath.Join(dir, "out"), 0o755),
		os.WriteFile(filepath.Join(dir, "logs", name), packed.Named(t, "clicks.csv", text), 0o644),
		os.WriteFile(filepath.Join(dir, "test.conf"), []byte(inTest), 0o644),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "unshare", "-m", "-p", "-C", "-u", "-i", "-f", "--kill-child", "sh", "testdata/boot.sh", dir, program, library)
	cmd.Cancel = func() error { return killTree(cmd.Process.Pid) }
	booted, err := cmd.CombinedOutput()
	read := func(name string) string {
		text, _ := os.ReadFile(filepath.Join(dir, "out", name))
		return string(text)
	}
	stdout, stderr := read("stdout"), read("stderr")
	t.Logf("%v, %s%s\n%s%s", err, booted, read("result"), stdout, stderr)
	if got := strings.TrimSpace(read("result")); got != "success 0" {
		t.Errorf("the service ended with %q, want success 0", got)
	}
	for _, want := range []string{"files  listed 1 = already loaded 0 + loaded 1 + failed 0", "home /var/lib/ingest", "rows\t10\t140", "compiled\t1", "memory\t5153960754"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("stdout has no %q", want)
		}
	}
	if want := "Cannot open file /etc/passwd"; !strings.Contains(stderr, want) {
		t.Errorf("stderr has no %q", want)
	}
	for _, never := range []string{"/proc/1\n", "/proc/meminfo\n", "/proc/net/tcp\n", "NETcanary", "fence\t", "others can read"} {
		if strings.Contains(stdout+"\n"+stderr, "\n"+never) {
			t.Errorf("the output has %q", never)
		}
	}
}

// killTree ends what unshare has started: it is that child's namespace that ends.
func killTree(pid int) error {
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return err
	}
	for _, child := range strings.Fields(string(children)) {
		if err := exec.Command("kill", "-9", child).Run(); err != nil {
			return err
		}
	}
	return nil
}
