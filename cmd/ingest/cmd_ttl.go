package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"rawlogs/internal/pipeline"
	"rawlogs/internal/plain"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/session"
	"rawlogs/internal/summary"
	"rawlogs/internal/term"
)

// TTLOptions are what `ingest schema ttl` is asked.
type TTLOptions struct {
	Types  lookFlag
	Months *int // nil: show how it is
	DryRun bool
	Yes    bool
}

func newSchemaTTL(a *app) *cobra.Command {
	var o TTLOptions
	cmd := &cobra.Command{
		Use:   "ttl [TYPE[,TYPE…] ['N months'|forever]]",
		Short: "show or set for how many months files are kept; older months are dropped",
		Example: `  ingest schema ttl
  ingest schema ttl clicks '13 months' --dry-run
  ingest schema ttl clicks,impressions '13 months'
  ingest schema ttl clicks forever`,
		Long: `The store keeps the present month of the network and the N before it, in UTC, by
the hour in a file's name. What is older is dropped now, and from then on at the end
of every run of the network that is not a share of one (--worker). Its files are
expired: no run loads them, and none misses them. With a longer time, backfill loads
what the source still has.

It asks before it keeps less than before, or drops anything; --yes confirms.

` + exits(exitDone, exitFailed, exitUsage, exitHeld, exitInterrupted),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.read(args); err != nil {
				return err
			}
			return a.eachSource(cmd, func(ctx context.Context, s *session.Session) error { return a.runSchemaTTL(ctx, s, o) })
		},
	}
	cmd.Flags().BoolVar(&o.DryRun, "dry-run", false, "show what would be dropped and change nothing")
	cmd.Flags().BoolVar(&o.Yes, "yes", false, "don't ask")
	return cmd
}

func (o *TTLOptions) read(args []string) error {
	if len(args) > 2 {
		return &usageError{err: fmt.Errorf("ingest schema ttl: %q is one word too many: want types and a time such as '13 months', in quotes", args[2])}
	}
	if len(args) > 0 {
		if err := o.Types.Set(args[0]); err != nil {
			return &usageError{err: err}
		}
	}
	if len(args) > 1 {
		months, err := rawlog.ParseLifetime(args[1])
		if err != nil {
			return &usageError{err: err}
		}
		o.Months = &months
	}
	return nil
}

// lifetimes are for how long files are kept, and what goes by it. Its JSON names are a promise.
type lifetimes struct {
	Network string            `json:"network"`
	DryRun  bool              `json:"dry_run"`
	Types   []lifetime        `json:"types"`
	Dropped []summary.Dropped `json:"dropped"`
}

type lifetime struct {
	Type   string            `json:"type"`
	Months int               `json:"months"` // 0: for ever
	Kept   string            `json:"kept"`   // 13 months, or forever
	Since  string            `json:"since"`  // first day that is kept; "": all are
	Over   []summary.Dropped `json:"over"`   // months that are over and have rows, or open files
	Doubt  string            `json:"doubt,omitempty"`
}

func (a *app) runSchemaTTL(ctx context.Context, s *session.Session, o TTLOptions) error {
	st, err := s.Look(ctx)
	if err != nil {
		return err
	}
	opts := pipeline.Options{Network: s.Config.Network, Types: o.Types.list(), Log: s.Log}
	lives := rawlog.Lifetimes{}
	for _, t := range opts.Types {
		if o.Months != nil {
			lives[t] = *o.Months
		}
	}
	found, err := pipeline.Lifetimes(ctx, st, opts, lives)
	if err != nil {
		return err
	}
	out := lifetimes{Network: s.Config.Network, DryRun: o.DryRun, Types: []lifetime{}, Dropped: []summary.Dropped{}}
	for _, l := range found {
		t := lifetime{Type: string(l.Type), Months: l.Months, Kept: rawlog.LifetimeText(l.Months), Over: summary.DescribeDropped(l.Over), Doubt: l.Doubt}
		if !l.Kept.IsZero() {
			t.Since = l.Kept.Format(rawlog.DayLayout)
		}
		out.Types = append(out.Types, t)
	}
	if o.Months != nil && !o.DryRun { //guard:ttl-dry-run
		if err := a.sureOf(found, s.Config.Network, o.Yes); err != nil {
			return err
		}
		sum, err := s.SetLifetimes(ctx, opts, lives)
		out.Dropped = summary.DescribeDropped(sum.Dropped)
		for i := range out.Types {
			out.Types[i].Over, out.Types[i].Doubt = []summary.Dropped{}, ""
		}
		if err != nil {
			return err
		}
	}
	return a.show(out, out.print)
}

// sureOf asks before less is kept than before, or anything is dropped.
func (a *app) sureOf(found []pipeline.Lifetime, network string, yes bool) error {
	var parts []string
	for _, l := range found {
		if l.Apart != "" && len(l.Over) > 0 {
			return fmt.Errorf("nothing is dropped, as %s", l.Apart)
		}
		shorter := l.Months > 0 && (l.Former == 0 || l.Months < l.Former)
		if !shorter && len(l.Over) == 0 { //guard:ttl-asks
			continue
		}
		part := fmt.Sprintf("%s: keep %s", l.Type, rawlog.LifetimeText(l.Months))
		if len(l.Over) > 0 {
			part += fmt.Sprintf(", and drop %s now", overText(summary.DescribeDropped(l.Over)))
		}
		if l.Doubt != "" {
			part += " (a run would not: " + l.Doubt + ")"
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 || yes {
		return nil
	}
	what := fmt.Sprintf("network %s: %s", plain.Text(network), plain.Text(strings.Join(parts, "; ")))
	return a.agree(what+": there is no terminal to ask for confirmation", sayYes, what+"? It cannot be undone [y/N] ")
}

// overText sums up months.
func overText(months []summary.Dropped) string {
	var rows uint64
	var files int
	for _, d := range months {
		rows, files = rows+d.Rows, files+d.Files
	}
	span := months[0].Month
	if n := len(months); n > 1 {
		span += ".." + months[n-1].Month
	}
	return fmt.Sprintf("%s of %s of %s", term.Plural(rows, "row"), term.Plural(files, "file"), span)
}

func (l lifetimes) print(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "network %s\n", plain.Text(l.Network)); err != nil {
		return err
	}
	var rows [][]string
	for _, t := range l.Types {
		over := ""
		if len(t.Over) > 0 {
			over = overText(t.Over)
		}
		rows = append(rows, []string{t.Type, t.Kept, t.Since, over})
	}
	header := []string{"type", "kept", "since", "over"}
	if l.DryRun {
		header[3] = "would drop"
	}
	if err := term.Table(w, header, func(int) bool { return false }, rows); err != nil {
		return err
	}
	for _, d := range l.Dropped {
		if _, err := fmt.Fprintf(w, "dropped %s\n", plain.Text(d.String())); err != nil {
			return err
		}
	}
	for _, t := range l.Types {
		if t.Doubt == "" {
			continue
		}
		if _, err := fmt.Fprintf(w, "a run does not drop %s: %s\n", t.Type, plain.Text(t.Doubt)); err != nil {
			return err
		}
	}
	return nil
}
