package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"

	"rawlogs/internal/checkpoint/lease"
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
		{"interrupted", errors.Join(session.ErrInterrupted, context.Canceled), exitInterrupted, ""},
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
