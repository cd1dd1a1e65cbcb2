package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rawlogs/internal/config"
	"rawlogs/internal/plain"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/report"
	"rawlogs/internal/session"
	"rawlogs/internal/sqlout"
	"rawlogs/internal/term"
)

// StatsOptions are the flags of `ingest stats`.
type StatsOptions struct {
	Fields     []string
	Groups     []string
	Filters    []string
	HourOffset int
	Currency   string
	Totals     bool
	As         string
	AnyField   bool
	DryRun     bool
}

// AddFlags adds them to f.
func (o *StatsOptions) AddFlags(f *pflag.FlagSet) {
	f.StringSliceVar(&o.Fields, "field", nil, "figures to ask for: Stat.clicks,… (default impressions, clicks, conversions, payout, revenue)")
	f.StringSliceVar(&o.Groups, "group", nil, "what to tell apart beside the days: Stat.offer_id,…")
	f.StringArrayVar(&o.Filters, "filter", nil, "FIELD OPERATOR VALUES, e.g. 'Stat.payout>0'; may be repeated")
	f.IntVar(&o.HourOffset, "hour-offset", 0, "hours by which the network shifts its days")
	f.StringVar(&o.Currency, "currency", "", "currency of the amounts, e.g. EUR (default the network's)")
	f.BoolVar(&o.Totals, "totals", false, "ask for the network's own totals too")
	f.StringVar(&o.As, "as", "", "whose report: network, affiliate or advertiser (default by the sign-in)")
	f.BoolVar(&o.AnyField, "any-field", false, "let names of fields through that ingest does not know")
	f.BoolVar(&o.DryRun, "dry-run", false, "ask and print, keep nothing")
}

func newStats(a *app) *cobra.Command {
	var o StatsOptions
	cmd := &cobra.Command{
		Use:   "stats PERIOD… [flags]",
		Short: "ask for the network's own report and keep it in report_stats",
		Example: `  ingest stats 201609 --field Stat.clicks,Stat.payout --group Stat.offer_id
  ingest stats 20160909 --group Stat.hour --filter 'Stat.country_code=CZ,SK' --filter 'Stat.payout>0'
  ingest stats 2016 --as affiliate --totals --json`,
		Long: `Answers are kept by question and day: asking again replaces those days exactly. Days
are the network's. Long periods are asked for in parts, and in smaller ones where
the network does not answer in time.
Operators: = != < <= > >= ~ !~ or EQUAL_TO, NOT_EQUAL_TO, LESS_THAN, …, BETWEEN,
LIKE, NOT_LIKE, NULL, NOT_NULL. Several values: a,b. One filter a field.

` + exits(exitDone, exitFailed, exitUsage, exitInterrupted),
		Args: someArgs("a period"),
		RunE: func(cmd *cobra.Command, args []string) error {
			periods, err := parsePeriods(args)
			if err != nil {
				return err
			}
			return a.eachNetwork(cmd, func(ctx context.Context, s *session.Session) error {
				return a.runStats(ctx, s, o, periods)
			})
		},
	}
	o.AddFlags(cmd.Flags())
	return cmd
}

// question reads the flags; cfg decides who asks where they do not.
func (o StatsOptions) question(cfg *config.Config) (report.Question, error) {
	who := o.As
	if who == "" && cfg.SignIn.Way() == config.APIKey {
		who = strings.ToLower(cfg.SignIn.Side)
	}
	as, err := report.ParseAs(who)
	if err != nil {
		return report.Question{}, statsUsage(err)
	}
	q := report.Question{As: as, Fields: o.Fields, Groups: o.Groups, HourOffset: o.HourOffset, Currency: o.Currency, AnyField: o.AnyField}
	for _, text := range o.Filters {
		f, err := report.ParseFilter(text)
		if err != nil {
			return q, statsUsage(err)
		}
		q.Filters = append(q.Filters, f)
	}
	if q, err = q.Prepare(); err != nil {
		return q, statsUsage(err)
	}
	return q, nil
}

