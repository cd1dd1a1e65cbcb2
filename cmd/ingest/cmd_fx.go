package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"rawlogs/internal/fx"
	"rawlogs/internal/plain"
	"rawlogs/internal/session"
)

func newFX(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "fx",
		Short:   "load exchange rates, to ask for amounts in one currency",
		Example: "  ingest fx load eurofxref-hist.zip",
		Long:    "The view conversions_in(currency = 'EUR') shows conversions at the rates of their days,\nfx_daily the rates by day.\n\n" + exits(exitDone, exitFailed, exitUsage),
		RunE:    wantCommand,
		Args:    cobra.ArbitraryArgs,
	}
	cmd.AddCommand(newFXLoad(a))
	return cmd
}

func newFXLoad(a *app) *cobra.Command {
	var gaps bool
	cmd := &cobra.Command{
		Use:   "load FILE",
		Short: "store the rates of the European Central Bank's file",
		Example: `  ingest fx load eurofxref-hist.zip
  curl -sSf https://www.ecb.europa.eu/stats/eurofxref/eurofxref-hist.zip | ingest fx load -
  ingest sql "SELECT in_currency, sum(payout_in), countIf(payout_in IS NULL) AS without_rate FROM conversions_in(currency = 'USD') GROUP BY 1"`,
		Long: fmt.Sprintf(`FILE is eurofxref-hist.csv or eurofxref.csv, or the ZIP of either; - is the standard
input. What the store has already is left alone, what the file has otherwise replaces
it. A file with anything unreadable in it is refused whole.

A rate holds until the next one, for %d days at most. More days than that between two
rates are refused: their amounts would have no rate.

`, fx.MaxAge) + exits(exitDone, exitFailed, exitUsage, exitInterrupted),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || args[0] == "" {
				return &usageError{err: errors.New("ingest fx load: want one file, or - for the standard input")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			name, in := "standard input", cmd.InOrStdin()
			if args[0] != "-" {
				f, err := os.Open(args[0])
				if err != nil {
					return err
				}
				defer func() { _ = f.Close() }() // it was only read
				name, in = filepath.Base(args[0]), f
			}
			rates, err := fx.Parse(in)
			if err != nil {
				return fmt.Errorf("%s: %w", plain.Name(name), err)
			}
			return a.onStore(cmd, func(ctx context.Context, s *session.Session) error {
				return a.runFXLoad(ctx, s, rates, fx.Options{Source: name, Gaps: gaps, Now: time.Now()})
			})
		},
	}
	cmd.Flags().BoolVar(&gaps, "allow-gaps", false, "accept days without rates: amounts of those days have none")
	return cmd
}

func (a *app) runFXLoad(ctx context.Context, s *session.Session, rates []fx.Rate, o fx.Options) error {
	st, err := s.Store(ctx)
	if err != nil {
		return err
	}
	loaded, err := fx.Load(ctx, st, rates, o)
	if err != nil {
		return fmt.Errorf("%s: %w", plain.Name(o.Source), err)
	}
	return a.show(loaded, func(w io.Writer) error { return loaded.Print(w) })
}
