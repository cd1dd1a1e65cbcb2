package main

import (
	"archive/zip"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"rawlogs/internal/engine"
)

// TestScripts drives the command as a person does: exit status, stdout and
// stderr of each subcommand.
func TestScripts(t *testing.T) {
	t.Parallel()
	library, err := engine.FindLibrary("")
	if err != nil {
		t.Fatal(err) // `make engine` brings it: these tests are about a real store
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("INGEST_ENGINE_LIBRARY", library)
			e.Setenv("GORACE", os.Getenv("GORACE"))
			e.Setenv(racedEnv, os.Getenv(racedEnv))
			e.Setenv("TMPDIR", e.WorkDir)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status":     exitStatusCmd,
			"hold":       holdCmd,
			"logs":       logsCmd,
			"rawzip":     rawzipCmd,
			"fresh":      freshCmd,
			"corrupt":    corruptCmd,
			"repack":     repackCmd,
			"merge":      mergeCmd,
			"checkorrun": checkOrRunCmd,
		},
	})
}

// exitStatusCmd runs a command and wants one certain exit status:
// status 2 ingest run --nope
func exitStatusCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N COMMAND…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := err.(interface{ ExitCode() int }); ok {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// logsCmd writes hourly click ZIPs of a UTC day into a folder, with
// HOURS × 10 rows: logs FOLDER DAY HOURS
func logsCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: logs FOLDER DAY HOURS")
	}
	day, err := time.Parse("20060102", args[1])
	ts.Check(err)
	hours, err := strconv.Atoi(args[2])
	ts.Check(err)
	for h := range hours {
		hour := day.Add(time.Duration(h) * time.Hour)
		var b strings.Builder
		b.WriteString("transaction_id,affiliate_id,offer_id,datetime,revenue_cents,country_code,ip,user_agent\n")
		for i := range 10 {
			fmt.Fprintf(&b, "\"%02x%04x\",%d,%d,%q,\"250\",\"CZ\",\"192.0.2.7\",\"agent\"\n",
				h, i, i%3, i%2, hour.Add(time.Duration(i)*time.Minute).Format(time.DateTime))
		}
		name := fmt.Sprintf("%s/clicks-%d-Sl%04d.zip", args[1], hour.Unix(), h)
		writeZip(ts, ts.MkAbs(filepath.Join(args[0], name)), b.String())
	}
}

// rawzipCmd zips a text file under a name: rawzip TARGET.zip SOURCE.csv
func rawzipCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: rawzip TARGET.zip SOURCE.csv")
	}
	writeZip(ts, ts.MkAbs(args[0]), ts.ReadFile(args[1]))
}

// freshCmd writes the clicks of the hour before this one: fresh FOLDER
func freshCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: fresh FOLDER")
	}
	hour := time.Now().UTC().Truncate(time.Hour).Add(-time.Hour)
	name := fmt.Sprintf("%s/clicks-%d-Fr0001.zip", hour.Format("20060102"), hour.Unix())
	writeZip(ts, ts.MkAbs(filepath.Join(args[0], name)), "transaction_id,offer_id,affiliate_id,datetime\n102fresh,1,2,"+hour.Format(time.DateTime)+"\n")
}

// corruptCmd cuts a file short: corrupt FILE
func corruptCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: corrupt FILE")
	}
	path := ts.MkAbs(args[0])
	info, err := os.Stat(path)
	ts.Check(err)
	ts.Check(os.Truncate(path, info.Size()/2))
}

func writeZip(ts *testscript.TestScript, path, text string) {
	ts.Check(os.MkdirAll(filepath.Dir(path), 0o755))
	f, err := os.Create(path)
	ts.Check(err)
	z := zip.NewWriter(f)
	w, err := z.Create("log.csv")
	ts.Check(err)
	_, err = w.Write([]byte(text))
	ts.Check(err)
	ts.Check(z.Close())
	ts.Check(f.Close())
}

// checkOrRunCmd asks `ingest check` and then loads: checkorrun NAMED EXIT. Either
// check names the defect, or the load succeeds; and a load that fails says the same.
// NAMED is a pattern for a line of check's that is not ok, "" for none.
func checkOrRunCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: checkorrun NAMED EXIT")
	}
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	failed := ts.Exec("ingest", "check") != nil
	said := ts.ReadFile("stdout") + ts.ReadFile("stderr")
	var named []string
	for line := range strings.Lines(said) {
		// A store that is absent, a spool in memory and columns that these few files lack are no defects.
		if !regexp.MustCompile("^(ok| )|in memory|embedded:.*is not there|none of the files fills").MatchString(line) {
			named = append(named, line)
		}
	}
	pattern := regexp.MustCompile(args[0])
	if args[0] == "" && (failed || len(named) > 0) || args[0] != "" && !slices.ContainsFunc(named, pattern.MatchString) {
		ts.Fatalf("check named %q, want %q", named, args[0])
	}
	err = ts.Exec("ingest", "backfill", "20160909")
	got := 0
	if exit, ok := err.(interface{ ExitCode() int }); ok {
		got = exit.ExitCode()
	}
	if got != want || got != 0 && args[0] == "" {
		ts.Fatalf("exit status %d, want %d; check named %q", got, want, named)
	}
	if got != 0 && !failed {
		ts.Fatalf("check ends with 0, a load with %d", got)
	}
}
