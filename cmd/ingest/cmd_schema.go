package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"rawlogs/internal/config"
	"rawlogs/internal/plain"
	"rawlogs/internal/session"
	"rawlogs/internal/store"
)

func newSchema(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "print, apply or evolve the tables' definitions, print a user for analysts, or set for how long files are kept",
		Example: `  ingest schema print > schema.sql
  ingest schema apply --store clickhouse://loader@ch1:9000/rawlogs`,
		Long: "Every load applies the schema itself; `apply` does it beforehand,\nor under another user.\n\n" + exits(exitDone, exitFailed, exitUsage),
		RunE: wantCommand,
		Args: cobra.ArbitraryArgs,
	}
	cmd.AddCommand(newSchemaEvolve(a), newSchemaDrift(a), newSchemaReader(a), newSchemaTTL(a),
		&cobra.Command{
			Use:     "print",
			Short:   "print the statements",
			Example: "  ingest schema print",
			Args:    noArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				cfg, err := a.configureStore(cmd)
				if err != nil {
					return err
				}
				return a.runSchemaPrint(cfg)
			},
		},
		&cobra.Command{
			Use:     "apply",
			Short:   "create in the configured store what it lacks",
			Example: "  ingest schema apply",
			Args:    noArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				return a.onStore(cmd, a.runSchemaApply)
			},
		})
	return cmd
}

// schemaStatement is one statement of the tables' definitions. Its JSON names
// are a promise.
type schemaStatement struct {
	File  string `json:"file"`
	Title string `json:"title"`
	SQL   string `json:"sql"`
}

func (a *app) runSchemaPrint(cfg *config.Config) error {
	all, err := store.Statements(cfg.Store)
	if err != nil {
		return err
	}
	statements := []schemaStatement{}
	for _, s := range all {
		statements = append(statements, schemaStatement{File: s.File, Title: s.Title, SQL: s.SQL})
	}
	return a.show(statements, func(w io.Writer) error {
		for _, s := range statements {
			if _, err := fmt.Fprintf(w, "-- %s: %s\n%s;\n\n", s.File, s.Title, s.SQL); err != nil {
				return err
			}
		}
		return nil
	})
}

func (a *app) runSchemaApply(ctx context.Context, s *session.Session) error {
	st, err := s.Open(ctx, store.Config{})
	if err != nil {
		return err
	}
	applied, err := st.Apply(ctx)
	if err != nil {
		return err
	}
	s.Record(ctx, st)
	return a.show(struct {
		Store   string   `json:"store"`
		Applied []string `json:"applied"`
	}{st.Name(), applied}, func(w io.Writer) error {
		for _, name := range applied {
			if _, err := fmt.Fprintf(w, "applied %s\n", plain.Text(name)); err != nil {
				return err
			}
		}
		_, err := fmt.Fprintf(w, "%s has the schema\n", plain.Text(st.Name()))
		return err
	})
}
