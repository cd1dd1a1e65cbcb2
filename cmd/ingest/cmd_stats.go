package main

import (
	"context"
	"math"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rawlogs/internal/config"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/report"
	"rawlogs/internal/session"
	"rawlogs/internal/sqlout"
	"rawlogs/internal/store"
)

// StatsOptions are the flags of `ingest stats`.
type StatsOptions struct {
	report.Words
	Totals bool
	DryRun bool
}

// AddFlags adds them to f.
func (o *StatsOptions) AddFlags(f *pflag.FlagSet) {
	f.StringSliceVar(&o.Fields, "field", nil, "figures to request: Stat.clicks,… (default impressions, clicks, conversions, payout, revenue)")
	f.StringSliceVar(&o.Groups, "group", nil, "group by these besides the day: Stat.offer_id,…")
	f.StringArrayVar(&o.Filters, "filter", nil, "FIELD OPERATOR VALUES, e.g. 'Stat.payout>0'; may be repeated")
	f.IntVar(&o.HourOffset, "hour-offset", 0, "hours by which the network shifts its days")
	f.StringVar(&o.Currency, "currency", "", "currency of the amounts, e.g. EUR (default the network's)")
	f.BoolVar(&o.Totals, "totals", false, "also request the network's own totals")
	f.StringVar(&o.As, "as", "", "whose report: network, affiliate or advertiser (default by the sign-in)")
	f.BoolVar(&o.AnyField, "any-field", false, "accept field names that ingest does not know")
	f.BoolVar(&o.DryRun, "dry-run", false, "fetch and print, store nothing")
}

func newStats(a *app) *cobra.Command {
	var o StatsOptions
	cmd := &cobra.Command{
		Use:   "stats PERIOD… [flags]",
		Short: "fetch the network's own report into report_stats",
		Example: `  ingest stats 201609 --field Stat.clicks,Stat.payout --group Stat.offer_id
  ingest stats 20160909 --group Stat.hour --filter 'Stat.country_code=CZ,SK' --filter 'Stat.payout>0'
  ingest stats 2016 --as affiliate --totals --json`,
		Long: `Answers are stored by question and day: asking again replaces those days exactly. Days
are the network's. Long periods are requested in parts, and in smaller ones if the
network times out.
Operators: = != < <= > >= ~ !~ or EQUAL_TO, NOT_EQUAL_TO, LESS_THAN, …, BETWEEN,
LIKE, NOT_LIKE, NULL, NOT_NULL. Several values: a,b. One filter per field.

` + exits(exitDone, exitFailed, exitUsage, exitInterrupted),
		Args: someArgs("a period"),
		RunE: aboutPeriods(a.eachNetwork, func(ctx context.Context, s *session.Session, periods []rawlog.Period) error {
			return a.runStats(ctx, s, o, periods)
		}),
	}
	o.AddFlags(cmd.Flags())
	return cmd
}

func (a *app) runStats(ctx context.Context, s *session.Session, o StatsOptions, periods []rawlog.Period) error {
	if o.As == "" && s.Config.SignIn.Way() == config.APIKey {
		o.As = strings.ToLower(s.Config.SignIn.Side) // the report that the sign-in may ask for
	}
	q, err := o.Question()
	if err != nil {
		return &usageError{err: err, hint: hintOf(err)}
	}
	client, err := s.API()
	if err != nil {
		return err
	}
	var keep func(report.Answer) error
	if !o.DryRun {
		var st *store.Store
		if st, err = s.Store(ctx); err != nil {
			return err
		}
		kept := report.Open(st, s.Config.Network)
		keep = func(answer report.Answer) error { return kept.Put(ctx, q, answer) }
	}
	most := sqlout.MaxTableRows
	if a.json {
		most = math.MaxInt
	}
	asker := report.New(client, report.Config{Totals: o.Totals, Log: a.log})
	out, err := asker.Gather(ctx, s.Config.Network, q, periods, most, keep)
	if err != nil {
		return err
	}
	return a.show(out, out.Print)
}
