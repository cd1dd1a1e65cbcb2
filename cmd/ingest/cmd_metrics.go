package main

import (
	"context"

	"github.com/spf13/cobra"

	"rawlogs/internal/metrics"
	"rawlogs/internal/session"
)

func newMetrics(a *app) *cobra.Command {
	var folder string
	cmd := &cobra.Command{
		Use:   "metrics [flags]",
		Short: "print the metrics of all networks for Prometheus",
		Example: `  ingest metrics
  ingest metrics --textfile /var/lib/prometheus/node-exporter
  ingest sql 'SELECT name, labels, value FROM ingest_metrics'`,
		Long: "A ClickHouse server answers the same to Prometheus itself; docs/operations.md says how, and\n" +
			"what each metric means.\n\n" + exits(exitDone, exitFailed, exitUsage, exitInterrupted),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.onStore(cmd, func(ctx context.Context, s *session.Session) error {
				st, err := s.Look(ctx)
				if err != nil {
					return err
				}
				if folder != "" {
					return metrics.WriteFile(ctx, st, folder)
				}
				return metrics.Write(ctx, st, a.stdout)
			})
		},
	}
	cmd.Flags().StringVar(&folder, "textfile", "", "write ingest.prom into this folder, for node_exporter, and print nothing")
	return cmd
}
