package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"rawlogs/internal/dims"
	"rawlogs/internal/plain"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/session"
	"rawlogs/internal/term"
)

func newUpdates(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "updates [PERIOD…] [flags]",
		Short: "read later changes of conversions: approvals, rejections, adjustments",
		Example: `  ingest updates                     the last days (--lookback)
  ingest updates 201609
  ingest sql "SELECT status, count(), sum(payout) FROM conversions_current GROUP BY status"`,
		Long: `Raw logs hold conversions as they were when they happened. The PERIOD is that of
the changes, in the network's zone. The table conversion_updates stores them;
conversions_current shows each conversion with its latest change. Reading a day
again writes only what has changed since.

` + exits(exitDone, exitFailed, exitUsage, exitIncomplete, exitHeld, exitInterrupted),
		RunE: aboutPeriods(a.eachNetwork, func(ctx context.Context, s *session.Session, periods []rawlog.Period) error {
			return a.runUpdates(ctx, s, periods)
		}),
	}
	cmd.Flags().Int("lookback", 0, "days to look back without a PERIOD, today included (INGEST_LOOKBACK; default 3)")
	return cmd
}

func (a *app) runUpdates(ctx context.Context, s *session.Session, periods []rawlog.Period) error {
	if err := s.Prepare(ctx); err != nil {
		return err
	}
	sum, err := s.Updates(ctx, periods)
	perr := a.show(struct {
		Network string `json:"network"`
		dims.UpdateResult
	}{s.Config.Network, sum}, func(w io.Writer) error {
		_, failed := fmt.Fprintf(w, "network %s: %s read, %s conversions changed or added on them, %s new to the store\n",
			plain.Text(s.Config.Network), term.Plural(sum.Days, "day"), term.Count(sum.Rows), term.Count(sum.Changed))
		return failed
	})
	if err == nil {
		err = perr
	}
	return err
}
