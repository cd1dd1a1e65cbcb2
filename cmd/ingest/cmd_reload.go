package main

import (
	"context"

	"github.com/spf13/cobra"

	"rawlogs/internal/pipeline"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/session"
)

// ReloadOptions are the flags of `ingest reload`.
type ReloadOptions struct{ LoadOptions }

func newReload(a *app) *cobra.Command {
	var o ReloadOptions
	cmd := &cobra.Command{
		Use:   "reload PERIOD|FILE… [flags]",
		Short: "delete the rows of files and load them again",
		Example: `  ingest reload 20160909/clicks-1473411600-SlY9UO.zip
  ingest reload 20160909 --type conversions
  ingest reload 201609 --dry-run`,
		Long: "A FILE is a name as the source or the ledger has it, in any format: anything with a /\n" +
			"or an extension such as .zip or .csv.gz. Every file of a PERIOD is loaded again,\n" +
			"whether or not a FILE is named as well.\n\n" + loadStatuses(),
		Args: someArgs("a period or the name of a file"),
		RunE: aboutFiles(a.eachLoad, func(ctx context.Context, s *session.Session, periods []rawlog.Period, files []string) error {
			return a.load(ctx, s, o.LoadOptions, pipeline.Options{Reload: true, Periods: periods, Files: files})
		}),
	}
	o.AddFlags(cmd.Flags())
	return cmd
}

// aboutFiles is aboutPeriods for arguments that may also name single files.
func aboutFiles(each func(*cobra.Command, session.Job) error, work func(context.Context, *session.Session, []rawlog.Period, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		files, rest := rawlog.SplitFiles(args)
		periods, err := parsePeriods(rest)
		if err != nil {
			return err
		}
		return each(cmd, func(ctx context.Context, s *session.Session) error {
			if err := s.Config.Names.Check(files); err != nil {
				return &usageError{err: err}
			}
			return work(ctx, s, periods, files)
		})
	}
}
