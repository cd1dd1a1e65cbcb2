//go:build linux && amd64

package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/sys/unix"
)

// Locks are flock(2): they belong to the open file, pass to a child with it,
// and end with the last process that has it open, however that ends.

// openLock opens a lock file without locking it.
func openLock(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
}

// tryLock takes the lock (unix.LOCK_EX or LOCK_SH) if nobody is in the way. A
// lock held in the other mode is given up first, and stays given up on false.
func tryLock(f *os.File, how int) (bool, error) {
	for {
		err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EWOULDBLOCK):
			return false, nil
		default:
			return false, fmt.Errorf("lock %s: %w", f.Name(), err)
		}
	}
}

// waitLock takes the lock within the context's time.
func waitLock(ctx context.Context, f *os.File, how int) error {
	return poll(ctx, func() (bool, error) { return tryLock(f, how) })
}

// blockLock waits for the lock for as long as it takes; it occupies a thread.
func blockLock(f *os.File, how int) error {
	for {
		err := unix.Flock(int(f.Fd()), how)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// poll calls done with growing pauses of 2 to 50 ms until it says true or
// fails, or the context ends.
func poll(ctx context.Context, done func() (bool, error)) error {
	pause := &backoff.ExponentialBackOff{InitialInterval: 2 * time.Millisecond, RandomizationFactor: 0.2, Multiplier: 1.5, MaxInterval: 50 * time.Millisecond}
	pause.Reset()
	for {
		ok, err := done()
		if ok || err != nil {
			return err
		}
		timer := time.NewTimer(pause.NextBackOff())
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
	}
}
