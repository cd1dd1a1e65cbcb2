package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/config"
	"rawlogs/internal/interrupt"
	"rawlogs/internal/session"
	"rawlogs/internal/sim/simnet"
	"rawlogs/internal/testkit"
)

// interruptedApp is a command to which a signal has come.
func interruptedApp(t *testing.T) *app {
	t.Helper()
	a := newApp(nil, nil, new(bytes.Buffer), os.Getenv)
	_, a.signals = interrupt.New(t.Context(), a.log)
	a.signals.Raise(os.Interrupt)
	return a
}

// After a signal, only what the signal made is told as the interrupt.
func TestInterruptHidesNothing(t *testing.T) {
	t.Parallel()
	full := fmt.Errorf("store: %w", errors.New("no space left on device"))
	differ := &hintError{err: errors.New("1 file: row counts differ from the ledger"), hint: "do this"}
	for _, tc := range []struct {
		err    error
		status int
		says   string
	}{
		{nil, exitDone, ""},
		{fmt.Errorf("listing: %w", context.Canceled), exitInterrupted, "interrupted"},
		{errors.Join(session.ErrInterrupted, context.Canceled), exitInterrupted, "interrupted"},
		{full, exitFailed, "no space left"},
		{differ, exitFailed, "do this"},
		{errors.Join(context.Canceled, full), exitFailed, "no space left"},
		{&session.IncompleteError{What: "1 file failed"}, exitIncomplete, "1 file failed"},
	} {
		a := interruptedApp(t)
		err := a.networks().Marked(tc.err)
		if got := exitStatus(err); got != tc.status || !strings.Contains(message(err), tc.says) {
			t.Errorf("%v: exit status %d, %q", tc.err, got, message(err))
		}
		// Of several parts, the interrupt of one does not hide what happened to another.
		parts := a.networks().Parts([]string{"acme", "beta", "gamma"}, tc.err, context.Canceled, context.Canceled)
		want := tc.status
		if tc.err == nil {
			want = exitInterrupted
		}
		if got := exitStatus(parts); got != want || !strings.Contains(message(parts), tc.says) || strings.Count(message(parts), "interrupted") != 1 {
			t.Errorf("%v in parts: exit status %d, %q", tc.err, got, message(parts))
		}
	}
}

// Networks that an interrupt left out are told, and so is the one that failed before.
func TestInterruptBetweenNetworks(t *testing.T) {
	t.Parallel()
	a := newApp(nil, nil, new(bytes.Buffer), os.Getenv)
	_, a.signals = interrupt.New(t.Context(), a.log)
	begun := 0
	work := func(context.Context, *session.Session) error {
		begun++
		if begun == 2 {
			a.signals.Raise(os.Interrupt)
		}
		return map[int]error{1: errors.New("boom")}[begun]
	}
	err := a.networks().Each(t.Context(), []*config.Config{{Network: "acme"}, {Network: "beta"}, {Network: "gamma"}, {Network: "delta"}}, work)
	if got := message(err); begun != 2 || exitStatus(err) != exitFailed || !strings.HasPrefix(got, "ingest: acme: boom\ningest: gamma: interrupted") {
		t.Errorf("%d begun, exit status %d, %q", begun, exitStatus(err), got)
	}
}

// A change that was sent when the signal came may have been carried out.
func TestInterruptedChange(t *testing.T) {
	t.Parallel()
	net := testkit.Simnet(t, simnet.Config{Limit: 10_000})
	arrived := make(chan struct{}, 100)
	net.Faults.Intercept(func(r simnet.Request) *simnet.Answer {
		arrived <- struct{}{}
		return &simnet.Answer{Stall: time.Hour}
	})
	p := newProgram(t, net.Env()...).raced()
	for method, want := range map[string]struct {
		status int
		says   string
	}{
		"updateField": {exitFailed, "whether it was carried out is not known: look before trying again"},
		"findById":    {exitInterrupted, "interrupted; nothing is lost"},
	} {
		cmd, _, stderr := p.command("api", "Offer", method, "id=7", "--yes")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		<-arrived
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		if status := exitOf(cmd.Wait()); status != want.status || !strings.Contains(stderr.String(), want.says) {
			t.Errorf("%s: exit status %d\n%s", method, status, stderr)
		}
	}
}
