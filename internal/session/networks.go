package session

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"syscall"

	"rawlogs/internal/config"
	"rawlogs/internal/ended"
)

// Job is the work on one network, in a session of its own.
type Job func(context.Context, *Session) error

// ErrInterrupted means that a signal ended the work early, and that nothing else went
// wrong.
var ErrInterrupted = errors.New("interrupted")

// Networks does work on networks, one after the other. It is for one goroutine.
type Networks struct {
	SignIns     *SignIns
	Log         *slog.Logger
	Interrupted func() bool     // reports whether a signal has come
	Status      func(error) int // is the exit status that an error amounts to
}

// Each does the work for every network. One that fails does not stop the others: the
// error is nil, an interrupt or a *PartsError. Where there is one network it is that
// network's own.
func (n *Networks) Each(ctx context.Context, all []*config.Config, work Job) error {
	if len(all) == 1 {
		return n.Within(ctx, all[0], work)
	}
	var names []string
	var errs []error
	for i, cfg := range all {
		names = append(names, cfg.Network)
		if i > 0 && n.Interrupted() {
			errs = append(errs, ErrInterrupted) // this network and those after it are not begun
			break
		}
		err := n.Within(ctx, cfg, work)
		if errors.Is(err, syscall.EPIPE) {
			return err // nobody reads on
		}
		errs = append(errs, err)
	}
	return n.Parts(names, errs...)
}

// Within does work in a session, and closes that.
func (n *Networks) Within(ctx context.Context, cfg *config.Config, work Job) (err error) {
	s := New(cfg, n.SignIns, n.Log)
	defer func() { err = errors.Join(err, s.Close()) }()
	return work(ctx, s)
}

// Marked returns err as ErrInterrupted if a signal made it. Anything else that went
// wrong is reported after a signal as well, with a status of its own: a full disk,
// counts that differ, a change of unknown outcome.
func (n *Networks) Marked(err error) error {
	if n.Interrupted() && ended.ByContext(err) { //guard:interrupt-hides-nothing
		return errors.Join(ErrInterrupted, err)
	}
	return err
}

// Parts sums up what several parts of the work ended with: in nil, in an interrupt, or
// in a *PartsError. An interrupt is reported once, however many parts it ended.
func (n *Networks) Parts(names []string, errs ...error) error {
	failed, interrupted := &PartsError{}, false
	for i, err := range errs {
		err = n.Marked(err)
		if err == nil || interrupted && errors.Is(err, ErrInterrupted) {
			continue
		}
		interrupted = interrupted || errors.Is(err, ErrInterrupted)
		failed.Names, failed.Errs = append(failed.Names, names[i]), append(failed.Errs, err)
	}
	switch {
	case len(failed.Errs) == 0:
		return nil
	case len(failed.Errs) == 1 && interrupted:
		return failed.Errs[0]
	}
	return failed
}

// PartsError reports the parts of the work that failed, such as networks; the others
// are done.
type PartsError struct {
	Names []string
	Errs  []error // one for each name
}

func (e *PartsError) Error() string {
	var lines []string
	for i, err := range e.Errs {
		lines = append(lines, e.Names[i]+": "+err.Error())
	}
	return strings.Join(lines, "; ")
}
