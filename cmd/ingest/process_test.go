package main

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"rawlogs/internal/engine"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/simnet"
	"rawlogs/internal/testkit"
)

// program runs the command as a process of its own, in one folder, with one
// environment, and remembers all it printed.
type program struct {
	t      *testing.T
	dir    string
	env    []string
	ingest string // the command's path; "" is the one on the PATH

	mu      sync.Mutex
	printed strings.Builder
}

func newProgram(t *testing.T, env ...string) *program {
	t.Helper()
	library, err := engine.FindLibrary("")
	if err != nil {
		t.Fatal(err) // `make engine` brings it
	}
	dir := t.TempDir()
	return &program{t: t, dir: dir, env: append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir,
		"INGEST_ENGINE_LIBRARY=" + library, "GORACE=" + os.Getenv("GORACE"),
		"HASOFFERS_RATE_LIMIT=10000/1s", // what the simulated networks here take
	}, env...)}
}

// raced runs the command with the race detector, if the tests have it.
func (p *program) raced() *program {
	p.ingest = filepath.Join(filepath.SplitList(os.Getenv(racedEnv))[0], "ingest")
	return p
}

// hold keeps the program's embedded store running; see the function hold.
func (p *program) hold() { p.t.Helper(); hold(p.t, filepath.Join(p.dir, "data/clickhouse")) }

// command prepares `ingest args…`; TestMain has put it on the PATH.
func (p *program) command(args ...string) (cmd *exec.Cmd, stdout, stderr *bytes.Buffer) {
	stdout, stderr = new(bytes.Buffer), new(bytes.Buffer)
	cmd = exec.CommandContext(p.t.Context(), cmp.Or(p.ingest, "ingest"), args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = p.dir, p.env, stdout, stderr
	return cmd, stdout, stderr
}

// run runs the command to its end; want is the exit status.
func (p *program) run(want int, args ...string) (stdout, stderr string) {
	p.t.Helper()
	cmd, out, errs := p.command(args...)
	status := exitOf(cmd.Run())
	p.mu.Lock()
	p.printed.WriteString(out.String() + errs.String())
	p.mu.Unlock()
	if status != want {
		p.t.Fatalf("ingest %s: exit status %d, want %d\n%s%s", strings.Join(args, " "), status, want, out, errs)
	}
	return out.String(), errs.String()
}

// exitOf is an exit status; -1 for a process that a signal ended.
func exitOf(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	default:
		return -2
	}
}

// number is the single number that a statement answers.
func (p *program) number(sql string) int {
	p.t.Helper()
	out, _ := p.run(exitDone, "sql", "-f", "tsv", sql)
	n, err := strconv.Atoi(strings.TrimSpace(out))
	if err != nil {
		p.t.Fatal(err)
	}
	return n
}

// holds compares rows and distinct lineage of all tables with the truth.
func (p *program) holds(truth simnet.Truth) {
	p.t.Helper()
	var queries []string
	var want strings.Builder
	for _, typ := range rawlog.Types() {
		queries = append(queries, fmt.Sprintf("SELECT '%[1]s' AS t, (SELECT (count(), uniqExact(_file, _line)) FROM %[1]s) AS c, (SELECT uniqExact(file, line) FROM rejected_rows WHERE log_type = '%[1]s')", typ))
		n := truth.Types[typ]
		fmt.Fprintf(&want, "%s\t(%d,%d)\t%d\n", typ, n.Rows, n.Rows, n.Broken)
	}
	out, _ := p.run(exitDone, "sql", "-f", "tsv", "SELECT * FROM ("+strings.Join(queries, " UNION ALL ")+") ORDER BY t")
	if out != want.String() {
		p.t.Errorf("type, rows and distinct rows, rejected:\n%swant\n%s", out, want.String())
	}
}

// secretive fails the test if any output so far shows one of the secrets.
func (p *program) secretive(secrets ...string) {
	p.t.Helper()
	for _, s := range secrets {
		if strings.Contains(p.printed.String(), s) {
			p.t.Errorf("a secret shows in the output:\n%s", strings.ReplaceAll(p.printed.String(), s, "*****"))
		}
	}
	for _, word := range []string{"Signature=", "NetworkToken="} {
		if strings.Contains(p.printed.String(), word) {
			p.t.Errorf("%s shows in the output", word)
		}
	}
}

var day = time.Date(2016, 9, 9, 0, 0, 0, 0, time.UTC)

// From the API: check, load, load again, the late file, counts, secrets.
func TestFromAPI(t *testing.T) {
	t.Parallel()
	net := testkit.Simnet(t, simnet.Config{Seed: 3, Clicks: 40, Limit: 10_000})
	if _, err := net.Live(t.Context(), simnet.Scenario{Start: day, Days: 1}); err != nil {
		t.Fatal(err)
	}
	p := newProgram(t, net.Env()...).raced()
	p.hold()
	out, _ := p.run(exitDone, "check")
	if !strings.Contains(out, "accepts the token") || strings.Contains(out, "fail ") {
		t.Errorf("check printed\n%s", out)
	}
	p.run(exitIncomplete, "backfill", "20160909", "-v")
	p.holds(net.Truth())
	out, _ = p.run(exitIncomplete, "backfill", "2016") // its broken lines stay an issue
	if !strings.Contains(out, "listed 71 = already loaded 71 + loaded 0") {
		t.Errorf("the second load printed\n%s", out)
	}
	net.Release()
	out, _ = p.run(exitIncomplete, "status")
	if !strings.Contains(out, "71 files loaded, 0 failed, 1 missing") {
		t.Errorf("status printed\n%s", out)
	}
	p.run(exitIncomplete, "backfill", "2016", "--json")
	p.holds(net.Truth())
	p.run(exitDone, "verify")
	p.secretive(net.Token())
}

