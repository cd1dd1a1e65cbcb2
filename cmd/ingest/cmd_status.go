package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rawlogs/internal/dirs"
	"rawlogs/internal/page"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/session"
	"rawlogs/internal/status"
)

// StatusOptions are the flags of `ingest status`.
type StatusOptions struct {
	Types   lookFlag
	Offline bool
	HTML    string
}

// AddFlags adds them to f.
func (o *StatusOptions) AddFlags(f *pflag.FlagSet) {
	o.Types.addTo(f)
	f.BoolVar(&o.Offline, "offline", false, "do not list the source; missing and expiring files are not shown")
	f.StringVar(&o.HTML, "html", "", "write the status page of everything to a file, or to stdout with -")
}

func newStatus(a *app) *cobra.Command {
	var o StatusOptions
	cmd := &cobra.Command{
		Use:   "status [PERIOD…] [flags]",
		Short: "show loaded, failed and missing files by type and day",
		Example: `  ingest status
  ingest status 201609 --type clicks
  ingest status --offline --json
  ingest status --html status.html`,
		Long: "missing: listed by the source, not started yet. double hours: hours with more than one file.\n\n" +
			exits(exitDone, exitFailed, exitUsage, exitIncomplete, exitInterrupted),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.HTML == "" && cmd.Flags().Changed("html") {
				return &usageError{err: errors.New("--html: want the name of a file, or - for stdout")}
			}
			pages := &pages{a: a}
			err := aboutPeriods(a.eachSource, func(ctx context.Context, s *session.Session, periods []rawlog.Period) error {
				source := s.Source
				if o.Offline || s.Config.ReportOnly { // a network without raw logs lists none
					source = nil
				}
				if o.HTML == "" {
					return a.runStatus(ctx, s, o, source, periods)
				}
				if source != nil {
					source = page.Remember(source)
				}
				return errors.Join(pages.add(ctx, s, source), a.runStatus(ctx, s, o, source, periods))
			})(cmd, args)
			if o.HTML == "" {
				return err
			}
			return errors.Join(pages.write(o.HTML), err)
		},
	}
	o.AddFlags(cmd.Flags())
	return cmd
}

func (a *app) runStatus(ctx context.Context, s *session.Session, o StatusOptions, source func() (dirs.Source, error), periods []rawlog.Period) error {
	st, err := s.Look(ctx)
	if err != nil {
		return err
	}
	if s.Config.Network == "" {
		return s.Config.RequireSource()
	}
	q := status.Question{Network: s.Config.Network, Types: o.Types.list(), Periods: periods, Source: source, Now: time.Now(), Log: a.log, Privacy: s.Config.Privacy.String()}
	report, err := status.Of(ctx, st, q)
	if err != nil {
		return err
	}
	report.Source = s.Config.Source.String()
	if o.HTML != "-" {
		if err := a.show(report, report.Print); err != nil {
			return err
		}
	}
	return incomplete(report.Verdict())
}
