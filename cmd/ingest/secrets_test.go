package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/sim/simnet"
	"rawlogs/internal/testkit"
)

const (
	canarySignature = "canary5ignature0f0a0link"
	canaryPassword  = "canary-Passw0rd-of-the-store"
)

// unkind is a storage that answers every download in a way that tempts a
// program to print the link, signature and all.
func unkind(t *testing.T) *httptest.Server {
	var calls atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch calls.Add(1) % 4 {
		case 0:
			w.WriteHeader(http.StatusForbidden)
			_, _ = fmt.Fprintf(w, "<Error><Code>SignatureDoesNotMatch</Code><StringToSign>%s</StringToSign></Error>", r.URL)
		case 1:
			_, _ = fmt.Fprintf(w, "<html>%s</html>", r.URL)
		case 2:
			http.Redirect(w, r, "file:///etc/passwd?"+r.URL.RawQuery, http.StatusFound)
		default:
			http.Redirect(w, r, "http://127.0.0.1:1/gone?"+r.URL.RawQuery, http.StatusFound)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// echo is a server that is not ClickHouse and says so in the client's own words,
// its password among them.
func echo(t *testing.T) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			greeting := make([]byte, 1<<10)
			n, _ := conn.Read(greeting)
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 400 Bad Request\r\n\r\n%s", greeting[:n])
			_ = conn.Close()
		}
	}()
	return l.Addr().String()
}

// without starts some commands on a store that is of no use. The function
// waits for their end and wants each to have failed.
func (p *program) without(store string) (wait func()) {
	var waits []func()
	for _, args := range [][]string{{"check", "-v"}, {"backfill", "2016", "-v", "--json"}, {"sql", "SELECT 1"}} {
		cmd, stdout, stderr := p.command(args...)
		cmd.Env = append(cmd.Env, "INGEST_STORE="+store)
		if err := cmd.Start(); err != nil {
			p.t.Fatal(err)
		}
		waits = append(waits, func() {
			if status := exitOf(cmd.Wait()); status != exitFailed && status != exitUsage {
				p.t.Errorf("%v with such a store: exit status %d", args, status)
			}
			p.printed.WriteString(stdout.String() + stderr.String())
		})
	}
	return func() {
		for _, wait := range waits {
			wait()
		}
	}
}

