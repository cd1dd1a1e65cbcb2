package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/config"
	"rawlogs/internal/pipeline"
	"rawlogs/internal/rawlog"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ in, want string }{
		{"", ""},
		{"20160909/clicks-1-x.zip", "20160909/clicks-1-x.zip"},
		{"Žluťoučký 馬", "Žluťoučký 馬"},
		{"a\x1b[31mb", `a\x1b[31mb`},
		{"a\nb\tc\rd\x00", `a\nb\tc\x0dd\x00`},
		{"\xff\xfe", `\xff\xfe`},
		{"c1\u009b31m", `c1\u009b31m`},
		{"bidi\u202egpj.exe", `bidi\u202egpj.exe`},
		{"zero\u200bwidth", `zero\u200bwidth`},
	} {
		if got := clean(tc.in); got != tc.want {
			t.Errorf("%q: got %q, want %q", tc.in, got, tc.want)
		}
	}
}

func TestExitStatusAndMessage(t *testing.T) {
	t.Parallel()
	plain := errors.New("boom")
	for _, tc := range []struct {
		name   string
		err    error
		status int
		text   string
	}{
		{"done", nil, exitDone, ""},
		{"reader gone", fmt.Errorf("write: %w", syscall.EPIPE), exitDone, ""},
		{"failed", plain, exitFailed, "ingest: boom\n"},
		{"hint", &hintError{err: plain, hint: "do this"}, exitFailed, "ingest: boom\ndo this\n"},
		{"usage", fmt.Errorf("x: %w", &usageError{err: plain}), exitUsage, "ingest: x: boom\n"},
		{"incomplete", &incompleteError{what: "1 file failed"}, exitIncomplete, "ingest: 1 file failed\n"},
		{"held", fmt.Errorf("x: %w", &checkpoint.HeldError{Network: "acme", Owner: "host:7"}), exitHeld, ""},
		{"interrupted", errors.Join(errInterrupted, context.Canceled), exitInterrupted, ""},
		{"escape", errors.New("a\x1b[2Jb"), exitFailed, `ingest: a\x1b[2Jb` + "\n"},
	} {
		if got := exitStatus(tc.err); got != tc.status {
			t.Errorf("%s: exit status %d, want %d", tc.name, got, tc.status)
		}
		if got := message(tc.err); tc.text != "" && got != tc.text {
			t.Errorf("%s: message %q, want %q", tc.name, got, tc.text)
		}
	}
}

func TestLookback(t *testing.T) {
	t.Parallel()
	now := time.Date(2016, 9, 11, 1, 30, 0, 0, time.FixedZone("", 3*3600)) // still the 10th in UTC
	if got, want := lookback(now, 3).String(), "20160908..20160911"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestParseWorker(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][2]int{"": {0, 0}, "1/1": {1, 1}, "3/4": {3, 4}} {
		if i, n, err := parseWorker(in); err != nil || [2]int{i, n} != want {
			t.Errorf("%q: got %d/%d, %v", in, i, n, err)
		}
	}
	for _, in := range []string{"0/1", "2/1", "1", "/", "a/b", "1/65", "-1/2"} {
		if _, _, err := parseWorker(in); exitStatus(err) != exitUsage {
			t.Errorf("%q: err = %v, want a usage error", in, err)
		}
	}
}

