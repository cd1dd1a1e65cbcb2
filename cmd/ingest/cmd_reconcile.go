package main

import (
	"context"
	"fmt"
	"io"
	"math/big"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rawlogs/internal/plain"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/reconcile"
	"rawlogs/internal/session"
	"rawlogs/internal/term"
)

// exitDiffers tells that totals differ by more than the tolerance.
const exitDiffers = 6

// differsError tells that reconcile found differences beyond the tolerance.
type differsError struct{ lines int }

func (e *differsError) Error() string {
	return fmt.Sprintf("the store and the network differ beyond the tolerance in %s", term.Plural(e.lines, "line"))
}

// ReconcileOptions are the flags of `ingest reconcile`.
type ReconcileOptions struct {
	Types       typesFlag
	By          string
	Tolerance   string
	ReportZone  string
	Conversions string
}

// AddFlags adds them to f.
func (o *ReconcileOptions) AddFlags(f *pflag.FlagSet) {
	o.Types.addTo(f)
	f.StringVar(&o.By, "by", "day", "compare by day, hour or offer")
	o.addShared(f)
}

// addShared adds the flags that `ingest run --reconcile` has too.
func (o *ReconcileOptions) addShared(f *pflag.FlagSet) {
	f.StringVar(&o.Tolerance, "tolerance", "0", "difference that is no difference: rows (25) or a share of a line (0.1%)")
	f.StringVar(&o.ReportZone, "report-zone", "", "zone of the network's days (default that of the logs, --timezone)")
	f.StringVar(&o.Conversions, "conversions", "approved", "conversions that the network counts: approved or all")
}

func newReconcile(a *app) *cobra.Command {
	var o ReconcileOptions
	cmd := &cobra.Command{
		Use:   "reconcile PERIOD… [flags]",
		Short: "compare the rows in the store with the network's own totals",
		Example: `  ingest reconcile 201609
  ingest reconcile 20160909 --by hour --type clicks
  ingest reconcile 2016 --tolerance 0.1% --report-zone Europe/Prague --json`,
		Long: `Compares clicks with Stat.gross_clicks, conversions with Stat.conversions and
impressions with Stat.impressions, in the network's days, and says of each
difference what most likely made it. -v prints the lines that agree, too. Hours
whose files are not due yet are told and are no difference.

` + exits(exitDone, exitFailed, exitUsage, exitDiffers, exitInterrupted),
		Args: someArgs("a period"),
		RunE: func(cmd *cobra.Command, args []string) error {
			periods, err := parsePeriods(args)
			if err != nil {
				return err
			}
			return a.eachNetwork(cmd, func(ctx context.Context, s *session.Session) error {
				return a.runReconcile(ctx, s, o, periods)
			})
		},
	}
	o.AddFlags(cmd.Flags())
	return cmd
}

// config reads the flags; the session knows the rest.
func (o ReconcileOptions) config() (reconcile.Config, error) {
	c := reconcile.Config{Types: o.Types.list()}
	var err error
	if c.By, err = reconcile.ParseBy(o.By); err != nil {
		return c, &usageError{err: err}
	}
	if c.Tolerance, err = reconcile.ParseTolerance(o.Tolerance); err != nil {
		return c, &usageError{err: err}
	}
	if o.ReportZone != "" {
		if c.Zone, err = time.LoadLocation(o.ReportZone); err != nil || o.ReportZone == "Local" {
			return c, &usageError{err: fmt.Errorf("--report-zone: unknown zone %q: want an IANA name such as UTC or Europe/Prague", o.ReportZone)}
		}
	}
	switch o.Conversions {
	case "", "approved":
	case "all":
		c.AllConversions = true
	default:
		return c, &usageError{err: fmt.Errorf("--conversions %q: want approved or all", o.Conversions)}
	}
	return c, nil
}

