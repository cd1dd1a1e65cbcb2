package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"rawlogs/internal/config"
	"rawlogs/internal/plain"
)

// eachNetwork runs work for the configured networks, one after the other. One
// that fails does not stop the others; the exit status is the worst of theirs.
func (a *app) eachNetwork(cmd *cobra.Command, work func(context.Context, *config.Config) error) error {
	all, err := a.configureAll(cmd)
	if err != nil {
		return err
	}
	return a.each(cmd, all, work)
}

// eachSource is eachNetwork for work that reads the networks' sources.
func (a *app) eachSource(cmd *cobra.Command, work func(context.Context, *config.Config) error) error {
	all, err := a.configureAll(cmd)
	if err != nil {
		return err
	}
	if err := config.SeparateSources(all); err != nil {
		return err
	}
	return a.each(cmd, all, work)
}

func (a *app) each(cmd *cobra.Command, all []*config.Config, work func(context.Context, *config.Config) error) error {
	if len(all) == 1 {
		return work(cmd.Context(), all[0])
	}
	failed := &partsError{}
	for _, cfg := range all {
		err := work(cmd.Context(), cfg)
		switch {
		case err == nil:
			continue
		case errors.Is(err, syscall.EPIPE), cmd.Context().Err() != nil, errors.Is(err, errInterrupted):
			return err
		}
		failed.names, failed.errs = append(failed.names, cfg.Network), append(failed.errs, err)
		if a.interrupted() {
			return errors.Join(errInterrupted, failed)
		}
	}
	if len(failed.errs) == 0 {
		return nil
	}
	return failed
}

// partsError tells of the parts of the work that failed, such as networks; the
// others are done.
type partsError struct {
	names []string
	errs  []error
}

// inParts sums up what several parts of the work ended with.
func inParts(names []string, errs ...error) error {
	failed := &partsError{}
	for i, err := range errs {
		if err != nil {
			failed.names, failed.errs = append(failed.names, names[i]), append(failed.errs, err)
		}
	}
	switch len(failed.errs) {
	case 0:
		return nil
	case 1:
		return failed.errs[0]
	}
	return failed
}

func (e *partsError) Error() string {
	var lines []string
	for i, err := range e.errs {
		lines = append(lines, e.names[i]+": "+err.Error())
	}
	return strings.Join(lines, "; ")
}

// status is the worst of their exit statuses.
func (e *partsError) status() int {
	worst := exitDone
	for _, err := range e.errs {
		if s := exitStatus(err); slices.Index(badness(), s) > slices.Index(badness(), worst) {
			worst = s
		}
	}
	return worst
}

// badness orders exit statuses: one that needs a person outranks one that
// mends itself.
func badness() []int {
	return []int{exitDone, exitHeld, exitIncomplete, exitDiffers, exitUsage, exitFailed, exitInterrupted}
}

// message is a line for each part that failed.
func (e *partsError) message() string {
	var b strings.Builder
	for i, err := range e.errs {
		b.WriteString(strings.Replace(message(err), "ingest: ", "ingest: "+plain.Text(e.names[i])+": ", 1))
	}
	return b.String()
}
