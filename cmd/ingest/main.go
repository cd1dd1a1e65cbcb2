// Command ingest loads the raw logs of a HasOffers network into ClickHouse,
// each file exactly once, and answers SQL over them.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"

	"rawlogs/internal/checkpoint/lease"
	"rawlogs/internal/config"
	"rawlogs/internal/engine"
	"rawlogs/internal/interrupt"
	"rawlogs/internal/plain"
	"rawlogs/internal/session"
)

func main() {
	engine.HostMain() // in the child that hosts the embedded ClickHouse, this does not return
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv))
}

// Exit statuses; every command's help lists those it can return.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitIncomplete  = 3
	exitHeld        = 75
	exitInterrupted = 130
)

// run is the whole command: it reads nothing of the process but its arguments
// (and the signals), writes to the two streams and returns the exit status.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer, getenv func(string) string) int {
	a := newApp(stdin, stdout, stderr, getenv)
	ctx, signals, stop := interrupt.Catch(context.Background(), a.log)
	defer stop()
	a.signals, a.args = signals, args
	root := newRoot(a)
	root.SetArgs(args)
	err := a.networks().Marked(root.ExecuteContext(ctx))
	if text := message(err); text != "" {
		_, _ = fmt.Fprint(a.stderr, text) // nowhere is left to say that it failed
	}
	return exitStatus(err)
}

// usageError is a command line, variable or file that says something unusable.
type usageError struct {
	err  error
	hint string
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// Hint is what to do, or "".
func (e *usageError) Hint() string { return e.hint }

// hintError is an error with a line on what to do about it.
type hintError struct {
	err  error
	hint string
}

func (e *hintError) Error() string { return e.err.Error() }
func (e *hintError) Unwrap() error { return e.err }

// Hint is what to do.
func (e *hintError) Hint() string { return e.hint }

// hinter is an error, of whatever package, that knows what to do about it.
type hinter interface {
	error
	Hint() string
}

// hintOf is what to do about an error, or "".
func hintOf(err error) string {
	var h hinter
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}

// message is what stderr shows for an error: nothing, or whole lines.
func message(err error) string {
	var parts *session.PartsError
	switch {
	case err == nil || errors.Is(err, syscall.EPIPE):
		return "" // whoever closed our stdout has seen enough
	case errors.Is(err, session.ErrInterrupted):
		return "ingest: interrupted; nothing is lost, the next run goes on from here\n"
	case errors.As(err, &parts):
		return partsMessage(parts)
	}
	text := fmt.Sprintf("ingest: %s\n", plain.Text(err.Error()))
	if hint := hintOf(err); hint != "" {
		text += plain.Lines(hint) + "\n"
	}
	return text
}

// exitStatus is the exit status for an error.
func exitStatus(err error) int {
	var usage *usageError
	var setting *config.Error
	var incomplete *session.IncompleteError
	var held *lease.HeldError
	var differs *differsError
	var parts *session.PartsError
	switch {
	case err == nil || errors.Is(err, syscall.EPIPE):
		return exitDone
	case errors.Is(err, session.ErrInterrupted):
		return exitInterrupted
	case errors.As(err, &parts):
		return worstStatus(parts)
	case errors.As(err, &usage), errors.As(err, &setting):
		return exitUsage
	case errors.As(err, &incomplete):
		return exitIncomplete
	case errors.As(err, &held):
		return exitHeld
	case errors.As(err, &differs):
		return exitDiffers
	default:
		return exitFailed
	}
}

// worstStatus is the worst of the parts' exit statuses: one that needs a person outranks
// one that mends itself.
func worstStatus(e *session.PartsError) int {
	badness := []int{exitDone, exitInterrupted, exitHeld, exitIncomplete, exitDiffers, exitUsage, exitFailed}
	worst := 0
	for _, err := range e.Errs {
		worst = max(worst, slices.Index(badness, exitStatus(err)))
	}
	return badness[worst]
}

// partsMessage is a line for each part that failed.
func partsMessage(e *session.PartsError) string {
	var b strings.Builder
	for i, err := range e.Errs {
		b.WriteString(strings.Replace(message(err), "ingest: ", "ingest: "+plain.Text(e.Names[i])+": ", 1))
	}
	return b.String()
}

// incomplete is the error that a verdict on the work amounts to; nil for "".
func incomplete(verdict string) error {
	if verdict == "" {
		return nil
	}
	return &session.IncompleteError{What: verdict}
}
