package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/reconcile"
	"rawlogs/internal/session"
	"rawlogs/internal/term"
)

// exitDiffers reports that totals differ by more than the tolerance.
const exitDiffers = 6

// differsError reports that reconcile found differences beyond the tolerance.
type differsError struct{ lines int }

func (e *differsError) Error() string {
	return fmt.Sprintf("the store and the network differ beyond the tolerance in %s", term.Plural(e.lines, "line"))
}

// ReconcileOptions are the flags of `ingest reconcile`.
type ReconcileOptions struct {
	reconcile.Words
	Types typesFlag
}

// AddFlags adds them to f.
func (o *ReconcileOptions) AddFlags(f *pflag.FlagSet) {
	o.Types.addTo(f)
	f.StringVar(&o.By, "by", "day", "compare by day, hour or offer")
	o.addShared(f)
}

// addShared adds the flags that `ingest run --reconcile` has too.
func (o *ReconcileOptions) addShared(f *pflag.FlagSet) {
	f.StringVar(&o.Tolerance, "tolerance", "0", "allowed difference, in rows (25) or percent (0.1%)")
	f.StringVar(&o.ReportZone, "report-zone", "", "zone of the network's days (default that of the logs, --timezone)")
	f.String("not-counted", "", "words of access_control_decision whose rows the network does not count, none, or learn (HASOFFERS_NOT_COUNTED; default learn)")
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
impressions with Stat.impressions, in the network's days, and names the most
likely cause of each difference. -v also prints the lines that agree. Hours whose
files are not due yet are listed and don't count as differences.

` + exits(exitDone, exitFailed, exitUsage, exitDiffers, exitInterrupted),
		Args: someArgs("a period"),
		RunE: aboutPeriods(a.eachNetwork, func(ctx context.Context, s *session.Session, periods []rawlog.Period) error {
			return a.runReconcile(ctx, s, o, periods)
		}),
	}
	o.AddFlags(cmd.Flags())
	return cmd
}

// config reads the flags; the session knows the rest. Where there is only the report of
// conversions, there is nothing of other types to compare.
func (o ReconcileOptions) config(reportOnly bool) (reconcile.Config, error) {
	c, err := o.Config()
	if err != nil {
		return c, &usageError{err: err}
	}
	c.Types = o.Types.list()
	if others := slices.DeleteFunc(slices.Clone(o.Types), func(t rawlog.Type) bool { return t == rawlog.Conversions }); reportOnly && len(others) > 0 {
		return c, &usageError{
			err:  fmt.Errorf("--type %s: cannot be compared: with conversions_report: only, the store gets conversions and no others", typeWords(others)),
			hint: "leave out --type; clicks and impressions are compared where raw logs are loaded",
		}
	}
	return c, nil
}

func (a *app) runReconcile(ctx context.Context, s *session.Session, o ReconcileOptions, periods []rawlog.Period) error {
	c, err := o.config(s.Config.ReportOnly)
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
	err = a.show(struct {
		Network string              `json:"network"`
		Beyond  int                 `json:"beyond"`
		Reports []*reconcile.Report `json:"reports"`
	}{s.Config.Network, beyond, reports}, func(w io.Writer) error {
		for _, r := range reports {
			if failed := r.Print(w, a.verbose); failed != nil {
				return failed
			}
		}
		return nil
	})
	if err == nil && beyond > 0 {
		err = &differsError{lines: beyond}
	}
	return err
}
