package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"rawlogs/internal/pipeline"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/session"
	"rawlogs/internal/summary"
	"rawlogs/internal/term"
)

func newVerify(a *app) *cobra.Command {
	var types lookFlag
	cmd := &cobra.Command{
		Use:   "verify [PERIOD…] [flags]",
		Short: "count the rows of each loaded file in the store and compare with the ledger",
		Example: `  ingest verify
  ingest verify 201609 --type clicks --json`,
		Long: exits(exitDone, exitFailed, exitUsage, exitInterrupted),
		RunE: aboutPeriods(a.eachSource, func(ctx context.Context, s *session.Session, periods []rawlog.Period) error {
			return a.runVerify(ctx, s, types.list(), periods)
		}),
	}
	types.addTo(cmd.Flags())
	return cmd
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
	out := summary.Counted(s.Config.Network, report)
	err = a.show(out, out.Print)
	if err == nil && len(out.Differences) == 0 && len(out.RollUps) > 0 {
		return &hintError{
			err: fmt.Errorf("the roll-ups of %s do not say what the rows say: MATERIALIZE PROJECTION or an UPDATE counted rows that are marked as deleted", out.RollUps[0].Table),
			hint: fmt.Sprintf("a merge mends them, month by month: OPTIMIZE TABLE %s PARTITION ID '%s' FINAL; until then ask with SETTINGS optimize_use_projections = 0",
				st.Holding(out.RollUps[0].Table), strings.ReplaceAll(out.RollUps[0].Day[:7], "-", "")),
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
