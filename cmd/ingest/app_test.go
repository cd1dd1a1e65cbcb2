package main

import (
	"context"
	"errors"
	"fmt"
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
