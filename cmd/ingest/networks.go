package main

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"rawlogs/internal/config"
	"rawlogs/internal/plain"
	"rawlogs/internal/session"
)

// job is a command's work on one network. The context ends at the first signal,
// unless the work is a load, which has files in flight.
type job func(context.Context, *session.Session) error

// eachNetwork runs work for the configured networks, one after the other. One
// that fails does not stop the others; the exit status is the worst of theirs.
func (a *app) eachNetwork(cmd *cobra.Command, work job) error {
	all, err := a.configureAll(cmd)
	if err != nil {
		return err
	}
	ctx, cancel := a.untilStop(cmd.Context())
	defer cancel()
	return a.each(ctx, all, work)
}

// eachSource is eachNetwork for work that reads the networks' sources.
func (a *app) eachSource(cmd *cobra.Command, work job) error {
	all, err := a.configureSources(cmd)
	if err != nil {
		return err
	}
	ctx, cancel := a.untilStop(cmd.Context())
	defer cancel()
	return a.each(ctx, all, work)
}

// eachLoad is eachSource for loads, whose context ends at the second signal.
func (a *app) eachLoad(cmd *cobra.Command, work job) error {
	all, err := a.configureSources(cmd)
	if err != nil {
		return err
	}
	return a.each(cmd.Context(), all, work)
}

func (a *app) configureSources(cmd *cobra.Command) ([]*config.Config, error) {
	all, err := a.configureAll(cmd)
	if err != nil {
		return nil, err
	}
	return all, config.SeparateSources(all)
}

func (a *app) each(ctx context.Context, all []*config.Config, work job) error {
	if len(all) == 1 {
		return a.within(ctx, all[0], work)
	}
	var names []string
	var errs []error
	for i, cfg := range all {
		names = append(names, cfg.Network)
		if i > 0 && a.interrupted() {
			errs = append(errs, errInterrupted) // this network and those after it are not begun
			break
		}
		err := a.within(ctx, cfg, work)
		if errors.Is(err, syscall.EPIPE) {
			return err
		}
		errs = append(errs, err)
	}
	return a.inParts(names, errs...)
}

// within does work in a session of its own, and closes that.
func (a *app) within(ctx context.Context, cfg *config.Config, work job) (err error) {
	s := session.New(cfg, a.signIns(), a.log)
	defer closing(s, &err)
	return work(ctx, s)
}

// onStore does work that needs the store and reads no source, until the first
// signal.
func (a *app) onStore(cmd *cobra.Command, work job) error {
	cfg, err := a.configureStore(cmd)
	if err != nil {
		return err
	}
	ctx, cancel := a.untilStop(cmd.Context())
	defer cancel()
	return a.within(ctx, cfg, work)
}

func closing(c interface{ Close() error }, err *error) {
	*err = errors.Join(*err, c.Close())
}

// signIns are those of every network that this command works on.
func (a *app) signIns() *session.SignIns {
	if a.shared == nil {
		a.shared = new(session.SignIns)
		if dir := a.cacheDir(); dir != "" {
			a.shared.CacheDir = filepath.Join(dir, "rawlogs")
		}
	}
	return a.shared
}

// cacheDir is os.UserCacheDir by the environment that the command was given; "" where
// that names none.
func (a *app) cacheDir() string {
	if dir := a.getenv("XDG_CACHE_HOME"); filepath.IsAbs(dir) {
		return dir
	}
	if home := a.getenv("HOME"); filepath.IsAbs(home) {
		return filepath.Join(home, ".cache")
	}
	return ""
}

// partsError tells of the parts of the work that failed, such as networks; the
// others are done.
type partsError struct {
	names []string
	errs  []error
}

// inParts sums up what several parts of the work ended with: in nil, in an interrupt,
// or in a *partsError. An interrupt is told once, however many parts it ended.
func (a *app) inParts(names []string, errs ...error) error {
	failed, interrupted := &partsError{}, false
	for i, err := range errs {
		err = a.marked(err)
		if err == nil || interrupted && errors.Is(err, errInterrupted) {
			continue
		}
		interrupted = interrupted || errors.Is(err, errInterrupted)
		failed.names, failed.errs = append(failed.names, names[i]), append(failed.errs, err)
	}
	switch {
	case len(failed.errs) == 0:
		return nil
	case len(failed.errs) == 1 && interrupted:
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
	return []int{exitDone, exitInterrupted, exitHeld, exitIncomplete, exitDiffers, exitUsage, exitFailed}
}

// message is a line for each part that failed.
func (e *partsError) message() string {
	var b strings.Builder
	for i, err := range e.errs {
		b.WriteString(strings.Replace(message(err), "ingest: ", "ingest: "+plain.Text(e.names[i])+": ", 1))
	}
	return b.String()
}
