package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rawlogs/internal/plain"
	"rawlogs/internal/privacy"
	"rawlogs/internal/session"
	"rawlogs/internal/summary"
	"rawlogs/internal/term"
)

// ForgetOptions are the flags of `ingest forget`.
type ForgetOptions struct {
	Device, Address, Transaction, User []string
	From                               string
	Yes, DryRun                        bool
}

// AddFlags adds them to f.
func (o *ForgetOptions) AddFlags(f *pflag.FlagSet) {
	f.StringArrayVar(&o.Device, "device-id", nil, "forget a device, by any of its ids; its MD5 and SHA-1 are looked for, too")
	f.StringArrayVar(&o.Address, "ip", nil, "forget an address")
	f.StringArrayVar(&o.Transaction, "transaction", nil, "forget a transaction, by its id")
	f.StringArrayVar(&o.User, "user-id", nil, "forget a user, by an id that affiliates or advertisers passed")
	f.StringVar(&o.From, "from", "", "read them from a CSV file, - for the standard input: shells and lists of processes show what stands in a command line")
	f.BoolVar(&o.Yes, "yes", false, "do not ask")
	f.BoolVar(&o.DryRun, "dry-run", false, "count what would be deleted, and change nothing")
}

func newForget(a *app) *cobra.Command {
	var o ForgetOptions
	cmd := &cobra.Command{
		Use:   "forget [flags]",
		Short: "delete all rows of a person, and keep them out of later loads",
		Example: `  ingest forget --from request.csv --dry-run
  ingest forget --from request.csv
  ingest forget --device-id 6D92078A-8246-4BA4-AE5B-76104861E7DC --ip 203.0.113.7 --yes`,
		Long: `It looks for the values in clicks, conversions, impressions, the report of conversions,
updates, kept answers of reports and rejected lines of every network of the settings (or
of --network), deletes the rows, counts that none is left, and makes the deletion
physical. A receipt, a keyed hash of each value, keeps them out of every later load,
reload and update. It needs the privacy key (privacy_key_file).

An address, or a value of 12 characters that are not only digits, is found wherever it is
a whole text or stands in a link. Anything shorter is found where a column, a header or a
parameter says what it is, such as user_id.

The file has a header of device_id, ip, transaction_id, user_id or the names of the
network's own requests. If anything in it cannot be read, nothing is done.

If it is interrupted, run it again with the same values. docs/privacy.md says what it
cannot reach: backups, the source, ClickHouse's own logs.

` + exits(exitDone, exitFailed, exitUsage, exitHeld, exitInterrupted),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			people, err := o.people(cmd.InOrStdin())
			if err != nil {
				return err
			}
			all, err := a.configureAll(cmd)
			if err != nil {
				return err
			}
			var names []string
			for _, cfg := range all {
				if err := cfg.Privacy.CanForget(); err != nil {
					return &usageError{err: err}
				}
				names = append(names, plain.Text(cfg.Network))
			}
			if !o.Yes && !o.DryRun {
				if err := a.confirmForget(len(people), names); err != nil {
					return err
				}
			}
			ctx, cancel := a.signals.Until(cmd.Context())
			defer cancel()
			return a.each(ctx, cmd, all, func(ctx context.Context, s *session.Session) error { return a.runForget(ctx, s, people, o.DryRun) })
		},
	}
	o.AddFlags(cmd.Flags())
	return cmd
}

// people are those that the flags name. No error holds a value.
func (o ForgetOptions) people(stdin io.Reader) ([]privacy.Person, error) {
	var people []privacy.Person
	for _, f := range []struct {
		flag   string
		kind   privacy.Kind
		values []string
	}{
		{"--device-id", privacy.Device, o.Device}, {"--ip", privacy.Address, o.Address},
		{"--transaction", privacy.Transaction, o.Transaction}, {"--user-id", privacy.User, o.User},
	} {
		for _, value := range f.values {
			person, err := privacy.NewPerson(f.kind, value)
			if err != nil {
				return nil, &usageError{err: fmt.Errorf("%s: %w", f.flag, err)}
			}
			people = append(people, person)
		}
	}
	if o.From == "" {
		if len(people) == 0 {
			return nil, &usageError{err: errors.New("ingest forget: want --device-id, --ip, --transaction, --user-id or --from")}
		}
		return people, nil
	}
	name, in := "standard input", stdin
	if o.From != "-" {
		f, err := os.Open(o.From)
		if err != nil {
			return nil, &usageError{err: err}
		}
		defer func() { _ = f.Close() }() // it was only read
		name, in = filepath.Base(o.From), f
	}
	listed, err := privacy.ReadRequest(in)
	if err != nil {
		return nil, &usageError{err: fmt.Errorf("%s: %w; nothing was done", plain.Name(name), err)}
	}
	return append(people, listed...), nil
}

// confirmForget asks before people are forgotten.
func (a *app) confirmForget(values int, networks []string) error {
	return a.agree("ingest forget deletes rows for good, and there is no terminal to ask for confirmation", sayYes+", or --dry-run to count",
		fmt.Sprintf("Delete all rows with any of %s of network %s for good, and keep them out of later loads? [y/N] ",
			term.Plural(values, "value"), cmp.Or(strings.Join(networks, ", "), "(none)")))
}

func (a *app) runForget(ctx context.Context, s *session.Session, people []privacy.Person, dryRun bool) error {
	out, err := s.Forget(ctx, people, dryRun)
	if err != nil {
		return err
	}
	return a.show(out, summary.PrintForgotten(out))
}
