package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rawlogs/internal/checkpoint/lease"
	"rawlogs/internal/dims"
	"rawlogs/internal/pipeline"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/session"
)

// RunOptions are the flags of `ingest run`.
type RunOptions struct {
	LoadOptions
	Dims      bool
	Reconcile bool
	Against   ReconcileOptions // with Reconcile
}

// AddFlags adds them to f.
func (o *RunOptions) AddFlags(f *pflag.FlagSet) {
	o.LoadOptions.AddFlags(f)
	f.String("conversions-report", "", "then load the report of these days (ingest conversions); only: in place of raw logs (INGEST_CONVERSIONS_REPORT)")
	f.Lookup("conversions-report").NoOptDefVal = "true"
	f.BoolVar(&o.Dims, "dims", false, "then refresh the names behind the ids (ingest dims) and the later changes of conversions (ingest updates)")
	f.BoolVar(&o.Reconcile, "reconcile", false, "then compare these days with the network's own totals (ingest reconcile)")
	o.Against.addShared(f)
	f.Int("lookback", 0, "days to look back, today included (INGEST_LOOKBACK; default 3)")
	f.Int("catch-up", 0, "days further back to list where no run has looked yet, as after an outage; 0 for none (INGEST_CATCH_UP; default 366)")
}

func newRun(a *app) *cobra.Command {
	var o RunOptions
	cmd := &cobra.Command{
		Use:   "run [flags]",
		Short: "load new files from the last few days and retry failures (for cron)",
		Example: `  ingest run
  ingest run --type clicks,conversions --lookback 7
  ingest run --dry-run --json
  ingest run --dims
  17 3 * * *  cd /srv/rawlogs && ingest run -q      # a crontab line`,
		Long: exits(exitDone, exitFailed, exitUsage, exitIncomplete, exitDiffers, exitHeld, exitInterrupted),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.eachLoad(cmd, func(ctx context.Context, s *session.Session) error {
				return a.runRun(ctx, s, o)
			})
		},
	}
	o.AddFlags(cmd.Flags())
	return cmd
}

// runRun does everything in one session, so with one rate window and one store.
func (a *app) runRun(ctx context.Context, s *session.Session, o RunOptions) error {
	period := s.LookbackPeriod(time.Now())
	if o.Reconcile {
		// A wrong flag is better reported before the load than after it.
		o.Against.Types = o.Types
		if _, err := o.Against.config(s.Config.ReportOnly); err != nil {
			return err
		}
	}
	if s.Config.ReportOnly {
		return a.runBeside(ctx, s, o, period, nil, nil)
	}
	err := a.load(ctx, s, o.LoadOptions, pipeline.Options{
		Periods:     []rawlog.Period{period},
		RetryFailed: true,
	})
	var held *lease.HeldError
	if o.DryRun && !s.Config.ConversionsReport || a.signals.Came() || ctx.Err() != nil || errors.As(err, &held) {
		return err
	}
	// The report is loaded, and the names refreshed, although a file failed.
	return a.runBeside(ctx, s, o, period, []string{"files"}, []error{err})
}

// runBeside does what a run does after the raw logs; names and errs are what was done
// before, and what became of it.
func (a *app) runBeside(ctx context.Context, s *session.Session, o RunOptions, period rawlog.Period, names []string, errs []error) error {
	if s.Config.ConversionsReport {
		err := a.runConversions(ctx, s, ConversionsOptions{DryRun: o.DryRun}, nil)
		names, errs = append(names, "conversions"), append(errs, err)
		var held *lease.HeldError
		if o.DryRun || a.signals.Came() || ctx.Err() != nil || s.Config.ReportOnly && errors.As(err, &held) {
			return a.parts(names, errs)
		}
	}
	ctx, cancel := a.signals.Until(ctx)
	defer cancel()
	if o.Dims {
		names = append(names, "dims", "updates")
		errs = append(errs, a.runDims(ctx, s, dims.Options{}), a.runUpdates(ctx, s, nil))
	}
	if o.Reconcile {
		period.To = period.To.AddDate(0, 0, -1) // tomorrow has no total yet
		names = append(names, "reconcile")
		errs = append(errs, a.runReconcile(ctx, s, o.Against, []rawlog.Period{period}))
	}
	return a.parts(names, errs)
}

// parts puts together what became of the parts of a run.
func (a *app) parts(names []string, errs []error) error {
	err := a.networks().Parts(names, errs...)
	if failed := new(session.PartsError); errors.As(err, &failed) && len(failed.Errs) == 1 {
		return failed.Errs[0] // says itself what it is about
	}
	return err
}
