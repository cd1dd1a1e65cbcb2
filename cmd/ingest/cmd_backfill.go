package main

import (
	"context"

	"github.com/spf13/cobra"

	"rawlogs/internal/pipeline"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/session"
)

// BackfillOptions are the flags of `ingest backfill`.
type BackfillOptions struct{ LoadOptions }

func newBackfill(a *app) *cobra.Command {
	var o BackfillOptions
	cmd := &cobra.Command{
		Use:   "backfill PERIOD… [flags]",
		Short: "load the files of the given periods that are not loaded yet",
		Example: `  ingest backfill 20160909
  ingest backfill 201609 --type clicks
  ingest backfill 2015 20160101..20160315
  ingest backfill 201609 --source /archive/raw-logs --dry-run`,
		Long: "A period is a year (2016), a month (201609), a day (20160909) or a range of them\n" +
			"(20160901..20160915, both ends included), in UTC, by the hour in a file's name.\n\n" + loadStatuses(),
		Args: someArgs("at least one period, such as 201609"),
		RunE: aboutPeriods(a.eachLoad, func(ctx context.Context, s *session.Session, periods []rawlog.Period) error {
			return a.load(ctx, s, o.LoadOptions, pipeline.Options{Periods: periods})
		}),
	}
	o.AddFlags(cmd.Flags())
	return cmd
}
