//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/testkit"
)

// The machine's zone changes no byte of what is loaded, nor what is new.
func TestTimeZoneOfTheMachine(t *testing.T) {
	t.Parallel()
	source := t.TempDir()
	network, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	hour := time.Now().UTC().Truncate(time.Hour)
	for i, typ := range rawlog.Types() {
		for _, back := range []int{0, 5, 30} {
			at := hour.Add(time.Duration(-back) * time.Hour)
			writeLog(t, filepath.Join(source, gen.FileName(typ, at, 7)), gen.Spec{Type: typ, Hour: at, Rows: 40, Broken: i, Zone: network})
		}
	}
	zones := []string{"TZ=Pacific/Kiritimati", "TZ=America/New_York", "TZ=nonsense", ""} // the last: unset
	var mu sync.Mutex
	loaded := make(map[string]string)
	t.Run("in", func(t *testing.T) {
		for i, zone := range zones {
			t.Run(zone, func(t *testing.T) {
				t.Parallel()
				settings := []string{"INGEST_SOURCE=" + source, "HASOFFERS_TIMEZONE=" + network.String()}
				p := newProgram(t, append(settings, zone)...)
				out, _ := p.run(exitIncomplete, "run") // some lines are broken
				if !strings.Contains(out, "listed 9 = already loaded 0 + loaded 9") {
					t.Errorf("printed\n%s", out)
				}
				rows := p.contents()
				p.env = append(p.env[:len(p.env)-1], zones[(i+1)%len(zones)])
				if out, _ := p.run(exitIncomplete, "run"); !strings.Contains(out, "listed 9 = already loaded 9 + loaded 0") {
					t.Errorf("then, with %q:\n%s", zones[(i+1)%len(zones)], out)
				}
				if again := p.contents(); again != rows {
					t.Errorf("with %q\n%sthen with %q\n%s", zone, rows, zones[(i+1)%len(zones)], again)
				}
				mu.Lock()
				defer mu.Unlock()
				loaded[zone] = rows
			})
		}
	})
	for _, zone := range zones {
		if loaded[zone] != loaded[""] || loaded[zone] == "" {
			t.Errorf("with %q\n%swithout a zone\n%s", zone, loaded[zone], loaded[""])
		}
	}
}

// contents are all rows of all tables that a load fills, in a few hashes, but
// for what differs between loads.
func (p *program) contents() string {
	p.t.Helper()
	var each []string
	for _, rows := range []string{
		"clicks", "conversions", "impressions", "rejected_rows",
		"(SELECT * EXCEPT (run, inserts, updated_at, issue_since), 0 AS _insert, 0 AS _loaded_at FROM ingest_files_current)",
	} {
		each = append(each, "SELECT "+strconv.Itoa(len(each))+" AS n, count(), sum(cityHash64(* EXCEPT (_insert, _loaded_at))) FROM "+rows)
	}
	out, _ := p.run(exitDone, "sql", "-f", "tsv", strings.Join(each, " UNION ALL "))
	lines := slices.Sorted(strings.Lines(out)) // a union has no order
	return strings.Join(lines, "")
}

func writeLog(t *testing.T, path string, spec gen.Spec) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gen.New(gen.Config{Seed: 7}).WriteZip(file, "log.csv", spec); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

// onSmallDisk makes a command run with a file system of its own, of a size, at a folder.
func onSmallDisk(t *testing.T, cmd *exec.Cmd, at, size string, args []string) {
	t.Helper()
	program, err := filepath.Abs(cmd.Path)
	if err != nil {
		t.Fatal(err)
	}
	const small = `mount -t tmpfs -o size="$1" none "$0" && shift && "$@"; status=$?; echo "left: $(ls -A "$0")"; exit $status`
	cmd.Path, cmd.Args = "/bin/sh", append([]string{"sh", "-c", small, at, size, program}, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}
	}
}