// A wrong token: the API's own words, and not the token.
func TestWrongToken(t *testing.T) {
	t.Parallel()
	net := testkit.Simnet(t, simnet.Config{Limit: 10_000})
	const canary = "NETcanarycanarycanary"
	p := newProgram(t, append(net.Env(), "HASOFFERS_NETWORK_TOKEN="+canary)...)
	out, _ := p.run(exitFailed, "check")
	if !strings.Contains(out, "fail  api") {
		t.Errorf("check printed\n%s", out)
	}
	_, stderr := p.run(exitFailed, "run", "-v")
	if !strings.Contains(stderr, "Network token is not valid") {
		t.Errorf("run printed\n%s", stderr)
	}
	p.secretive(canary)
}

// From a bucket: the same files, by their names alone.
func TestFromBucket(t *testing.T) {
	t.Parallel()
	net := testkit.Simnet(t, simnet.Config{Seed: 4, Clicks: 30})
	if _, err := net.Live(t.Context(), simnet.Scenario{Start: day, Days: 1, Plain: true}); err != nil {
		t.Fatal(err)
	}
	p := newProgram(t, append(net.Storage.Env(), "INGEST_SOURCE=s3://"+net.Bucket()+"/"+net.Prefix())...)
	p.run(exitDone, "check")
	out, _ := p.run(exitDone, "backfill", "201609")
	if !strings.Contains(out, "listed 72 = already loaded 0 + loaded 72") {
		t.Errorf("printed\n%s", out)
	}
	p.holds(net.Truth())
}

// A second run says who holds the lease; the first signal stops a run, the
// second ends it at once.
func TestHeldAndInterrupted(t *testing.T) {
	t.Parallel()
	net := testkit.Simnet(t, simnet.Config{Seed: 5, Clicks: 20, Limit: 10_000})
	if _, err := net.Live(t.Context(), simnet.Scenario{Start: day, Days: 1, Plain: true}); err != nil {
		t.Fatal(err)
	}
	stalled := make(chan struct{})
	var once sync.Once
	net.Faults.Intercept(func(r simnet.Request) *simnet.Answer {
		if r.Method != "getDownloadLink" {
			return nil
		}
		once.Do(func() { close(stalled) })
		return &simnet.Answer{Stall: time.Hour}
	})
	p := newProgram(t, net.Env()...).raced()
	first, _, _ := p.command("backfill", "2016")
	first.Stderr = nil
	stderr, err := first.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	<-stalled
	_, held := p.run(exitHeld, "backfill", "2016")
	if !strings.Contains(held, fmt.Sprint(first.Process.Pid)) || !strings.Contains(held, "holds the lease") {
		t.Errorf("the second run printed\n%s", held)
	}
	interrupt := func() {
		if err := first.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
	}
	interrupt()
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		if strings.Contains(lines.Text(), "stopping once the files in flight are done") {
			interrupt() // only now: two pending signals of a kind are one
		}
	}
	if status := exitOf(first.Wait()); status != exitInterrupted {
		t.Errorf("exit status %d, want %d", status, exitInterrupted)
	}
	net.Faults.Intercept(nil)
	p.run(exitDone, "backfill", "2016")
	p.holds(net.Truth())
}

// A reader that has seen enough ends the output, however long it would have been,
// and is no error.
func TestClosedStdout(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.hold()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd, _, stderr := p.command("sql", "-f", "tsv", "SELECT number FROM numbers(1000000000000)")
	cmd.Stdout = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(r).ReadString('\n'); line != "0\n" {
		t.Errorf("first line %q, %v", line, err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if status := exitOf(cmd.Wait()); status != exitDone || stderr.Len() > 0 {
		t.Errorf("exit status %d, stderr %q", status, stderr)
	}
}

// serve says where it listens and as whom, and leaves the folder's password as
// it is: clients and dictionaries keep it.
func TestServe(t *testing.T) {
	t.Parallel()
	p := newProgram(t).raced()
	cmd, _, stderr := p.command("serve")
	cmd.Stdout = nil
	r, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for lines := bufio.NewScanner(r); lines.Scan(); {
		text.WriteString(lines.Text() + "\n")
		if strings.HasPrefix(lines.Text(), "Ctrl-C") {
			break
		}
	}
	file := filepath.Join(p.dir, "data/clickhouse/password")
	password, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v\n%s%s", err, text.String(), stderr)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the password file: %v, %v", info.Mode(), err)
	}
	if s := text.String(); strings.Contains(s, strings.TrimSpace(string(password))) || !strings.Contains(s, "/play") || !strings.Contains(s, "/dashboard") {
		t.Errorf("printed\n%s", s)
	}
	if p.number("SELECT count() FROM clicks") != 0 { // beside it, on the same data
		t.Error("rows in an empty store")
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		t.Error(err)
	}
	if status := exitOf(cmd.Wait()); status != exitDone {
		t.Errorf("exit status %d\n%s", status, stderr)
	}
	if after, err := os.ReadFile(file); err != nil || string(after) != string(password) {
		t.Errorf("serve changed the password: %v", err)
	}
}
