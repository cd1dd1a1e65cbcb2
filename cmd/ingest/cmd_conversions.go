package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rawlogs/internal/pipeline"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/session"
	"rawlogs/internal/summary"
)

// ConversionsOptions are the flags of `ingest conversions`.
type ConversionsOptions struct {
	DryRun, Reload bool
}

// AddFlags adds them to f.
func (o *ConversionsOptions) AddFlags(f *pflag.FlagSet) {
	f.BoolVar(&o.DryRun, "dry-run", false, "list the days that would be asked for and change nothing")
	f.BoolVar(&o.Reload, "reload", false, "replace the rows of days that have not changed, and of days that have none any more")
	f.Int("lookback", 0, "days to look back without a PERIOD, today included (INGEST_LOOKBACK; default 3)")
	f.String("max-misfit", "", "largest share of a day's rows with values that don't fit; above it the day fails (INGEST_MAX_MISFIT; default 50%)")
	f.String("spool", "", "folder for the days on their way (INGEST_SPOOL; default the system's temporary folder)")
}

func newConversions(a *app) *cobra.Command {
	var o ConversionsOptions
	cmd := &cobra.Command{
		Use:   "conversions [PERIOD…] [flags]",
		Short: "load the network's report of conversions, each as it stands now",
		Example: `  ingest conversions                 the last days (--lookback), and days that failed
  ingest conversions 201609
  ingest conversions 20160901..20160915 --dry-run
  ingest sql "SELECT status, count(), sum(payout) FROM conversion_report GROUP BY status"`,
		Long: `The report (Report::getConversions) holds every conversion of the last 25 months as it
stands when it is asked for, also where the network has no raw logs. A PERIOD is one of
days in the network's zone. Each day is a file of the type conversion_report: one that has
changed since it was loaded replaces its rows. An affiliate's or advertiser's key asks for
their own report.

` + loadStatuses(),
		RunE: aboutPeriods(a.eachReport, func(ctx context.Context, s *session.Session, periods []rawlog.Period) error {
			return a.runConversions(ctx, s, o, periods)
		}),
	}
	o.AddFlags(cmd.Flags())
	return cmd
}

// runConversions loads the days of the periods; none are those of the last days and all
// that failed.
func (a *app) runConversions(ctx context.Context, s *session.Session, o ConversionsOptions, periods []rawlog.Period) error {
	opts := pipeline.Options{Periods: periods, Reload: o.Reload, DryRun: o.DryRun}
	if len(periods) == 0 {
		opts.Periods, opts.RetryFailed = []rawlog.Period{s.LookbackPeriod(time.Now())}, true
	}
	opts.Progress, opts.Stop = new(pipeline.Progress), a.signals.First()
	stop := a.watch(s.Log, opts.Progress)
	sum, refused, err := s.LoadReport(ctx, opts)
	stop()
	if err != nil && sum.Listed == 0 && sum.Recovered == 0 {
		return err
	}
	out := summary.Of(summary.Place{Network: s.Config.Network, Source: "report of conversions", Store: s.StoreName()}, o.DryRun, sum)
	out.RefusedFields = refused
	return a.sumUp(out, err)
}
