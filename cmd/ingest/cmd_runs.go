package main

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rawlogs/internal/runs"
	"rawlogs/internal/session"
)

// RunsOptions are the flags of `ingest runs`.
type RunsOptions struct{ Limit int }

// AddFlags adds them to f.
func (o *RunsOptions) AddFlags(f *pflag.FlagSet) {
	f.IntVar(&o.Limit, "limit", 20, "list so many at most; 0 for all")
}

func newRuns(a *app) *cobra.Command {
	var o RunsOptions
	cmd := &cobra.Command{
		Use:   "runs [flags]",
		Short: "list what the commands did, newest first, and which ones died",
		Example: `  ingest runs
  ingest runs --network acme --limit 100 --json
  ingest sql "SELECT begun, outcome, error FROM ingest_runs_current WHERE outcome != 'done' ORDER BY begun DESC"`,
		Long: "Commands that change the store, and reconcile, are listed once for each network.\n\n" + exits(exitDone, exitFailed, exitUsage, exitInterrupted),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Limit < 0 {
				return &usageError{err: errors.New("--limit: want a number of runs")}
			}
			filter := runs.Filter{Limit: o.Limit}
			if f := cmd.Flags().Lookup("network"); f.Changed {
				filter.Network = f.Value.String()
			}
			return a.onStore(cmd, func(ctx context.Context, s *session.Session) error {
				return a.runRuns(ctx, s, filter)
			})
		},
	}
	o.AddFlags(cmd.Flags())
	return cmd
}

func (a *app) runRuns(ctx context.Context, s *session.Session, filter runs.Filter) error {
	st, err := s.Look(ctx)
	if err != nil {
		return err
	}
	all, err := runs.List(ctx, st, filter)
	if err != nil {
		return err
	}
	return a.show(all, func(w io.Writer) error { return runs.Print(w, all) })
}
