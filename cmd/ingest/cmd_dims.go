package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rawlogs/internal/apicall"
	"rawlogs/internal/dims"
	"rawlogs/internal/session"
)

// DimsOptions are the flags of `ingest dims`.
type DimsOptions struct {
	Only     []string
	Filters  []string
	PageSize int
}

// AddFlags adds them to f.
func (o *DimsOptions) AddFlags(f *pflag.FlagSet) {
	f.StringSliceVar(&o.Only, "only", nil, "refresh these: "+strings.Join(dims.Names(), ",")+" (default all)")
	f.StringArrayVar(&o.Filters, "filter", nil, "read only rows that match, such as 'id>100' or 'status=active'; may be repeated")
	f.IntVar(&o.PageSize, "page-size", 500, "rows a call")
}

func newDims(a *app) *cobra.Command {
	var o DimsOptions
	cmd := &cobra.Command{
		Use:   "dims [flags]",
		Short: "refresh the names behind the ids: offers, affiliates, countries …",
		Example: `  ingest dims
  ingest dims --only offers,goals
  ingest dims --only offers --filter 'id>1000' --filter 'status=active'
  ingest sql "SELECT dictGet('offers', 'name', (network, offer_id)) AS offer, count() FROM clicks GROUP BY offer"`,
		Long: `A changed row becomes a new version in its dim_* table; one that the API no longer
lists, a deleted version. The dim_*_current views and the dictionaries (offers,
affiliates …; key: network, id) show the present state. An interrupted refresh
continues where it stopped.

` + exits(exitDone, exitFailed, exitUsage, exitIncomplete, exitHeld, exitInterrupted),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			opts, err := o.parse()
			if err != nil {
				return err
			}
			return a.eachNetwork(cmd, func(ctx context.Context, s *session.Session) error {
				return a.runDims(ctx, s, opts)
			})
		},
	}
	o.AddFlags(cmd.Flags())
	return cmd
}

func (o *DimsOptions) parse() (dims.Options, error) {
	var opts dims.Options
	var err error
	if opts.Entities, err = dims.Pick(o.Only); err != nil {
		return opts, &usageError{err: fmt.Errorf("--only: %w", err)}
	}
	if o.PageSize < 1 || o.PageSize > 10_000 {
		return opts, &usageError{err: fmt.Errorf("--page-size %d: want 1 to 10000", o.PageSize)}
	}
	opts.PageSize = o.PageSize
	if opts.Filters, err = apicall.ParseFilters(o.Filters); err != nil {
		return opts, &usageError{err: err}
	}
	if err := dims.CheckFilters(opts.Filters, opts.Entities); err != nil {
		return opts, &usageError{err: fmt.Errorf("--filter: %w", err)}
	}
	return opts, nil
}

func (a *app) runDims(ctx context.Context, s *session.Session, o dims.Options) error {
	if err := s.Prepare(ctx); err != nil {
		return err
	}
	names, err := s.Dims(ctx, o)
	if perr := a.show(names, names.Print); err == nil {
		err = perr
	}
	return err
}
