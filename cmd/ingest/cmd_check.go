package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"rawlogs/internal/plain"
	"rawlogs/internal/session"
	"rawlogs/internal/term"
)

func newCheck(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "test the settings, the API credentials, the storage and the store, a line each",
		Example: `  ingest check
  ingest check --source s3://archive/raw-logs --json`,
		Long: exits(exitDone, exitFailed, exitUsage, exitInterrupted),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.eachSource(cmd, a.runCheck)
		},
	}
}

func (a *app) runCheck(ctx context.Context, s *session.Session) error {
	all, fails := []session.Finding{}, 0
	err := s.Check(ctx, func(f session.Finding) error {
		all = append(all, f)
		if f.Level == "fail" {
			fails++
		}
		if a.json {
			return nil // printed together at the end
		}
		return a.printFinding(f)
	})
	if err == nil && a.json {
		err = term.JSON(a.stdout, all)
	}
	if err == nil && fails > 0 {
		err = fmt.Errorf("%s failed", term.Plural(fails, "check"))
	}
	return err
}

func (a *app) printFinding(f session.Finding) error {
	if _, err := fmt.Fprintf(a.stdout, "%-4s  %-12s  %s\n", plain.Text(f.Level), plain.Text(f.What), plain.Text(f.Detail)); err != nil {
		return err
	}
	if f.Hint != "" && f.Level != "ok" {
		_, err := fmt.Fprintf(a.stdout, "%20s%s\n", "", plain.Text(f.Hint))
		return err
	}
	return nil
}
