package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/session"
	"rawlogs/internal/status"
)

// StatusOptions are the flags of `ingest status`.
type StatusOptions struct {
	Types   typesFlag
	Offline bool
}

// AddFlags adds them to f.
func (o *StatusOptions) AddFlags(f *pflag.FlagSet) {
	o.Types.addTo(f)
	f.BoolVar(&o.Offline, "offline", false, "do not list the source; missing and expiring files are not shown")
}

func newStatus(a *app) *cobra.Command {
	var o StatusOptions
	cmd := &cobra.Command{
		Use:   "status [PERIOD…] [flags]",
		Short: "show loaded, failed and missing files by type and day",
		Example: `  ingest status
  ingest status 201609 --type clicks
  ingest status --offline --json`,
		Long: "missing: listed by the source, not started yet. double hours: hours with more than one file.\n\n" +
			exits(exitDone, exitFailed, exitUsage, exitIncomplete, exitInterrupted),
		RunE: aboutPeriods(a.eachSource, func(ctx context.Context, s *session.Session, periods []rawlog.Period) error {
			return a.runStatus(ctx, s, o, periods)
		}),
	}
	o.AddFlags(cmd.Flags())
	return cmd
}

func (a *app) runStatus(ctx context.Context, s *session.Session, o StatusOptions, periods []rawlog.Period) error {
	st, err := s.Look(ctx)
	if err != nil {
		return err
	}
	if s.Config.Network == "" {
		return s.Config.RequireSource()
	}
	q := status.Question{Network: s.Config.Network, Types: o.Types.list(), Periods: periods, Now: time.Now(), Log: a.log}
	if !o.Offline {
		q.Source = s.Source
	}
	report, err := status.Of(ctx, st, q)
	if err != nil {
		return err
	}
	report.Source = s.Config.Source.String()
	if err := a.show(report, report.Print); err != nil {
		return err
	}
	return incomplete(report.Verdict())
}
