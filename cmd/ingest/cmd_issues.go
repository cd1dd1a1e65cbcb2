package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/pipeline"
	"rawlogs/internal/plain"
	"rawlogs/internal/session"
	"rawlogs/internal/status"
	"rawlogs/internal/term"
)

func newIssues(a *app) *cobra.Command {
	var types typesFlag
	var all bool
	cmd := &cobra.Command{
		Use:   "issues [PERIOD…] [flags]",
		Short: "list the files that are not as they should be, and since when",
		Example: `  ingest issues
  ingest issues 201609 --type clicks --json`,
		Long: issueKinds + "\n\n" + exits(exitDone, exitFailed, exitUsage, exitInterrupted),
		RunE: func(cmd *cobra.Command, args []string) error {
			periods, err := parsePeriods(args)
			if err != nil {
				return err
			}
			return a.eachSource(cmd, func(ctx context.Context, s *session.Session) error {
				return a.runIssues(ctx, s, checkpoint.Filter{Types: types.list(), Periods: periods, Issues: true}, all)
			})
		},
	}
	types.addTo(cmd.Flags())
	cmd.Flags().BoolVar(&all, "all", false, "list those that were ignored, too")
	return cmd
}

// issueKinds explains the kinds in help texts.
const issueKinds = `failed     could not be fetched, read or loaded; the next run tries again
lost       not loaded, and no longer listed by the source
mismatch   the store did not hold the rows that it acknowledged; the next run loads them again
copy       the same text as another file of its hour; not loaded
view       its rows are stored, but a materialized view failed on them
rejected   has lines that did not split into the header's fields: see rejected_rows
misfit     has many values that did not fit their columns: see _rescued
inexact    has many values that their columns hold only nearly: see _rescued
columns    no row has an id, or none a time: do the header's names mean our columns?
shifted    its rows lie off its hour: is the time zone right?`

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
	if a.json {
		return term.JSON(a.stdout, out)
	}
	if len(out) == 0 {
		_, err := fmt.Fprintln(a.stdout, "no issues")
		return err
	}
	var rows [][]string
	for _, i := range out {
		text := i.Text
		if i.Ignored != "" {
			text += " (ignored: " + i.Ignored + ")"
		}
		rows = append(rows, []string{plain.Text(i.Kind), i.Since.Format(time.DateOnly), plain.Text(i.Type + " " + i.Name), plain.Text(text)})
	}
	return term.Table(a.stdout, []string{"issue", "since", "file", "what"}, func(int) bool { return false }, rows)
}

func newIgnore(a *app) *cobra.Command {
	var reason string
	var types typesFlag
	cmd := &cobra.Command{
		Use:   "ignore PERIOD|FILE… --reason TEXT",
		Short: "say why the issues of files need no care",
		Example: `  ingest ignore 20160909/clicks-1473411600-SlY9UO.zip --reason 'the network says there is no more of it'
  ingest ignore 201609 --type impressions --reason 'broken by the move of that month'`,
		Long: "An ignored issue is not told by runs and `ingest status` any more, until the file changes or something\n" +
			"else is wrong with it. `ingest issues --all` lists it with its reason.\n\n" +
			exits(exitDone, exitFailed, exitUsage, exitHeld, exitInterrupted),
		Args: someArgs("a period or the name of a file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			reason = strings.TrimSpace(plain.Text(reason))
			if reason == "" {
				return &usageError{err: errors.New("ingest ignore: want --reason TEXT, for whoever reads it next year")}
			}
			periods, files, err := splitReload(args)
			if err != nil {
				return err
			}
			return a.eachSource(cmd, func(ctx context.Context, s *session.Session) error {
				if err := checkNames(s.Config.Names, files); err != nil {
					return err
				}
				return a.runIgnore(ctx, s, pipeline.Options{Types: types.list(), Periods: periods, Files: files}, reason)
			})
		},
	}
	types.addTo(cmd.Flags())
	cmd.Flags().StringVar(&reason, "reason", "", "why, for whoever reads it next year")
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
	if a.json {
		return term.JSON(a.stdout, out)
	}
	const most = 20
	for _, i := range out[:min(len(out), most)] {
		if _, err := fmt.Fprintf(a.stdout, "ignored: %s\n", plain.Text(i.Type+" "+i.Name+": "+i.Text)); err != nil {
			return err
		}
	}
	if len(out) > most {
		_, err = fmt.Fprintf(a.stdout, "… and %d more; --json lists all\n", len(out)-most)
	}
	return err
}