// statsUsage is a usage error that lists what exists.
func statsUsage(err error) error {
	usage := &usageError{err: err}
	var unknown *report.UnknownError
	if errors.As(err, &unknown) {
		usage.hint = unknown.Hint()
	}
	return usage
}

// statsResult is what `ingest stats` tells. Its JSON names are a promise.
type statsResult struct {
	Network  string            `json:"network"`
	Question string            `json:"question"`
	Text     string            `json:"text"`
	Days     int               `json:"days"`
	Calls    int               `json:"calls"`
	Kept     bool              `json:"kept"`
	Rows     []report.Row      `json:"rows"`
	Count    int               `json:"count"`
	Totals   map[string]string `json:"totals,omitempty"`
}

func (a *app) runStats(ctx context.Context, s *session.Session, o StatsOptions, periods []rawlog.Period) error {
	q, err := o.question(s.Config)
	if err != nil {
		return err
	}
	client, err := s.API()
	if err != nil {
		return err
	}
	keep := func(report.Answer) error { return nil }
	if !o.DryRun {
		st, err := s.Store(ctx)
		if err != nil {
			return err
		}
		kept := report.Open(st, s.Config.Network)
		keep = func(answer report.Answer) error { return kept.Put(ctx, q, answer) }
	}
	out := statsResult{Network: s.Config.Network, Question: q.ID(), Text: q.Text(), Kept: !o.DryRun, Rows: []report.Row{}}
	totals := map[string]report.Decimal{}
	asker := report.New(client, report.Config{Totals: o.Totals, Log: a.log})
	for _, p := range periods {
		err := asker.Ask(ctx, q, p, func(answer report.Answer) error {
			out.Calls += answer.Calls
			out.Count += len(answer.Rows)
			out.Days += int(answer.To.Sub(answer.From).Hours() / 24)
			shown := answer.Rows
			if room := sqlout.MaxTableRows - len(out.Rows); !a.json && len(shown) > room {
				shown = shown[:room] // the first ones, without a hole
			}
			out.Rows = append(out.Rows, shown...)
			for name, v := range answer.Totals {
				totals[name] = totals[name].Add(v)
			}
			return keep(answer)
		})
		if err != nil {
			return err
		}
	}
	if o.Totals {
		out.Totals = map[string]string{}
		for name, v := range totals {
			out.Totals[name] = v.String()
		}
	}
	return a.printStats(q, out)
}

func (a *app) printStats(q report.Question, out statsResult) error {
	if a.json {
		return term.JSON(a.stdout, out)
	}
	header := slices.Concat(q.Groups, q.Fields)
	var rows [][]string
	for _, r := range out.Rows {
		cells := make([]string, len(header))
		for i, name := range header {
			cells[i] = r[name]
		}
		rows = append(rows, cells)
	}
	if len(rows) > 0 {
		numeric := func(i int) bool { return i >= len(q.Groups) }
		if err := term.Table(a.stdout, header, numeric, rows); err != nil {
			return err
		}
	}
	var lines []string
	if rest := out.Count - len(out.Rows); rest > 0 {
		lines = append(lines, fmt.Sprintf("… and %s more rows; --json prints all", term.Count(rest)))
	}
	for _, name := range slices.Sorted(maps.Keys(out.Totals)) {
		lines = append(lines, fmt.Sprintf("total %s: %s", name, out.Totals[name]))
	}
	what := "nothing kept (--dry-run)"
	if out.Kept {
		what = "kept in report_stats as question " + out.Question
	}
	lines = append(lines, fmt.Sprintf("%s of %s by %s: %s", term.Plural(out.Count, "row"), term.Plural(out.Days, "day"), term.Plural(out.Calls, "call"), what))
	for _, line := range lines {
		if _, err := fmt.Fprintln(a.stdout, plain.Text(line)); err != nil {
			return err
		}
	}
	return nil
}