// Token, signatures and passwords are in no output, table, log or command line,
// whatever goes wrong.
func TestSecretsShowNowhere(t *testing.T) {
	t.Parallel()
	network := testkit.Simnet(t, simnet.Config{Seed: 6, Clicks: 5, Limit: 10_000})
	if _, err := network.Live(t.Context(), simnet.Scenario{Start: day, Days: 1, Plain: true}); err != nil {
		t.Fatal(err)
	}
	network.Faults.EditListing(func(_ simnet.Request, files []rawlog.File) []rawlog.File { return files[:min(4, len(files))] })
	storage := unkind(t)
	var links atomic.Int64
	network.Faults.Intercept(func(r simnet.Request) *simnet.Answer {
		if r.Method != "getDownloadLink" {
			return nil
		}
		base := storage.URL
		if links.Add(1)%2 == 0 {
			base = "https" + strings.TrimPrefix(base, "http") // where no TLS is spoken: a transport's error
		}
		link, _ := json.Marshal(base + "/x.zip?X-Amz-Credential=canaryKey&X-Amz-Signature=" + canarySignature)
		return &simnet.Answer{Type: "application/json", Body: `{"response":{"status":1,"httpStatus":200,"data":{"link":` + string(link) + `},"errors":[],"errorMessage":null}}`}
	})
	p := newProgram(t, network.Env()...)
	p.hold()
	// A store that never answers is waited for, so it is asked first.
	silent := p.without("clickhouse://user:" + canaryPassword + "@" + strings.TrimPrefix(storage.URL, "http://") + "/raw")
	for _, args := range [][]string{{"-v"}, {"--json", "-v"}} {
		_, stderr := p.run(exitIncomplete, append([]string{"backfill", "20160909", "--type", "conversions"}, args...)...)
		if !strings.Contains(stderr, "file failed") {
			t.Errorf("printed\n%s", stderr)
		}
	}
	p.run(exitIncomplete, "status", "--json", "-v")
	network.Faults.Intercept(nil)
	network.Faults.RevokeToken(true)
	p.run(exitFailed, "backfill", "20160909", "--type", "clicks", "-v")
	network.Faults.RevokeToken(false)
	for _, table := range []string{"ingest_files", "ingest_leases", "rejected_rows", "system.query_log", "system.text_log", "system.processes", "system.settings"} {
		cmd, stdout, stderr := p.command("sql", "--write", "-f", "json", "SELECT * FROM "+table)
		if status := exitOf(cmd.Run()); status != exitDone && !strings.HasPrefix(table, "system.") {
			t.Errorf("%s: exit status %d: %s", table, status, stderr)
		}
		p.printed.WriteString(stdout.String() + stderr.String())
	}

	// A store that is not there, one that is not ClickHouse, and addresses that cannot be read.
	for _, store := range []string{
		"clickhouse://user:" + canaryPassword + "@127.0.0.1:1/raw",
		"clickhouse://user:" + canaryPassword + "@" + echo(t) + "/raw",
		"clickhouse://user:" + canaryPassword + "@127.0.0.1:notaport/raw",
		"clickhouse://user:" + canaryPassword + "/@127.0.0.1:9000/raw",
		"mysql://user:" + canaryPassword + "@127.0.0.1/raw",
	} {
		p.without(store)()
	}
	silent()

	embedded, err := os.ReadFile(filepath.Join(p.dir, "data/clickhouse/password"))
	if err != nil {
		t.Fatal(err)
	}
	secrets := []string{network.Token(), canarySignature, canaryPassword, strings.TrimSpace(string(embedded))}
	p.secretive(secrets...)
	logs, err := filepath.Glob(filepath.Join(p.dir, "data/clickhouse/logs/*"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("logs: %v, %v", logs, err)
	}
	for _, log := range logs {
		text, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range secrets {
			if strings.Contains(string(text), s) {
				t.Errorf("a secret stands in %s", filepath.Base(log))
			}
		}
	}
}

// What other users of the machine can see of a process holds no secret, and the
// host of the embedded ClickHouse is not even given the token.
func TestSecretsInProcesses(t *testing.T) {
	t.Parallel()
	network := testkit.Simnet(t, simnet.Config{Seed: 7, Clicks: 5, Limit: 10_000})
	if _, err := network.Live(t.Context(), simnet.Scenario{Start: day, Days: 1, Plain: true}); err != nil {
		t.Fatal(err)
	}
	stalled := make(chan struct{}, 100)
	network.Faults.Intercept(func(r simnet.Request) *simnet.Answer {
		if r.Method != "getDownloadLink" {
			return nil
		}
		stalled <- struct{}{}
		return &simnet.Answer{Stall: time.Hour}
	})
	p := newProgram(t, network.Env()...)
	cmd, _, _ := p.command("backfill", "2016")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-stalled
	raw, err := os.ReadFile(filepath.Join(p.dir, "data/clickhouse/endpoint.json"))
	if err != nil {
		t.Fatal(err)
	}
	var endpoint struct {
		PID      int    `json:"pid"`
		Password string `json:"password"`
	}
	if err := json.Unmarshal(raw, &endpoint); err != nil || endpoint.PID == 0 || endpoint.Password == "" {
		t.Fatalf("endpoint: %v", err)
	}
	for file, secrets := range map[string][]string{
		fmt.Sprintf("/proc/%d/cmdline", cmd.Process.Pid): {network.Token(), endpoint.Password},
		fmt.Sprintf("/proc/%d/cmdline", endpoint.PID):    {network.Token(), endpoint.Password},
		fmt.Sprintf("/proc/%d/environ", endpoint.PID):    {network.Token(), endpoint.Password, "AWS_SECRET"},
	} {
		text, err := os.ReadFile(file)
		if err != nil || len(text) == 0 {
			t.Fatalf("%s: %v", file, err)
		}
		for _, s := range secrets {
			if strings.Contains(string(text), s) {
				t.Errorf("%s shows a secret", file)
			}
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	p.run(exitDone, "sql", "SELECT 1") // it waits until the killed run's ClickHouse has ended
}

// With few open files a load works, or says that they are too few.
// copies makes a folder of n files of one content, 750 KB each.
func copies(t *testing.T, n int) (root string) {
	t.Helper()
	root = t.TempDir()
	first := ""
	for i := range n {
		hour := time.Date(2015, 2, 1, i, 0, 0, 0, time.UTC)
		path := filepath.Join(root, gen.FileName(rawlog.Clicks, hour, 8))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if first != "" {
			if err := os.Link(first, path); err != nil {
				t.Fatal(err)
			}
			continue
		}
		first = path
		file, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := gen.New(gen.Config{Seed: 8}).WriteZip(file, "clicks.csv", gen.Spec{Type: rawlog.Clicks, Hour: hour, Rows: 6500}); err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestFewOpenFiles(t *testing.T) {
	t.Parallel()
	network := testkit.Simnet(t, simnet.Config{Seed: 8, Clicks: 20})
	if _, err := network.Live(t.Context(), simnet.Scenario{Start: day, Days: 1, Plain: true}); err != nil {
		t.Fatal(err)
	}
	p := newProgram(t, append(network.Storage.Env(), "INGEST_SOURCE=s3://"+network.Bucket()+"/"+network.Prefix())...)
	serve, _, _ := p.command("serve") // the store itself is not what is short of files
	serve.Stdout = nil
	out, err := serve.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan() && !strings.HasPrefix(lines.Text(), "Ctrl-C"); {
	}
	for _, files := range []int{64, 20} {
		cmd, stdout, stderr := p.command()
		program, err := filepath.Abs(cmd.Path)
		if err != nil {
			t.Fatal(err)
		}
		cmd.Path, cmd.Args = "/bin/sh", []string{"sh", "-c", "ulimit -n " + strconv.Itoa(files) + " && exec " + program + " backfill 201609"}
		status := exitOf(cmd.Run())
		if status != exitDone && !strings.Contains(stderr.String(), "too many open files") && !strings.Contains(stderr.String(), "ulimit") {
			t.Errorf("with %d files: exit status %d\n%s%s", files, status, stdout, stderr)
		}
		if files == 64 && status != exitDone {
			t.Errorf("64 files do not do: exit status %d\n%s%s", status, stdout, stderr)
		}
	}
	p.run(exitDone, "backfill", "201609")
	p.holds(network.Truth())

	// Archives too large for the memory stay open until their INSERT is acknowledged.
	// All but one hold another hour's rows, which is an issue of theirs.
	const large = 90
	cmd, stdout, stderr := p.command()
	program, err := filepath.Abs(cmd.Path)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Path, cmd.Args = "/bin/sh", []string{"sh", "-c", "ulimit -n 64 && exec " + program + " backfill 201502 --max-memory 64MiB --json --source " + copies(t, large)}
	if status := exitOf(cmd.Run()); status != exitIncomplete || !strings.Contains(stdout.String(), fmt.Sprintf(`"loaded":%d,`, large)) && !strings.Contains(stdout.String(), fmt.Sprintf(`"loaded": %d,`, large)) {
		t.Errorf("large files: exit status %d\n%s%s", status, stdout, stderr)
	}
	if err := serve.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = serve.Wait()
}
