package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/session"
	"rawlogs/internal/status"
	"rawlogs/internal/term"
)

// StatusOptions are the flags of `ingest status`.
type StatusOptions struct {
	Types   typesFlag
	Offline bool
}

// AddFlags adds them to f.
func (o *StatusOptions) AddFlags(f *pflag.FlagSet) {
	o.Types.addTo(f)
	f.BoolVar(&o.Offline, "offline", false, "do not list the source: leaves out what is missing and what expires")
}

func newStatus(a *app) *cobra.Command {
	var o StatusOptions
	cmd := &cobra.Command{
		Use:   "status [PERIOD…] [flags]",
		Short: "show loaded, failed and missing files by type and day",
		Example: `  ingest status
  ingest status 201609 --type clicks
  ingest status --offline --json`,
		Long: "missing: listed by the source, not begun yet. double hours: hours with more than one file.\n\n" +
			exits(exitDone, exitFailed, exitUsage, exitIncomplete, exitInterrupted),
		RunE: func(cmd *cobra.Command, args []string) error {
			periods, err := parsePeriods(args)
			if err != nil {
				return err
			}
			return a.eachSource(cmd, func(ctx context.Context, s *session.Session) error {
				return a.runStatus(ctx, s, o, periods)
			})
		},
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
	if a.json {
		err = term.JSON(a.stdout, report)
	} else {
		err = report.Print(a.stdout)
	}
	switch files := troubled(report); {
	case err != nil:
	case files > 0:
		err = &session.IncompleteError{What: openIssues(files)}
	case report.Barren:
		err = &session.IncompleteError{What: noRawLogs(report.Source)}
	}
	return err
}

// troubled counts the files that a report has issues of.
func troubled(r status.Report) int {
	files := map[string]bool{}
	for _, i := range r.Issues {
		files[i.Type+" "+i.Name] = true
	}
	for _, f := range append(r.Failures[:len(r.Failures):len(r.Failures)], r.Lost...) {
		files[f.Type+" "+f.Name] = true
	}
	return len(files)
}

func openIssues(files int) string {
	if files == 1 {
		return "1 file has issues; `ingest issues` lists them"
	}
	return term.Count(files) + " files have issues; `ingest issues` lists them"
}

func noRawLogs(source string) string {
	return source + " lists no raw log at all; `ingest check` says how their names look"
}
