package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

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
		return f.Print(a.stdout)
	})
	if err == nil && a.json {
		err = term.JSON(a.stdout, all)
	}
	if err == nil && fails > 0 {
		err = fmt.Errorf("%s failed", term.Plural(fails, "check"))
	}
	return err
}
