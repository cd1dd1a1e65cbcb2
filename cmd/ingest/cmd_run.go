package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rawlogs/internal/pipeline"
	"rawlogs/internal/rawlog"
)

// RunOptions are the flags of `ingest run`.
type RunOptions struct{ LoadOptions }

// AddFlags adds them to f.
func (o *RunOptions) AddFlags(f *pflag.FlagSet) {
	o.LoadOptions.AddFlags(f)
	f.Int("lookback", 0, "days to look back, today included (INGEST_LOOKBACK; default 3)")
}

func newRun(a *app) *cobra.Command {
	var o RunOptions
	cmd := &cobra.Command{
		Use:   "run [flags]",
		Short: "load the new files of the last days, and what failed before; for cron",
		Example: `  ingest run
  ingest run --type clicks,conversions --lookback 7
  ingest run --dry-run --json
  17 3 * * *  cd /srv/rawlogs && ingest run -q      # a crontab line`,
		Long: loadStatuses(),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.eachNetwork(cmd, func(ctx context.Context, cfg *Config) error {
				return a.runRun(ctx, cfg, o)
			})
		},
	}
	o.AddFlags(cmd.Flags())
	return cmd
}

func (a *app) runRun(ctx context.Context, cfg *Config, o RunOptions) error {
	return a.load(ctx, cfg, o.LoadOptions, pipeline.Options{
		Periods:     []rawlog.Period{lookback(time.Now(), cfg.Lookback)},
		RetryFailed: true,
	})
}

// lookback is the period of the last days. The local clock only bounds what is
// listed, never what is new; it may be hours off, so the period reaches a day
// into the future.
func lookback(now time.Time, days int) rawlog.Period {
	today := now.UTC().Truncate(24 * time.Hour)
	return rawlog.Period{From: today.AddDate(0, 0, 1-days), To: today.AddDate(0, 0, 2)}
}
