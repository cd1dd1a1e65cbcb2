package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"rawlogs/internal/version"
)

func newVersion(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "print the version",
		Example: "  ingest version --json",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			v := version.Get()
			return a.show(v, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "ingest %s\n", v)
				return err
			})
		},
	}
}
