// Package fetch downloads files whole and verified: it resumes what broke off,
// starts over what changed, and bounds the bytes it holds. The archives it
// hands out are known to be as long as storage says, of one version, equal to
// their MD5 where there is one, and to begin as their name says; CRCs are for who unpacks.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"

	"rawlogs/internal/dirs"
	"rawlogs/internal/ended"
	"rawlogs/internal/rawlog"
)

// Config bounds a Fetcher; zero values mean the defaults named here.
type Config struct {
	Memory    int64  // bytes of archives held in memory; default 256 MiB; one larger archive is admitted alone
	SpoolOver int64  // larger archives go to disk; default 32 MiB, as memory is for the many small ones
	Disk      int64  // bytes of archives on disk; default 16 GiB; one larger is admitted alone
	SpoolDir  string // where; default os.TempDir()

	IdleTimeout  time.Duration // a body that brings less than 4 KiB in this time is given up and resumed; default 30 s
	TotalTimeout time.Duration // for a file, waits for the budget not counted; default 1 h
	Attempts     int           // failures in a row without 64 KiB of progress; default 8, half a minute of trouble
	Restarts     int           // downloads begun anew, as the file changed or was corrupt; default 3
	Backoff      time.Duration // first pause after a failure; default 250 ms, then doubling up to 15 s

	// Full is called whenever a Fetch begins to wait for the budget: only a
	// release will let it go on, so a caller that holds archives while it waits for
	// more must finish with what it has. Called on Fetch's goroutine; must not block.
	Full func()

	Log *slog.Logger // default: silent
}

// Fetcher downloads files from one source. It may be used by any number of
// goroutines; how many is how many downloads there are at once.
type Fetcher struct {
	Config
	source  dirs.Source
	memory  *budget
	disk    *budget
	buffers buffers
	waiting atomic.Int64
	md5s    md5s
	denials denials
}

// New makes a Fetcher; it does no I/O.
func New(source dirs.Source, cfg Config) *Fetcher {
	defaults(&cfg.Memory, 256<<20)
	defaults(&cfg.SpoolOver, 32<<20)
	defaults(&cfg.Disk, 16<<30)
	defaults(&cfg.IdleTimeout, 30*time.Second)
	defaults(&cfg.TotalTimeout, time.Hour)
	defaults(&cfg.Attempts, 8)
	defaults(&cfg.Restarts, 3)
	defaults(&cfg.Backoff, 250*time.Millisecond)
	if cfg.SpoolDir == "" {
		cfg.SpoolDir = os.TempDir()
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	d := &Fetcher{Config: cfg, source: source}
	d.memory = newBudget(cfg.Memory, &d.waiting, cfg.Full)
	d.disk = newBudget(cfg.Disk, &d.waiting, cfg.Full)
	return d
}

func defaults[T int | int64 | time.Duration](v *T, otherwise T) {
	if *v <= 0 {
		*v = otherwise
	}
}

// Waiting returns how many calls of Fetch wait for archives to be released.
func (d *Fetcher) Waiting() int { return int(d.waiting.Load()) }

const progress = 64 << 10 // bytes that make a failure the first in a row again

// Fetch downloads f, waiting for room if needed. The archive is the caller's to
// release. It fails with a *dirs.Error, or with ctx's error as it is.
func (d *Fetcher) Fetch(ctx context.Context, f rawlog.File) (*Archive, error) {
	if err := d.denials.of(f.Type); err != nil {
		return nil, err
	}
	archive, err := d.fetch(ctx, f)
	if ctx.Err() != nil {
		return archive, err
	}
	return archive, d.denials.note(f.Type, err)
}

func (d *Fetcher) fetch(ctx context.Context, f rawlog.File) (*Archive, error) {
	t := newTransfer(ctx, d, f)
	defer t.close()
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.Multiplier, pause.MaxInterval = d.Backoff, 2, 15*time.Second
	tries, total, restarts, mark := 0, 0, 0, int64(0)
	for {
		total++
		archive, err := t.attempt()
		if err == nil {
			return archive, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if t.expired() {
			return nil, final(dirs.Fail(dirs.Unavailable, fmt.Errorf("not done within %v; last: %w", d.TotalTimeout, cause(err))), total)
		}
		kind := dirs.KindOf(err)
		switch {
		case kind == dirs.Changed || kind == dirs.Corrupt:
			if restarts++; restarts > d.Restarts {
				return nil, final(err, total)
			}
			t.restart(kind == dirs.Changed) //guard:changed-restarts
			mark = 0
		case retryable(err):
			if t.offset-mark >= progress {
				tries, mark = 0, t.offset
				pause.Reset()
			}
			if tries++; tries >= d.Attempts { //guard:tries-bounded
				return nil, final(err, total)
			}
		case kind == dirs.NoSpace && t.makeWay(): //guard:spool-waits
			mark = 0
		default:
			return nil, final(err, total)
		}
		wait := pause.NextBackOff()
		var e *dirs.Error
		if errors.As(err, &e) {
			wait = max(wait, min(e.RetryAfter, time.Minute))
		}
		d.Log.Info("download interrupted", "type", f.Type, "file", f.Name, "at", t.offset, "err", err, "retry_in", wait)
		_ = ended.Wait(t.ctx, wait) // its end shows in the next attempt
	}
}

// retryable reports whether the same request may succeed a little later. Changed
// and Corrupt are worth a new start instead, and the rest is final.
func retryable(err error) bool {
	var e *dirs.Error
	return errors.As(err, &e) && e.Kind == dirs.Unavailable && !e.Final //guard:transfer-retried
}

// final puts the attempts on an error that ends a fetch.
func final(err error, attempts int) error {
	var e *dirs.Error
	if !errors.As(err, &e) {
		return err
	}
	own := *e
	own.Attempts = attempts
	return &own
}

// cause is what a *dirs.Error is about, without its kind.
func cause(err error) error {
	var e *dirs.Error
	if errors.As(err, &e) && e.Err != nil {
		return e.Err
	}
	return err
}
