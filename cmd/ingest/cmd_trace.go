package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rawlogs/internal/session"
	"rawlogs/internal/store"
	"rawlogs/internal/trace"
)

// TraceOptions are the flags of `ingest trace`.
type TraceOptions struct {
	ClickID, IP, Device string
	Limit               int
	Everywhere          bool
}

// AddFlags adds them to f.
func (o *TraceOptions) AddFlags(f *pflag.FlagSet) {
	f.StringVar(&o.ClickID, "affiliate-click-id", "", "look for the click id of an affiliate's own system")
	f.StringVar(&o.IP, "ip", "", "look for an address, of a click or a conversion")
	f.StringVar(&o.Device, "device-id", "", "look for an id of a device or its user, in every column for one")
	f.IntVar(&o.Limit, "limit", 20, "show so many transactions at most, the latest")
	f.BoolVar(&o.Everywhere, "everywhere", false, "look at all clicks and impressions, not only around the conversions")
}

func newTrace(a *app) *cobra.Command {
	var o TraceOptions
	cmd := &cobra.Command{
		Use:   "trace [ID] [PERIOD…] [flags]",
		Short: "show all that is known of a transaction, with files and lines",
		Example: `  ingest trace 102f4e4d8e2b7c1d
  ingest trace --ip 203.0.113.7 20160909 --limit 5
  ingest trace --device-id 6D92078A-8246-4BA4-AE5B-76104861E7DC --json`,
		Long: `It shows impressions, clicks and conversions of the logs, rows of the network's
report of conversions, updates, and what each conversion is worth by now (as
conversions_current has it), for each network that has the id.

Clicks and impressions are looked for where the conversions say: at their offer and
affiliate, in files from two days before the click, or 45 before the conversion, on.
A click that is not there is looked for everywhere. With periods, only files of these
are looked at. The answer says where it looked and what it left out: transactions
above --limit, and rows above 1,000 of a kind. In --json, fields that are empty or 0
are left out.

` + exits(exitDone, exitFailed, exitUsage, exitInterrupted),
		RunE: func(cmd *cobra.Command, args []string) error {
			q, err := o.question(args)
			if err != nil {
				return err
			}
			if f := cmd.Flags().Lookup("network"); f.Changed {
				q.Network = f.Value.String()
			}
			return a.onStore(cmd, func(ctx context.Context, s *session.Session) error {
				return a.runTrace(ctx, s, q)
			})
		},
	}
	o.AddFlags(cmd.Flags())
	return cmd
}

// question is what the command line asks for.
func (o TraceOptions) question(args []string) (trace.Question, error) {
	q := trace.Question{Limit: o.Limit, Everywhere: o.Everywhere}
	for by, value := range map[trace.By]string{trace.AffiliateClick: o.ClickID, trace.Address: o.IP, trace.Device: o.Device} {
		switch {
		case value == "":
		case q.By != "":
			return q, &usageError{err: errors.New("ingest trace: want one of --affiliate-click-id, --ip and --device-id")}
		default:
			q.By, q.Value = by, value
		}
	}
	if q.By == "" {
		if len(args) == 0 || args[0] == "" {
			return q, &usageError{err: errors.New("ingest trace: want the id of a transaction, or one of --affiliate-click-id, --ip and --device-id")}
		}
		q.By, q.Value, args = trace.Transaction, args[0], args[1:]
	}
	if q.By == trace.Address {
		addr, err := netip.ParseAddr(q.Value)
		if err != nil {
			return q, &usageError{err: fmt.Errorf("--ip %q: want an address, such as 203.0.113.7 or 2001:db8::1", q.Value)}
		}
		q.Value = addr.WithZone("").Unmap().String()
	}
	if q.Limit < 1 || q.Limit > trace.MaxRows {
		return q, &usageError{err: fmt.Errorf("--limit %d: want 1 to %d", q.Limit, trace.MaxRows)}
	}
	var err error
	q.Periods, err = parsePeriods(args)
	return q, err
}

func (a *app) runTrace(ctx context.Context, s *session.Session, q trace.Question) error {
	st, err := s.Open(ctx, store.Config{Existing: true, Reader: true})
	if err != nil {
		return err
	}
	t, err := trace.Ask(ctx, st, q)
	if err != nil {
		return err
	}
	return a.show(t, t.Print)
}
