package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/checkpoint/lease"
	"rawlogs/internal/config"
	"rawlogs/internal/pipeline"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/session"
)

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
		{"incomplete", &session.IncompleteError{What: "1 file failed"}, exitIncomplete, "ingest: 1 file failed\n"},
		{"held", fmt.Errorf("x: %w", &lease.HeldError{Network: "acme", Owner: "host:7"}), exitHeld, ""},
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

func TestSummaryReconciles(t *testing.T) {
	t.Parallel()
	cfg := &config.Config{Network: "acme"}
	s := summarize(cfg, "embedded:x", false, pipeline.Summary{
		Listed: 11, AlreadyLoaded: 3, Loaded: 6, Failed: 2, Rows: 1200, Rejected: 3, Rescued: 1, Inserts: 1, Bytes: 1234567,
		Elapsed: 1500 * time.Millisecond, Failures: []pipeline.Failure{
			{File: rawlog.File{Type: rawlog.Clicks, Name: "x\x1b.zip"}, Err: "bad CRC"},
			{File: rawlog.File{Type: rawlog.Clicks, Name: "20160909/y.zip", Path: "a/b/y.zip"}, Err: "empty"},
		},
	})
	want := "network acme: hasoffers: → embedded:x\n" +
		"files  listed 11 = already loaded 3 + loaded 6 + failed 2\n" +
		"rows   read 1,203 = stored 1,200 + rejected 3   (1 with something in _rescued)\n" +
		"zips   1.2 MB in 1 insert, 1.5s\n" +
		"failed:\n  clicks x\\x1b.zip: bad CRC\n  clicks a/b/y.zip: empty\n"
	if got := s.text(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if err := s.verdict(false); exitStatus(err) != exitIncomplete {
		t.Errorf("verdict %v", err)
	}
	s.Files.Failed, s.Failures, s.Rejected = 0, nil, 0
	if err := s.verdict(false); err != nil {
		t.Errorf("verdict %v", err)
	}
	s.Files.Left = 1
	if err := s.verdict(true); exitStatus(err) != exitInterrupted {
		t.Errorf("verdict %v", err)
	}
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

// TestIssueKindsAreExplained: the help names every kind of issue.
func TestIssueKindsAreExplained(t *testing.T) {
	t.Parallel()
	for _, kind := range checkpoint.Kinds() {
		if !strings.Contains("\n"+issueKinds, "\n"+string(kind)+" ") {
			t.Errorf("the help of ingest issues does not explain %q", kind)
		}
	}
}
