package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"rawlogs/internal/pipeline"
	"rawlogs/internal/plain"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/session"
	"rawlogs/internal/term"
)

func newVerify(a *app) *cobra.Command {
	var types typesFlag
	cmd := &cobra.Command{
		Use:   "verify [PERIOD…] [flags]",
		Short: "count the rows of each loaded file in the store and compare with the ledger",
		Example: `  ingest verify
  ingest verify 201609 --type clicks --json`,
		Long: exits(exitDone, exitFailed, exitUsage, exitInterrupted),
		RunE: func(cmd *cobra.Command, args []string) error {
			periods, err := parsePeriods(args)
			if err != nil {
				return err
			}
			return a.eachSource(cmd, func(ctx context.Context, s *session.Session) error {
				return a.runVerify(ctx, s, types.list(), periods)
			})
		},
	}
	types.addTo(cmd.Flags())
	return cmd
}

type verifyDifference struct {
	Type   string `json:"type"`
	Name   string `json:"name"`
	Ledger uint64 `json:"ledger"` // rows the ledger says
	Stored uint64 `json:"stored"` // rows counted

	LedgerRejected uint64 `json:"ledger_rejected"` // lines in rejected_rows
	StoredRejected uint64 `json:"stored_rejected"`
	Orphans        uint64 `json:"orphans"` // of stored: rows of inserts that the ledger does not list
}

func (d verifyDifference) text() string {
	text := fmt.Sprintf("%s %s: the ledger says %s, the store holds %s", d.Type, d.Name, term.Count(d.Ledger), term.Count(d.Stored))
	if d.LedgerRejected != d.StoredRejected {
		text += fmt.Sprintf("; rejected lines %s and %s", term.Count(d.LedgerRejected), term.Count(d.StoredRejected))
	}
	if d.Orphans > 0 {
		text += fmt.Sprintf("; %s of them by inserts that the ledger does not list", term.Count(d.Orphans))
	}
	return text
}

func describeDifference(d pipeline.Difference) verifyDifference {
	return verifyDifference{
		Type: string(d.File.Type), Name: d.File.Name, Ledger: d.Ledger, Stored: d.Stored,
		LedgerRejected: d.LedgerRejected, StoredRejected: d.StoredRejected, Orphans: d.Orphans,
	}
}

func (a *app) runVerify(ctx context.Context, s *session.Session, types []rawlog.Type, periods []rawlog.Period) error {
	st, err := s.Look(ctx)
	if err != nil {
		return err
	}
	report, err := pipeline.Verify(ctx, st, pipeline.Options{Network: s.Config.Network, Types: types, Periods: periods, Log: a.log})
	if err != nil {
		return err
	}
	out := struct {
		Network     string             `json:"network"`
		Files       int                `json:"files"`
		Rows        uint64             `json:"rows"`
		Unsettled   int                `json:"unsettled"` // files being loaded, or left so by a run that died
		Differences []verifyDifference `json:"differences"`
	}{s.Config.Network, report.Files, report.Rows, report.Unsettled, []verifyDifference{}}
	for _, d := range report.Differences {
		out.Differences = append(out.Differences, describeDifference(d))
	}
	switch {
	case a.json:
		err = term.JSON(a.stdout, out)
	default:
		_, err = fmt.Fprintf(a.stdout, "%s, %s rows: %s\n", term.Plural(out.Files, "file"), term.Count(out.Rows), term.Plural(len(out.Differences), "difference"))
		if err == nil && out.Unsettled > 0 {
			_, err = fmt.Fprintf(a.stdout, "%s not counted: being loaded, or left by a run that died (`ingest run` cleans up)\n", term.Plural(out.Unsettled, "file"))
		}
		for _, d := range out.Differences {
			if err == nil {
				_, err = fmt.Fprintf(a.stdout, "  %s\n", plain.Text(d.text()))
			}
		}
	}
	if err == nil && len(out.Differences) > 0 {
		return &hintError{
			err:  fmt.Errorf("%s: the store does not hold what the ledger says", term.Plural(len(out.Differences), "file")),
			hint: "`ingest reload FILE` deletes a file's rows and loads it again",
		}
	}
	return err
}
