package runs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"rawlogs/internal/checkpoint/lease"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

var silent = slog.New(slog.DiscardHandler)

// only is the one run that the store knows.
func only(t *testing.T, st *store.Store) Run {
	t.Helper()
	all, err := List(t.Context(), st, Filter{})
	if err != nil || len(all) != 1 {
		t.Fatalf("%d runs, %v", len(all), err)
	}
	return all[0]
}

func exec1(t *testing.T, st *store.Store, sql string) {
	t.Helper()
	if err := st.Conn().Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

// A run is running until it ends, and then says what it came to. Whoever reads meanwhile
// sees one row of it.
func TestRecord(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	r := New(Command{Name: "backfill", Arguments: []string{"backfill", "201609", "--source", "a b"}, Worker: "1/4", Release: "v1 abc"}, "acme", "20160909t000000-00000001", nil, silent)
	r.Begin(t.Context(), st)
	r.Begin(t.Context(), st)
	if got := only(t, st); got.Outcome != Running || got.Ended != nil || got.ExitStatus != nil || got.Arguments != "backfill 201609 --source 'a b'" || got.Worker != "1/4" || got.Release != "v1 abc" {
		t.Errorf("while it runs: %+v", got)
	}
	var readers sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	for range 3 {
		readers.Go(func() {
			for ctx.Err() == nil {
				if all, err := List(ctx, st, Filter{Network: "acme"}); ctx.Err() == nil && (err != nil || len(all) != 1) {
					t.Errorf("a reader sees %d runs, %v", len(all), err)
				}
			}
		})
	}
	for range 5 {
		if err := r.write(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	from := time.Date(2016, 9, 1, 0, 0, 0, 0, time.UTC)
	r.Result = Result{
		Counts:    Counts{Listed: 9, AlreadyLoaded: 3, Loaded: 4, Failed: 2, Rows: 77, Bytes: 1 << 40},
		Listing:   Listing{rawlog.Types(), []rawlog.Period{{From: from, To: from.AddDate(0, 1, 0)}}, time.Now()},
		Kept:      map[rawlog.Type]int{rawlog.Clicks: 60},
		Differing: map[rawlog.Type]uint64{rawlog.Clicks: 5, rawlog.Conversions: 0},
	}
	if err := r.End(t.Context(), st, 3, errors.New("2 files\nfailed")); err != nil {
		t.Fatal(err)
	}
	stop()
	readers.Wait()
	got := only(t, st)
	if got.Outcome != Incomplete || *got.ExitStatus != 3 || got.Error != "2 files; failed" || got.Counts != r.Result.Counts || got.DifferingRows[rawlog.Clicks] != 5 || len(got.DifferingRows) != 2 {
		t.Errorf("at the end: %+v", got)
	}
	if got.Ended.Before(got.Begun) || time.Since(*got.Ended).Abs() > time.Minute {
		t.Errorf("it ran from %s to %s", got.Begun, got.Ended)
	}
	var listing string
	if err := st.Conn().QueryRow(t.Context(), "SELECT toString((listed_types, listed_days, kept_days, version)) FROM ingest_runs_current").Scan(&listing); err != nil {
		t.Fatal(err)
	}
	if want := "(['clicks','conversions','impressions'],[('2016-09-01','2016-10-01')],{'clicks':60},7)"; listing != want {
		t.Errorf("it listed %s, want %s", listing, want)
	}
}

// A silent run counts as died: at once where its process is seen to be gone, elsewhere
// once the time for which it may be silent is over by the store's clock.
func TestDied(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	child := exec.CommandContext(t.Context(), "sleep", "1000")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(lease.Process())
	here := func(pid int) string { return fmt.Sprintf("%s %d %s", fields[0], pid, fields[2]) }
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it was killed
	for i, of := range []struct {
		run, process string
		seconds      int
	}{
		{"here, killed", here(child.Process.Pid), 100}, {"here, alive", lease.Process(), 100}, {"here, asleep", lease.Process(), -1},
		{"elsewhere, alive", "another/pid:[1] 7 12345", 100}, {"elsewhere, silent", "another/pid:[1] 7 12345", -1}, {"nothing known, alive", "", 100},
	} {
		exec1(t, st, fmt.Sprintf("INSERT INTO ingest_runs (network, run, command, process, begun, alive_until, version) SELECT 'n', '%s', 'run', '%s', now64(3) - %d, now64(3) + %d, 1", of.run, of.process, i, of.seconds))
	}
	all, err := List(t.Context(), st, Filter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		want := Running
		if !strings.HasSuffix(r.Name, "alive") {
			want = Died
		}
		if r.Outcome != want {
			t.Errorf("%s: %s, want %s", r.Name, r.Outcome, want)
		}
	}
	if all[0].Name != "here, killed" {
		t.Errorf("the newest is %s", all[0].Name)
	}
	if few, err := List(t.Context(), st, Filter{Limit: 2, Network: "n"}); err != nil || len(few) != 2 {
		t.Errorf("%d of 2, %v", len(few), err)
	}
	if none, err := List(t.Context(), st, Filter{Network: "m"}); err != nil || len(none) != 0 {
		t.Errorf("of another network: %d, %v", len(none), err)
	}
}

// While a run works, it says so again and again, and no more once it has ended.
func TestRenewed(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	r := New(Command{Name: "run"}, "n", "r", nil, silent)
	r.every = time.Millisecond
	r.Begin(t.Context(), st)
	version := func() (v uint64) {
		if err := st.Conn().QueryRow(t.Context(), "SELECT max(version) FROM ingest_runs").Scan(&v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	for deadline := time.Now().Add(time.Minute); version() < 4; {
		if time.Now().After(deadline) {
			t.Fatal("it is never renewed")
		}
	}
	if err := r.End(t.Context(), st, 0, nil); err != nil {
		t.Fatal(err)
	}
	if last := version(); only(t, st).Outcome != Done || r.version != last {
		t.Errorf("%s, version %d of %d", only(t, st).Outcome, last, r.version)
	}
}

// Every exit status is a word, in the view and for people.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	want := map[uint8]Outcome{0: Done, 1: Failed, 2: Settings, 3: Incomplete, 6: Differs, 75: Held, 130: Interrupted}
	for status := range want {
		if err := New(Command{Name: "run"}, fmt.Sprint(status), "r", nil, silent).End(t.Context(), st, int(status), nil); err != nil {
			t.Fatal(err)
		}
	}
	all, err := List(t.Context(), st, Filter{})
	if err != nil || len(all) != len(want) {
		t.Fatalf("%d runs, %v", len(all), err)
	}
	for _, r := range all {
		if r.Outcome != want[*r.ExitStatus] || words[r.Outcome] == "" {
			t.Errorf("exit status %d is %s", *r.ExitStatus, r.Outcome)
		}
	}
	var table bytes.Buffer
	if err := Print(&table, all); err != nil || !strings.Contains(table.String(), "lease held") {
		t.Errorf("printed\n%s%v", &table, err)
	}
}

// What cannot be written is told, and what was not begun is written at the end. A store
// of an older ingest, which has no such table, is passed over.
func TestRecordFails(t *testing.T) {
	t.Parallel()
	cfg := testkit.DatabaseConfig(t)
	failing := false
	cfg.Hook = func(ctx context.Context, op store.Op, do func(context.Context) error) error {
		if failing && op.Kind == "run" {
			return errors.New("no room")
		}
		return do(ctx)
	}
	st := testkit.OpenStore(t, cfg)
	var log bytes.Buffer
	failing = true
	r := New(Command{Name: "run"}, "n", "r", nil, slog.New(slog.NewTextHandler(&log, nil)))
	r.Begin(t.Context(), st)
	if r.Begun() || !strings.Contains(log.String(), "no room") {
		t.Errorf("begun %v, log %s", r.Begun(), &log)
	}
	if err := r.End(t.Context(), st, 0, nil); err == nil {
		t.Error("a row that could not be written was")
	}
	failing = false
	if err := r.End(t.Context(), st, 0, nil); err != nil {
		t.Fatal(err)
	}
	if got := only(t, st); got.Outcome != Done || got.Begun.After(*got.Ended) {
		t.Errorf("%+v", got)
	}
	exec1(t, st, "DROP TABLE ingest_runs SYNC")
	log.Reset()
	late := New(Command{Name: "run"}, "n", "r2", nil, slog.New(slog.NewTextHandler(&log, nil)))
	late.Begin(t.Context(), st)
	if late.Begun() || log.Len() > 0 {
		t.Errorf("without a table: begun %v, log %s", late.Begun(), &log)
	}
	var none *Recorder
	none.Begin(t.Context(), st)
	if none.Begun() {
		t.Error("nobody began")
	}
}

// No secret is in a row, wherever it turns up.
func TestSecretsAreHidden(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	const token, password = "NETtokentoken", "p@ss:w/rd"
	r := New(Command{Name: "run", Arguments: []string{
		"run", "--store", "clickhouse://loader:" + password + "@ch1:9000/logs?password=other-one", "--source", "s3://bucket/" + token, "--note", "it's https://u:pw-in-it@host/x",
		"https://bucket/x.zip?X-Amz-Signature=0123456789abcdef&AWSAccessKeyId=AKIAKEY",
	}}, "n", "r", []string{"", token, password}, silent)
	r.Begin(t.Context(), st)
	if err := r.End(t.Context(), st, 1, fmt.Errorf("GET https://api/?NetworkToken=%s: refused for loader:%s\x1b[31m", token, password)); err != nil {
		t.Fatal(err)
	}
	var all string
	if err := st.Conn().QueryRow(t.Context(), "SELECT toString(groupArray(tuple(*))) FROM ingest_runs").Scan(&all); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{token, password, "w/rd", "other-one", "pw-in-it", "0123456789abcdef", "AKIAKEY", "\x1b"} {
		if strings.Contains(all, secret) {
			t.Errorf("%q is in %s", secret, all)
		}
	}
	if got := only(t, st); !strings.Contains(got.Arguments, "loader:hidden@") || !strings.Contains(got.Error, "refused for loader:hidden") {
		t.Errorf("%+v", got)
	}
}
