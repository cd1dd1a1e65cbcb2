package main

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/pipeline"
	"rawlogs/internal/plain"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/session"
	"rawlogs/internal/status"
)

func newIssues(a *app) *cobra.Command {
	var types lookFlag
	var all bool
	cmd := &cobra.Command{
		Use:   "issues [PERIOD…] [flags]",
		Short: "list files with issues, and since when they have had them",
		Example: `  ingest issues
  ingest issues 201609 --type clicks --json`,
		Long: status.Kinds + "\n\n" + exits(exitDone, exitFailed, exitUsage, exitInterrupted),
		RunE: aboutPeriods(a.eachSource, func(ctx context.Context, s *session.Session, periods []rawlog.Period) error {
			return a.runIssues(ctx, s, checkpoint.Filter{Types: types.list(), Periods: periods, Issues: true}, all)
		}),
	}
	types.addTo(cmd.Flags())
	cmd.Flags().BoolVar(&all, "all", false, "list ignored ones as well")
	return cmd
}

func (a *app) runIssues(ctx context.Context, s *session.Session, filter checkpoint.Filter, all bool) error {
	st, err := s.Look(ctx)
	if err != nil {
		return err
	}
	entries, err := checkpoint.Open(st, s.Config.Network).Entries(ctx, filter)
	if err != nil {
		return err
	}
	out := []status.Issue{}
	for _, e := range entries {
		if all || e.Open() {
			out = append(out, status.Issues(e)...)
		}
	}
	return a.show(out, func(w io.Writer) error { return status.PrintIssues(w, out) })
}

func newIgnore(a *app) *cobra.Command {
	var reason string
	var types lookFlag
	cmd := &cobra.Command{
		Use:   "ignore PERIOD|FILE… --reason TEXT",
		Short: "acknowledge issues of files, with a reason",
		Example: `  ingest ignore 20160909/clicks-1473411600-SlY9UO.zip --reason 'the network has nothing more of it'
  ingest ignore 201609 --type impressions --reason 'broken by the move of that month'`,
		Long: "Runs and `ingest status` no longer report an ignored issue, until the file changes or something else\n" +
			"goes wrong with it. `ingest issues --all` lists it with its reason.\n\n" +
			exits(exitDone, exitFailed, exitUsage, exitHeld, exitInterrupted),
		Args: someArgs("a period or the name of a file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			reason = strings.TrimSpace(plain.Text(reason))
			if reason == "" {
				return &usageError{err: errors.New("ingest ignore: want --reason TEXT; it is shown by `ingest issues --all`")}
			}
			return aboutFiles(a.eachSource, func(ctx context.Context, s *session.Session, periods []rawlog.Period, files []string) error {
				return a.runIgnore(ctx, s, pipeline.Options{Types: types.list(), Periods: periods, Files: files}, reason)
			})(cmd, args)
		},
	}
	types.addTo(cmd.Flags())
	cmd.Flags().StringVar(&reason, "reason", "", "why the issues can be ignored")
	return cmd
}

func (a *app) runIgnore(ctx context.Context, s *session.Session, opts pipeline.Options, reason string) error {
	if _, err := s.Look(ctx); err != nil {
		return err
	}
	st, err := s.Store(ctx) // an older ledger has no room for a reason
	if err != nil {
		return err
	}
	opts.Network, opts.Names, opts.Log = s.Config.Network, s.Config.Names, s.Log
	ignored, err := pipeline.Ignore(ctx, st, opts, reason)
	if err != nil {
		return err
	}
	out := []status.Issue{}
	for _, e := range ignored {
		out = append(out, status.Issues(e)...)
	}
	return a.show(out, func(w io.Writer) error { return status.PrintIgnored(w, out) })
}
