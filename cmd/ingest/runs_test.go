package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"rawlogs/internal/runs"
	"rawlogs/internal/sim/simnet"
	"rawlogs/internal/testkit"
)

// runs are what `ingest runs` lists, newest first.
func (p *program) runs() []runs.Run {
	p.t.Helper()
	out, _ := p.run(exitDone, "runs", "--json")
	var all []runs.Run
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		p.t.Fatalf("%v\n%s", err, out)
	}
	return all
}

// Every end that a run can come to is a row: held, interrupted, killed, refused, done.
func TestRunsAreRecorded(t *testing.T) {
	t.Parallel()
	net := testkit.Simnet(t, simnet.Config{Seed: 5, Clicks: 20, Limit: 10_000})
	if _, err := net.Live(t.Context(), simnet.Scenario{Start: day, Days: 1, Plain: true}); err != nil {
		t.Fatal(err)
	}
	p := newProgram(t, net.Env()...).raced()
	p.hold()
	arrived := make(chan struct{}, 1000)
	net.Faults.Intercept(func(r simnet.Request) *simnet.Answer {
		if r.Method != "getDownloadLink" {
			return nil
		}
		arrived <- struct{}{}
		return &simnet.Answer{Stall: time.Hour}
	})
	begin := func() (kill func(...os.Signal) int) {
		cmd, _, _ := p.command("backfill", "2016", "--type", "clicks", "--fetchers", "1")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		<-arrived
		return func(signals ...os.Signal) int {
			for _, s := range signals {
				if err := cmd.Process.Signal(s); err != nil {
					t.Fatal(err)
				}
			}
			return exitOf(cmd.Wait())
		}
	}
	kill := begin()
	p.run(exitHeld, "backfill", "2016")
	if got := p.runs(); len(got) != 2 || got[0].Outcome != runs.Held || !strings.Contains(got[0].Error, "holds the lease") || got[1].Outcome != runs.Running {
		t.Errorf("beside another: %+v", got)
	}
	kill(os.Kill)
	if got := p.runs(); len(got) != 2 || got[1].Outcome != runs.Died || got[1].ExitStatus != nil {
		t.Errorf("killed: %+v", got)
	}
	// Two signals of different kinds cannot merge into one.
	if status := begin()(os.Interrupt, syscall.SIGTERM); status != exitInterrupted {
		t.Errorf("exit status %d", status)
	}
	if got := p.runs()[0]; got.Outcome != runs.Interrupted || *got.ExitStatus != exitInterrupted {
		t.Errorf("interrupted: %+v", got)
	}
	const canary = "NETcanarycanarycanary"
	right := p.env
	p.env = append(right[:len(right):len(right)], "HASOFFERS_NETWORK_TOKEN="+canary)
	p.run(exitFailed, "run")
	p.env = append(right[:len(right):len(right)], "HASOFFERS_NETWORK_TOKEN=", "INGEST_STORE=embedded:./data/../data/clickhouse")
	p.run(exitFailed, "dims")
	p.env = right
	if got := p.runs(); len(got) != 5 || got[1].Outcome != runs.Failed || !strings.Contains(got[1].Error, "token is not valid") || got[0].Command != "dims" || !strings.Contains(got[0].Error, "not set") {
		t.Errorf("without a token that is right: %+v", got[:2])
	}
	net.Faults.Intercept(nil)
	p.run(exitDone, "backfill", "2016", "--type", "clicks")
	p.run(exitDone, "backfill", "2016", "--type", "clicks", "--dry-run")
	got := p.runs()
	if len(got) != 6 || got[0].Outcome != runs.Done || got[0].Loaded != 24 || got[0].Rows == 0 || got[0].Listed != 24 || got[0].Recovered+got[0].AlreadyLoaded > 24 {
		t.Errorf("done: %+v", got)
	}
	if n := p.number("SELECT countIf(run = '" + got[0].Name + "') FROM ingest_files_current"); n != 24 {
		t.Errorf("%d files are of the run that loaded them", n)
	}
	if n := p.number("SELECT toUInt64(kept_days['clicks'] > 0 AND listed_at IS NOT NULL) FROM ingest_runs_current WHERE loaded > 0"); n != 1 {
		t.Error("nothing is known of what it listed, or how long that is kept")
	}
	all, _ := p.run(exitDone, "sql", "-f", "tsv", "SELECT * FROM ingest_runs")
	for _, secret := range []string{canary, net.Token(), "Signature="} {
		if strings.Contains(all, secret) {
			t.Errorf("%s is in the table", secret)
		}
	}
}

// The same of a server: its password is in the environment, and in no row.
func TestRunsOfServer(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	engine := held(t, p.dir+"/data/clickhouse")
	ep := engine.Endpoint()
	server := newProgram(t, "INGEST_SOURCE="+t.TempDir(), fmt.Sprintf("INGEST_STORE=clickhouse://%s:%s@%s/%s", ep.User, ep.Password, ep.Addr, ep.Database))
	server.run(exitIncomplete, "run")
	server.run(exitDone, "sql", "--write", "CREATE TABLE t (n UInt8) ENGINE = MergeTree ORDER BY n SETTINGS index_granularity = 1")
	got := server.runs()
	if len(got) != 2 || got[0].Arguments != "sql --write …" || got[0].Network != "default" && got[0].Network != "" {
		t.Errorf("%+v", got)
	}
	all, _ := server.run(exitDone, "sql", "-f", "tsv", "SELECT * FROM ingest_runs")
	if strings.Contains(all, ep.Password) || !strings.Contains(all, "run") {
		t.Errorf("the table holds the password:\n%s", strings.ReplaceAll(all, ep.Password, "*****"))
	}
	// A user who may only read lists them.
	reader := ep.AsReader()
	server.env = append(server.env, fmt.Sprintf("INGEST_STORE=clickhouse://%s:%s@%s/%s", reader.User, reader.Password, reader.Addr, reader.Database))
	if got := server.runs(); len(got) != 2 {
		t.Errorf("a reader sees %+v", got)
	}
}
