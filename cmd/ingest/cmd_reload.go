package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

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
		Long: "A FILE is a name as the source lists it, in any format, or as the ledger has it; everything with a / or an end\n" +
			"such as .zip or .csv.gz is one. Of a PERIOD every file\n" +
			"is loaded again, whether or not a FILE is named beside it.\n\n" + loadStatuses(),
		Args: someArgs("a period or the name of a file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			periods, files, err := splitReload(args)
			if err != nil {
				return err
			}
			return a.eachLoad(cmd, func(ctx context.Context, s *session.Session) error {
				if err := checkNames(s.Config.Names, files); err != nil {
					return err
				}
				return a.load(ctx, s, o.LoadOptions, pipeline.Options{Reload: true, Periods: periods, Files: files})
			})
		},
	}
	o.AddFlags(cmd.Flags())
	return cmd
}

// splitReload tells the file names among the arguments from the periods.
func splitReload(args []string) (periods []rawlog.Period, files []string, err error) {
	var words []string
	for _, arg := range args {
		if _, _, ok := rawlog.CutFormat(arg); ok || strings.Contains(arg, "/") {
			files = append(files, arg)
		} else {
			words = append(words, arg)
		}
	}
	periods, err = parsePeriods(words)
	return periods, files, err
}

// checkNames refuses what cannot be the name of a file, whatever the source has.
func checkNames(names *rawlog.Names, files []string) error {
	for _, file := range files {
		if _, _, ok := rawlog.CutFormat(file); !ok && len(names.Patterns()) > 0 {
			continue // as the ledger has it
		}
		if _, _, err := names.File(file); err != nil && !errors.Is(err, rawlog.ErrMisplaced) {
			return &usageError{err: fmt.Errorf("%q: %w", file, err)}
		}
	}
	return nil
}
