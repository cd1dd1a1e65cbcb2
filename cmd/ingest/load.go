package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/spf13/pflag"

	"rawlogs/internal/pipeline"
	"rawlogs/internal/session"
	"rawlogs/internal/summary"
	"rawlogs/internal/term"
)

// LoadOptions are the flags that run, backfill and reload share.
type LoadOptions struct {
	Types  typesFlag
	DryRun bool
	Worker string
}

// AddFlags adds them to f.
func (o *LoadOptions) AddFlags(f *pflag.FlagSet) {
	o.Types.addTo(f)
	f.BoolVar(&o.DryRun, "dry-run", false, "list what would be loaded and change nothing")
	f.StringVar(&o.Worker, "worker", "", "share the work among N runs: I/N, e.g. 1/4; index/N in an indexed Job of Kubernetes")
	f.String("max-rejected", "", "largest share of a file's lines that may be broken; above it the file fails (INGEST_MAX_REJECTED; default 50%)")
	f.String("max-misfit", "", "largest share of a file's rows with values that don't fit; above it the file fails (INGEST_MAX_MISFIT; default 50%)")
	f.Int("fetchers", 0, "downloads at a time (INGEST_FETCHERS; default 8)")
	f.Int("parsers", 0, "files parsed and INSERTs sent at a time (INGEST_PARSERS; default 2)")
	f.String("spool", "", "folder for large downloads (INGEST_SPOOL; default the system's temporary folder)")
}

// loadStatuses are the exit statuses of the commands that load.
func loadStatuses() string {
	return exits(exitDone, exitFailed, exitUsage, exitIncomplete, exitHeld, exitInterrupted)
}

// load loads what opts and the settings say, shows its progress, and prints its
// summary whatever the outcome.
func (a *app) load(ctx context.Context, s *session.Session, o LoadOptions, opts pipeline.Options) (err error) {
	if s.Share, err = workerShare(o.Worker, a.getenv); err != nil {
		return &usageError{err: fmt.Errorf("--worker %q: %w", o.Worker, err)}
	}
	opts.Types, opts.DryRun = o.Types.list(), o.DryRun
	opts.Progress, opts.Stop = new(pipeline.Progress), a.signals.First()
	stop := a.watch(s.Log, opts.Progress)
	sum, err := s.Load(ctx, opts)
	stop()
	if err != nil && sum.Listed == 0 && sum.Recovered == 0 {
		return err // it did not get as far as having something to sum up
	}
	return a.sumUp(summary.Of(summary.Place{Network: s.Config.Network, Source: s.Config.Source.String(), Store: s.StoreName()}, o.DryRun, sum), err)
}

// sumUp prints what a load came to, and returns what is to be said of it.
func (a *app) sumUp(out summary.Load, err error) error {
	if perr := a.show(out, out.Print); err == nil {
		err = perr
	}
	switch {
	case err != nil:
		return err
	case a.signals.Came() && out.Files.Left > 0:
		return session.ErrInterrupted
	}
	return incomplete(out.Verdict())
}

// watch shows p until the returned function is called, unless --quiet.
func (a *app) watch(log *slog.Logger, p *pipeline.Progress) (stop func()) {
	if a.quiet {
		return func() {}
	}
	return term.Watch(a.stderr, log, func() term.Load {
		return term.Load{
			Files: p.FilesDone.Load(), AllFiles: p.FilesTotal.Load(), Failed: p.FilesFailed.Load(),
			Rows: p.Rows.Load(), Bytes: p.BytesDone.Load(), AllBytes: p.BytesTotal.Load(),
		}
	})
}
