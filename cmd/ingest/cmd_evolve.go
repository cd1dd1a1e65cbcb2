package main

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/spf13/cobra"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/config"
	"rawlogs/internal/evolve"
	"rawlogs/internal/plain"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/session"
	"rawlogs/internal/term"
)

// EvolveOptions are the flags of `ingest schema evolve`.
type EvolveOptions struct {
	Types    typesFlag
	DryRun   bool
	MinRows  uint64
	MinFiles uint64
}

func newSchemaEvolve(a *app) *cobra.Command {
	var o EvolveOptions
	cmd := &cobra.Command{
		Use:   "evolve",
		Short: "make columns of headers that keep turning up in _rescued",
		Example: `  ingest schema evolve --dry-run
  ingest schema evolve --type clicks --min-rows 1000`,
		Long: `A header that no column had gets one, of a type that holds what was seen exactly,
and its values move there. What does not fit stays in _rescued. It waits for no
load: while one is at work it says so and ends.

` + exits(exitDone, exitFailed, exitUsage, exitHeld, exitInterrupted),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			// Zones are the networks'; the store is everybody's.
			all, err := a.configureAll(cmd)
			if err != nil {
				return err
			}
			ctx, cancel := a.untilStop(cmd.Context())
			defer cancel()
			return a.within(ctx, all[0], func(ctx context.Context, s *session.Session) error {
				return a.runEvolve(ctx, s, all, o)
			})
		},
	}
	f := cmd.Flags()
	o.Types.addTo(f)
	f.BoolVar(&o.DryRun, "dry-run", false, "say what would be done and change nothing")
	f.Uint64Var(&o.MinRows, "min-rows", 100, "rows that a header must have turned up in")
	f.Uint64Var(&o.MinFiles, "min-files", 2, "files that they must come from")
	return cmd
}

func (a *app) runEvolve(ctx context.Context, s *session.Session, all []*config.Config, o EvolveOptions) error {
	st, err := s.Look(ctx)
	if err != nil {
		return err
	}
	config := evolve.Config{
		Types: o.Types.list(), MinRows: max(o.MinRows, 1), MinFiles: max(o.MinFiles, 1), DryRun: o.DryRun,
		Zones: map[string]rawlog.Zones{}, Run: "evolve-" + rand.Text()[:10], Log: a.log,
	}
	for _, cfg := range all {
		if cfg.Network != "" {
			config.Zones[cfg.Network] = cfg.Zones
			config.Networks = append(config.Networks, cfg.Network)
		}
	}
	out, err := evolve.Run(ctx, st, config)
	if err != nil {
		return err
	}
	if a.json {
		return term.JSON(a.stdout, out)
	}
	did := map[bool]string{false: "column made", true: "column to make"}[out.DryRun]
	var rows [][]string
	for _, c := range out.Columns {
		what := did
		if !c.New {
			what = "column was there"
		}
		rows = append(rows, []string{c.Table, c.Header, c.Type, what, term.Count(c.Moved), term.Count(c.Left), term.Shorten(c.Example)})
	}
	for _, s := range out.Skipped {
		rows = append(rows, []string{s.Table, s.Header, "", "no column: " + s.Why, "", term.Count(s.Rows), ""})
	}
	if len(rows) > 0 {
		moved := map[bool]string{false: "moved", true: "to move"}[out.DryRun]
		header := []string{"table", "header", "type", "what", moved, "left", "example"}
		if err := term.Table(a.stdout, header, func(i int) bool { return i == 4 || i == 5 }, rows); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(a.stdout, "%s, %s without\n", term.Plural(len(out.Columns), "column"), term.Plural(len(out.Skipped), "header"))
	return err
}

// DriftOptions are the flags of `ingest schema drift`.
type DriftOptions struct {
	Types  typesFlag
	Unused int
}

func newSchemaDrift(a *app) *cobra.Command {
	var o DriftOptions
	cmd := &cobra.Command{
		Use:   "drift",
		Short: "show headers whose values are in _rescued, first and last seen",
		Example: `  ingest schema drift
  ingest schema drift --type clicks --unused 30`,
		Long: `Times are the hours of the files. --unused reads every column once and also lists
those that got no value in the last days of their table.

` + exits(exitDone, exitFailed, exitUsage, exitInterrupted),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.onStore(cmd, func(ctx context.Context, s *session.Session) error {
				return a.runDrift(ctx, s, o)
			})
		},
	}
	o.Types.addTo(cmd.Flags())
	cmd.Flags().IntVar(&o.Unused, "unused", 0, "also list columns without a value for so many days")
	return cmd
}

func (a *app) runDrift(ctx context.Context, s *session.Session, o DriftOptions) error {
	if o.Unused < 0 {
		return &usageError{err: fmt.Errorf("--unused %d: want a number of days", o.Unused)}
	}
	st, err := s.Look(ctx)
	if err != nil {
		return err
	}
	headers, err := evolve.Drift(ctx, st, o.Types.list())
	if err != nil {
		return err
	}
	unused := []evolve.Unused{}
	if o.Unused > 0 {
		if unused, err = evolve.Silent(ctx, st, o.Types.list(), o.Unused); err != nil {
			return err
		}
	}
	unfilled, err := checkpoint.Open(st, s.Config.Network).Unfilled(ctx, o.Types.list())
	if err != nil {
		return err
	}
	if a.json {
		return term.JSON(a.stdout, struct {
			Headers  []evolve.Drifted      `json:"headers"`
			Unused   []evolve.Unused       `json:"unused"`
			Unfilled []checkpoint.Unfilled `json:"unfilled"`
		}{headers, unused, unfilled})
	}
	var rows [][]string
	for _, h := range headers {
		what := "no column; evolve would make " + h.Type
		if h.Column {
			what = "has a column; these did not fit"
		}
		rows = append(rows, []string{h.Table, h.Header, term.Minute(h.First), term.Minute(h.Last), term.Count(h.Rows), term.Count(h.Files), what, term.Shorten(h.Example)})
	}
	if len(rows) > 0 {
		header := []string{"table", "header", "first file", "last file", "rows", "files", "what", "example"}
		if err := term.Table(a.stdout, header, func(i int) bool { return i == 4 || i == 5 }, rows); err != nil {
			return err
		}
	}
	for _, u := range unused {
		last := "never had a value"
		if !u.Last.IsZero() {
			last = "last had a value in the file of " + term.Minute(u.Last)
		}
		if _, err := fmt.Fprintf(a.stdout, "%s.%s %s\n", u.Table, plain.Text(u.Column), last); err != nil {
			return err
		}
	}
	for _, u := range unfilled {
		if _, err := fmt.Fprintln(a.stdout, plain.Text(u.String())); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(a.stdout, "%s in _rescued\n", term.Plural(len(headers), "header"))
	return err
}
