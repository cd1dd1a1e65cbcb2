package main

import (
	"bytes"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/pipeline"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
	archives "rawlogs/internal/testkit/pack"
)

const (
	gonePerson = "203.0.113.77"
	goneDevice = "6d92078a-8246-4ba4-ae5b-76104861e7dc"
	goneUser   = "user-pl4nted@example.org"
	// erased are the tables that have something of a person here.
	erased      = "('clicks', 'impressions', 'rejected_rows', 'ingest_files', 'ingest_runs', 'ingest_forgotten')"
	goneRequest = "device_id,ip,user_id\n" + goneDevice + "," + gonePerson + "," + goneUser + "\n"
)

// erasable is a program whose store writes texts to the disk as they are, so that a search of
// files finds them. Of the archive's 21 rows 15 are a
// person's, and a line that is no row is.
func erasable(t *testing.T) (p *program, st *store.Store, request string) {
	t.Helper()
	outside := t.TempDir()
	write := func(path, text string) {
		t.Helper()
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	const head = "transaction_id,offer_id,affiliate_id,datetime,ip,device_id,affiliate_sub1,url,extra\n"
	text := head + "a,1,2,2016-09-09 09:00:00," + gonePerson + ",d,s,http://a/?b=c,\n" +
		"b,1,2,2016-09-09 09:00:00,198.51.100.1," + goneDevice + ",s,http://a/?b=c,\n" +
		"c,1,2,2016-09-09 09:00:00,198.51.100.1,d," + goneUser + ",http://a/?b=c,\n" +
		"d,1,2,2016-09-09 09:00:00,198.51.100.1,d,s,http://a/?to=http%3A%2F%2Fb%2F%3Fmail%3Duser-pl4nted%2540example.org,\n" +
		"e,1,2,2016-09-09 09:00:00,198.51.100.1,d,s,http://a/?b=c," + goneDevice + "\n" +
		"f,1,2,2016-09-09 09:00:00,198.51.100.2,d,s,http://a/?b=c,\n" +
		"g,1,2,2016-09-09 09:00:00,198.51.100.3,d,s,http://a/?b=c,\n"
	start := time.Date(2016, 9, 9, 9, 0, 0, 0, time.UTC)
	for name, text := range map[string]string{
		gen.FileName(rawlog.Clicks, start, 1): text + "t9," + gonePerson + ",x\n", gen.FileName(rawlog.Clicks, start.Add(time.Hour), 2): strings.ReplaceAll(text, " 09:", " 10:"), gen.FileName(rawlog.Impressions, start, 3): text,
	} {
		write(filepath.Join(outside, "archive", name), string(archives.Named(t, "log.csv", text)))
	}
	request = filepath.Join(outside, "request.csv")
	write(request, goneRequest)
	p = newProgram(t)
	write(filepath.Join(p.dir, "key"), strings.Repeat("0123456789abcdef", 2))
	settings := "source: " + filepath.Join(outside, "archive") + "\nprivacy_key_file: key\n"
	write(filepath.Join(p.dir, "ingest.yaml"), settings)
	write(filepath.Join(p.dir, "drop.yaml"), settings+"privacy: {ip: drop, device_id: drop, affiliate_sub1: drop, headers: {extra: drop}, url_params: {mail: drop}}\n")

	st = testkit.OpenStore(t, store.Config{Spec: "embedded:" + filepath.Join(p.dir, "data/clickhouse")})
	var plain []string
	err := st.Conn().QueryRow(t.Context(), `SELECT groupArray(concat('ALTER TABLE ', table, ' ', changes)) FROM (
		SELECT table, arrayStringConcat(groupArray(concat('MODIFY COLUMN ', name, ' CODEC(NONE)')), ', ') AS changes FROM system.columns
		WHERE database = currentDatabase() AND default_kind IN ('', 'DEFAULT') AND match(type, 'String|IPv6')
			AND table IN `+erased+` GROUP BY table)`).Scan(&plain)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range plain {
		if err := st.Conn().Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	return p, st, request
}

// onDisk names the files below the program's folder, of its store, logs and spool, that hold
// something of the person. Parts that were replaced are not looked at: the server takes them
// away after some minutes.
func onDisk(t *testing.T, p *program, st *store.Store) (found []string) {
	t.Helper()
	if err := st.Conn().Exec(t.Context(), "SYSTEM FLUSH LOGS"); err != nil {
		t.Fatal(err)
	}
	var former []string
	if err := st.Conn().QueryRow(t.Context(), "SELECT groupArray(trim(TRAILING '/' FROM path)) FROM system.parts WHERE NOT active").Scan(&former); err != nil {
		t.Fatal(err)
	}
	address := netip.MustParseAddr(gonePerson).As16()
	err := filepath.WalkDir(p.dir, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err == nil && e.IsDir() && slices.Contains(former, path):
			return fs.SkipDir
		case errors.Is(err, fs.ErrNotExist) || err == nil && !e.Type().IsRegular():
			return nil
		}
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a merge took it away
		}
		small := bytes.ToLower(text)
		for _, planted := range [][]byte{[]byte(gonePerson), address[:], []byte("6d92078a"), []byte("pl4nted")} {
			if bytes.Contains(text, planted) || bytes.Contains(small, planted) {
				found = append(found, strings.TrimPrefix(path, p.dir)+": "+strconv.QuoteToASCII(string(planted)))
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// killedAt runs a command until it waits for a deletion in a table, and kills it. The deletion
// then comes to its end without it, or is killed as well.
func killedAt(t *testing.T, p *program, st *store.Store, table string, finish bool, args ...string) {
	t.Helper()
	exec := func(statement string) {
		t.Helper()
		if err := st.Conn().Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	exec("SYSTEM STOP MERGES " + table)
	cmd, out, errs := p.command(args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for waits := uint64(0); waits == 0; {
		select {
		case err := <-done:
			t.Fatalf("ingest %s came to its end: %v\n%s%s", strings.Join(args, " "), err, out, errs)
		case <-time.After(10 * time.Millisecond):
		}
		if err := st.Conn().QueryRow(t.Context(), "SELECT count() FROM system.mutations WHERE database = currentDatabase() AND table = ? AND NOT is_done", table).Scan(&waits); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if status := exitOf(<-done); status != -1 {
		t.Fatalf("it was not killed: exit status %d\n%s%s", status, out, errs)
	}
	if !finish {
		exec("KILL MUTATION WHERE database = currentDatabase() AND table = '" + table + "'")
	}
	exec("SYSTEM START MERGES " + table)
}

// A policy from the start leaves nothing of a person on the disk. A forget that is killed where
// it deletes is gone on with, loads obey it meanwhile, and in the end nothing is there either,
// nor after a reload. A month whose dropping is killed is dropped by the same command, and no
// row counts as lost meanwhile.
func TestKilledDeletions(t *testing.T) {
	t.Parallel()
	p, st, request := erasable(t)
	rows := func(when string, clicks, impressions, unsettled int) {
		t.Helper()
		report, err := pipeline.Verify(t.Context(), st, pipeline.Options{Network: "default"})
		if err != nil || len(report.Differences)+len(report.RollUps) > 0 || report.Unsettled != unsettled {
			t.Errorf("%s: %+v, %v", when, report, err)
		}
		var got string
		if err := st.Conn().QueryRow(t.Context(), "SELECT concat(toString((SELECT count() FROM clicks)), ' ', toString((SELECT count() FROM impressions)))").Scan(&got); err != nil {
			t.Fatal(err)
		}
		if want := strconv.Itoa(clicks) + " " + strconv.Itoa(impressions); got != want {
			t.Errorf("%s: there are %s rows, want %s", when, got, want)
		}
	}
	nowhere := func(when string) {
		t.Helper()
		if found := onDisk(t, p, st); len(found) > 0 {
			t.Errorf("%s: it is found in\n%s", when, strings.Join(found, "\n"))
		}
	}
	p.run(exitIncomplete, "backfill", "2016", "--config", "drop.yaml") // as a line is no row
	nowhere("under a policy")
	p.run(exitIncomplete, "reload", "2016")
	rows("loaded", 14, 7, 0)
	found := onDisk(t, p, st) // which shows that the search works
	for _, part := range []string{gonePerson, `\xcb\x00qM`, "6d92078a", "pl4nted"} {
		if !slices.ContainsFunc(found, func(f string) bool { return strings.Contains(f, part) }) {
			t.Errorf("%s is not among\n%s", part, strings.Join(found, "\n"))
		}
	}

	forget := []string{"forget", "--from", request, "--yes"}
	killedAt(t, p, st, "clicks", false, forget...)
	rows("killed with its deletion", 14, 7, 2)
	killedAt(t, p, st, "impressions", true, forget...)
	p.run(exitIncomplete, "reload", "2016")
	rows("killed before its deletion was done, and reloaded", 4, 2, 0)
	if out, _ := p.run(exitDone, forget...); !strings.Contains(out, "(3 not finished then)") {
		t.Errorf("it says %s", out)
	}
	rows("forgotten", 4, 2, 0)
	nowhere("after forget")
	p.run(exitIncomplete, "reload", "2016")
	rows("reloaded", 4, 2, 0)
	nowhere("after a reload")
	p.secretive(gonePerson, goneDevice, "pl4nted")

	expire := []string{"schema", "ttl", "clicks", "13 months", "--yes"}
	killedAt(t, p, st, "clicks", false, expire...)
	rows("killed while a month goes", 4, 2, 2)
	killedAt(t, p, st, "rejected_rows", true, expire...)
	rows("killed when its rows are gone", 0, 2, 2)
	p.run(exitDone, expire...)
	rows("dropped", 0, 2, 0)
	if n := p.number("SELECT count() FROM rejected_rows"); n != 0 {
		t.Errorf("%d rejected lines are left", n)
	}
}
