package main

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/spf13/cobra"

	"rawlogs/internal/config"
	"rawlogs/internal/evolve"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/session"
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
		Short: "add columns for headers that keep appearing in _rescued",
		Example: `  ingest schema evolve --dry-run
  ingest schema evolve --type clicks --min-rows 1000`,
		Long: `Each such header gets a column of a type that holds its values exactly, and the
values move there; those that don't fit stay in _rescued. It does not run during
a load.

` + exits(exitDone, exitFailed, exitUsage, exitHeld, exitInterrupted),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			// Zones are the networks'; the store is everybody's.
			all, err := a.configureAll(cmd)
			if err != nil {
				return err
			}
			return a.within(cmd, all[0], func(ctx context.Context, s *session.Session) error {
				return a.runEvolve(ctx, s, all, o)
			})
		},
	}
	f := cmd.Flags()
	o.Types.addTo(f)
	f.BoolVar(&o.DryRun, "dry-run", false, "list the changes and make none")
	f.Uint64Var(&o.MinRows, "min-rows", 100, "rows in which a header must have appeared")
	f.Uint64Var(&o.MinFiles, "min-files", 2, "files in which it must have appeared")
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
	return a.show(out, out.Print)
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
those without a value in the last days of their table.

` + exits(exitDone, exitFailed, exitUsage, exitInterrupted),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.onStore(cmd, func(ctx context.Context, s *session.Session) error {
				return a.runDrift(ctx, s, o)
			})
		},
	}
	o.Types.addTo(cmd.Flags())
	cmd.Flags().IntVar(&o.Unused, "unused", 0, "also list columns that have had no value for this many days")
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
	out, err := evolve.FindDrifts(ctx, st, s.Config.Network, o.Types.list(), o.Unused)
	if err != nil {
		return err
	}
	return a.show(out, out.Print)
}
