// Package interrupt turns SIGINT and SIGTERM into two steps: the first asks for the end
// of the work, the second ends it.
package interrupt

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// Signals tells of both steps. Work without anything in flight ends at the first.
type Signals struct {
	log    *slog.Logger
	stop   chan struct{}
	once   sync.Once
	cancel context.CancelFunc
}

// New returns Signals that no signal reaches: only First and Second do.
func New(parent context.Context, log *slog.Logger) (context.Context, *Signals) {
	ctx, cancel := context.WithCancel(parent)
	return ctx, &Signals{log: log, stop: make(chan struct{}), cancel: cancel}
}

// Catch starts to listen; the context ends at the second signal. The returned
// function stops listening.
//
// SIGPIPE is ignored so that a closed stdout is an error of one write and
// never ends a load that is under way.
func Catch(parent context.Context, log *slog.Logger) (context.Context, *Signals, func()) {
	ctx, s := New(parent, log)
	signal.Ignore(syscall.SIGPIPE) //guard:sigpipe
	ch := make(chan os.Signal, 2)
	signal.Notify(ch, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case sig := <-ch:
				s.Raise(sig)
			case <-done:
				return
			}
		}
	}()
	return ctx, s, func() {
		signal.Stop(ch)
		close(done)
		s.cancel()
	}
}

// Raise does what the signal does when it comes.
func (s *Signals) Raise(sig os.Signal) {
	first := false
	s.once.Do(func() {
		first = true
		s.log.Warn("stopping once the files in flight are done; interrupt again to stop at once", "signal", sig.String())
		close(s.stop) //guard:first-interrupt
	})
	if !first {
		s.log.Warn("stopping at once", "signal", sig.String())
		s.cancel() //guard:second-interrupt
	}
}

// First is closed at the first signal.
func (s *Signals) First() <-chan struct{} { return s.stop }

// Came reports whether a signal has come.
func (s *Signals) Came() bool {
	select {
	case <-s.stop:
		return true
	default:
		return false
	}
}

// Until returns a context that ends at the first signal already.
func (s *Signals) Until(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-s.stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}