func TestExpiryWarnings(t *testing.T) {
	t.Parallel()
	now := time.Date(2016, 12, 1, 12, 0, 0, 0, time.UTC)
	day := func(typ, day string, missing, failed int64) dayLine {
		return dayLine{Type: typ, Day: day, Missing: &missing, Failed: failed}
	}
	got := expiryWarnings([]dayLine{
		day("clicks", "20160801", 0, 0),      // loaded: may go
		day("clicks", "20160804", 3, 1),      // the 123rd day from there is in 4 days
		day("clicks", "20161130", 24, 0),     // long time left
		day("impressions", "20161130", 2, 0), // kept for a day
		day("conversions", "20160801", 5, 0), // unknown
	}, map[rawlog.Type]int{rawlog.Clicks: 123, rawlog.Impressions: 1}, now)
	want := []string{
		"clicks of 20160804 expire in 4 days: 4 files not loaded",
		"impressions of 20161130 may be deleted by the network any time: 2 files not loaded",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestDayLines(t *testing.T) {
	t.Parallel()
	d1, d2 := time.Date(2016, 9, 9, 0, 0, 0, 0, time.UTC), time.Date(2016, 9, 10, 0, 0, 0, 0, time.UTC)
	days := []checkpoint.DayStatus{{Type: rawlog.Clicks, Day: d2, Loaded: 2, Rows: 7}, {Type: rawlog.Clicks, Day: d1, Failed: 1}}
	missing := map[dayKey]int64{{rawlog.Clicks, "20160910"}: 4, {rawlog.Conversions, "20160909"}: 1}
	var got []string
	for _, l := range dayLines(days, missing, true) {
		got = append(got, fmt.Sprintf("%s %s %d %d %d %d", l.Type, l.Day, l.Loaded, l.Failed, *l.Missing, l.Rows))
	}
	want := []string{"clicks 20160909 0 1 0 0", "clicks 20160910 2 0 4 7", "conversions 20160909 0 0 1 0"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if l := dayLines(days, nil, false); l[0].Missing != nil {
		t.Error("without a listing, missing is known")
	}
}

func TestSummaryReconciles(t *testing.T) {
	t.Parallel()
	cfg := &config.Config{Network: "acme"}
	s := summarize(cfg, "embedded:x", false, pipeline.Summary{
		Listed: 11, AlreadyLoaded: 3, Loaded: 6, Failed: 2, Rows: 1200, Rejected: 3, Rescued: 1, Inserts: 1, Bytes: 1234567,
		Elapsed: 1500 * time.Millisecond, Failures: []pipeline.Failure{{File: rawlog.File{Type: rawlog.Clicks, Name: "x\x1b.zip"}, Err: "bad CRC"}},
	})
	want := "network acme: hasoffers: → embedded:x\n" +
		"files  listed 11 = already loaded 3 + loaded 6 + failed 2\n" +
		"rows   read 1,203 = stored 1,200 + rejected 3   (1 with something in _rescued)\n" +
		"zips   1.2 MB in 1 insert, 1.5s\n" +
		"failed:\n  clicks x\\x1b.zip: bad CRC\n"
	if got := s.text(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if err := s.verdict(false); exitStatus(err) != exitIncomplete {
		t.Errorf("verdict %v", err)
	}
	s.Files.Failed, s.Rejected = 0, 0
	if err := s.verdict(false); err != nil {
		t.Errorf("verdict %v", err)
	}
	s.Files.Left = 1
	if err := s.verdict(true); exitStatus(err) != exitInterrupted {
		t.Errorf("verdict %v", err)
	}
}

func TestProgressSample(t *testing.T) {
	t.Parallel()
	var p pipeline.Progress
	p.FilesTotal.Store(10)
	p.FilesDone.Store(5)
	if s := sample(&p, 10*time.Second); s.left() != "10s" || s.files() != "5/10" {
		t.Errorf("without sizes: %s, %s", s.left(), s.files())
	}
	p.BytesTotal.Store(400e6)
	p.BytesDone.Store(100e6)
	p.FilesFailed.Store(1)
	if s := sample(&p, 10*time.Second); s.left() != "30s" || s.speed() != "10.0 MB/s" || s.files() != "5/10 (1 failed)" {
		t.Errorf("with sizes: %s, %s, %s", s.left(), s.speed(), s.files())
	}
	if s := sample(new(pipeline.Progress), 0); s.left() != "unknown" {
		t.Errorf("at the start: %s", s.left())
	}
}

func TestLogProgress(t *testing.T) {
	t.Parallel()
	out := make(lines, 10)
	a := newApp(nil, nil, out, os.Getenv)
	stop := a.logProgress(new(pipeline.Progress), time.NewTicker(time.Millisecond))
	if line := <-out; !strings.Contains(line, "files=0/0") {
		t.Errorf("logged %q", line)
	}
	go func() {
		for range out { // the ticker may be writing when it is stopped
		}
	}()
	stop()
	close(out)
}

type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

// The first signal closes stop, the second ends the context.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	a := newApp(nil, nil, new(bytes.Buffer), os.Getenv)
	a.sig.stop = make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	a.sig.cancel = cancel
	soft, done := a.untilStop(ctx)
	defer done()
	if a.interrupted() {
		t.Fatal("interrupted before any signal")
	}
	a.interrupt(os.Interrupt)
	<-soft.Done()
	if !a.interrupted() || ctx.Err() != nil {
		t.Fatalf("after one signal: interrupted %v, context %v", a.interrupted(), ctx.Err())
	}
	a.interrupt(os.Interrupt)
	if ctx.Err() == nil {
		t.Fatal("after two signals the context goes on")
	}
}
