package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// signals turns SIGINT and SIGTERM into two steps: the first closes stop, the
// second cancels the command's context. Commands without work in flight end at
// the first.
type signals struct {
	stop   chan struct{}
	once   sync.Once
	cancel context.CancelFunc
}

// catchSignals starts to listen; the context ends at the second signal. The
// returned function stops listening.
//
// SIGPIPE is ignored so that a closed stdout is an error of one write and
// never ends a load that is under way.
func (a *app) catchSignals(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(parent)
	a.sig.stop, a.sig.cancel = make(chan struct{}), cancel
	signal.Ignore(syscall.SIGPIPE) //guard:sigpipe
	ch := make(chan os.Signal, 2)
	signal.Notify(ch, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case s := <-ch:
				a.interrupt(s)
			case <-done:
				return
			}
		}
	}()
	return ctx, func() {
		signal.Stop(ch)
		close(done)
		cancel()
	}
}

func (a *app) interrupt(s os.Signal) {
	first := false
	a.sig.once.Do(func() {
		first = true
		a.log.Warn("stopping after what is in flight; once more stops at once", "signal", s.String())
		close(a.sig.stop) //guard:first-interrupt
	})
	if !first {
		a.log.Warn("stopping at once", "signal", s.String())
		a.sig.cancel() //guard:second-interrupt
	}
}

// interrupted reports whether a signal has come.
func (a *app) interrupted() bool {
	select {
	case <-a.sig.stop:
		return true
	default:
		return false
	}
}

// untilStop returns a context that ends at the first signal already.
func (a *app) untilStop(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-a.sig.stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}