// TestSpoolShared: of archives for which a disk has no room together each waits for
// its turn.
func TestSpoolShared(t *testing.T) {
	t.Parallel()
	bucket, folder := testkit.S3(t), t.TempDir()
	const files = 5
	for i := range files {
		name := gen.FileName(rawlog.Clicks, day.Add(time.Duration(i)*time.Hour), 7)
		path := filepath.Join(folder, name)
		writeLog(t, path, gen.Spec{Type: rawlog.Clicks, Hour: day.Add(time.Duration(i) * time.Hour), Rows: 3000})
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(body) < 200<<10 || len(body) > 500<<10 {
			t.Fatalf("%s has %d bytes", name, len(body))
		}
		bucket.Put(name, body)
	}
	spool := t.TempDir()
	p := newProgram(t, append(bucket.Env(), "INGEST_SOURCE=s3://"+bucket.Bucket, "INGEST_SPOOL="+spool)...)
	load := []string{"backfill", "2016", "--max-memory", "64MiB", "--fetchers", "32"}
	cmd, stdout, stderr := p.command(load...)
	onSmallDisk(t, cmd, spool, "768k", load)
	if status := exitOf(cmd.Run()); status != exitDone || !strings.Contains(stdout.String(), "listed 5 = already loaded 0 + loaded 5 + failed 0") {
		t.Fatalf("exit status %d\n%s%s", status, stdout, stderr)
	}
	if n := p.number("SELECT count() FROM clicks"); n != files*3000 {
		t.Errorf("%d rows", n)
	}
}

// A spool folder without room fails the files that need it, with a word on what
// to do, and no other; nothing stays in it, and with room the next run loads
// them. The folder is a file system of its own, in a mount namespace that only
// the command is in; where the machine refuses such, this test fails.
func TestSpoolDiskFull(t *testing.T) {
	t.Parallel()
	bucket, folder := testkit.S3(t), t.TempDir()
	rows := 0
	for i, n := range []int{3000, 20, 30} {
		name := gen.FileName(rawlog.Clicks, day.Add(time.Duration(i)*time.Hour), 7)
		path := filepath.Join(folder, name)
		writeLog(t, path, gen.Spec{Type: rawlog.Clicks, Hour: day.Add(time.Duration(i) * time.Hour), Rows: n})
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		const most = 128 << 10 // of an archive in memory, by the flags below
		if large := len(body) > most; large != (i == 0) {
			t.Fatalf("%s has %d bytes", name, len(body))
		}
		bucket.Put(name, body)
		rows += n
	}
	spool := t.TempDir()
	p := newProgram(t, append(bucket.Env(), "INGEST_SOURCE=s3://"+bucket.Bucket, "INGEST_SPOOL="+spool)...)
	load := []string{"backfill", "2016", "--max-memory", "64MiB", "--fetchers", "32"}

	cmd, stdout, stderr := p.command(load...)
	onSmallDisk(t, cmd, spool, "128k", load)
	if status := exitOf(cmd.Run()); status != exitIncomplete {
		t.Fatalf("exit status %d, want %d\n%s%s", status, exitIncomplete, stdout, stderr)
	}
	for _, want := range []string{
		"listed 3 = already loaded 0 + loaded 2 + failed 1", "no space: spool folder " + spool, "no space left on device",
		"free some space, or choose another spool folder", "left: \n",
	} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("does not say %q:\n%s%s", want, stdout, stderr)
		}
	}

	out, _ := p.run(exitDone, load...)
	if !strings.Contains(out, "listed 3 = already loaded 2 + loaded 1") {
		t.Errorf("with room:\n%s", out)
	}
	if n := p.number("SELECT uniqExact(_file, _line) + (count() != uniqExact(_file, _line)) FROM clicks"); n != rows {
		t.Errorf("%d rows, want %d", n, rows)
	}
	if left, err := os.ReadDir(spool); err != nil || len(left) > 0 {
		t.Errorf("left in the spool folder: %v, %v", left, err)
	}
	p.run(exitDone, "verify")
}