func (a *app) runReconcile(ctx context.Context, s *session.Session, o ReconcileOptions, periods []rawlog.Period) error {
	c, err := o.config()
	if err != nil {
		return err
	}
	reports, err := s.Reconcile(ctx, c, periods)
	if err != nil {
		return err
	}
	beyond := 0
	for _, r := range reports {
		beyond += r.Beyond()
	}
	if a.json {
		err = term.JSON(a.stdout, struct {
			Network string              `json:"network"`
			Beyond  int                 `json:"beyond"`
			Reports []*reconcile.Report `json:"reports"`
		}{s.Config.Network, beyond, reports})
	} else {
		for _, r := range reports {
			if err = printReconciled(a.stdout, r, a.verbose); err != nil {
				break
			}
		}
	}
	if err == nil && beyond > 0 {
		err = &differsError{lines: beyond}
	}
	return err
}

// printReconciled prints the lines that differ as a table, the evidence under
// it, and a line for each type.
func printReconciled(w io.Writer, r *reconcile.Report, all bool) error {
	header := []string{"type", "day"}
	if r.By != reconcile.Day {
		header = append(header, string(r.By))
	}
	first := len(header)
	header = append(header, "store", "network", "difference", "share", "probable reason")
	var rows [][]string
	var evidence []string
	for _, l := range r.Lines {
		if l.Difference == 0 && !all {
			continue
		}
		row := []string{string(l.Type), l.Day}
		if l.Hour != nil {
			row = append(row, fmt.Sprintf("%02d:00", *l.Hour))
		}
		if l.Offer != nil {
			row = append(row, fmt.Sprint(*l.Offer))
		}
		rows = append(rows, append(row, term.Count(l.Store), term.Count(l.Network), signed(l.Difference), share(l), kinds(l)))
		evidence = append(evidence, evidenceOf(l, row)...)
	}
	if len(rows) > 0 {
		if err := term.Table(w, header, func(i int) bool { return i >= first && i < first+4 }, rows); err != nil {
			return err
		}
	}
	for _, line := range evidence {
		if _, err := fmt.Fprintf(w, "  %s\n", plain.Text(line)); err != nil {
			return err
		}
	}
	for _, t := range r.Totals {
		verdict := "agree"
		if t.Difference != 0 || t.Agree != t.Lines {
			verdict = fmt.Sprintf("difference %s; %d of %s agree, %d beyond the tolerance", signed(t.Difference), t.Agree, term.Plural(t.Lines, string(r.By)), t.Beyond)
			if t.Open > 0 {
				verdict += fmt.Sprintf(", %d not due yet", t.Open)
			}
		}
		if _, err := fmt.Fprintf(w, "%s %s..%s (%s): store %s, network %s: %s\n", t.Type, r.From, r.To, r.Zone, term.Count(t.Store), term.Count(t.Network), verdict); err != nil {
			return err
		}
	}
	return nil
}

func signed(n int64) string {
	if n > 0 {
		return "+" + term.Count(n)
	}
	return term.Count(n)
}

// share is a difference in hundredths of what the network says.
func share(l reconcile.Line) string {
	switch {
	case l.Difference == 0:
		return ""
	case l.Network == 0:
		return "–"
	}
	return new(big.Rat).Mul(big.NewRat(l.Difference, l.Network), big.NewRat(100, 1)).FloatString(2) + "%"
}

func kinds(l reconcile.Line) string {
	var words []string
	for _, c := range l.Reasons {
		words = append(words, string(c.Kind))
	}
	if l.Within && l.Difference != 0 {
		words = append(words, "(within the tolerance)")
	}
	return strings.Join(words, ", ")
}

// evidenceOf says what shows each reason of a line.
func evidenceOf(l reconcile.Line, row []string) []string {
	var lines []string
	for _, c := range l.Reasons {
		count := ""
		if c.Rows != 0 {
			count = " " + signed(c.Rows)
		}
		lines = append(lines, fmt.Sprintf("%s: %s%s: %s", strings.Join(row, " "), c.Kind, count, c.Text))
	}
	return lines
}
