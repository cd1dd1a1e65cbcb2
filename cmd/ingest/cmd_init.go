package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rawlogs/internal/config"
	"rawlogs/internal/session"
	"rawlogs/internal/setup"
	"rawlogs/internal/term"
	"rawlogs/internal/unit"
)

// InitOptions are the flags of `ingest init`.
type InitOptions struct {
	SignIn       string
	ClientID     string
	IntegratorID string
	SecretFile   string
	Defaults     bool
	NoTest       bool
	Force        bool
}

// AddFlags adds them to f.
func (o *InitOptions) AddFlags(f *pflag.FlagSet) {
	f.StringVar(&o.SignIn, "sign-in", "", "how to sign in: "+strings.Join(setup.Ways(), ", "))
	f.StringVar(&o.ClientID, "client-id", "", "client id of an integrator (HASOFFERS_CLIENT_ID)")
	f.StringVar(&o.IntegratorID, "integrator-id", "", "integrator id (HASOFFERS_INTEGRATOR_ID)")
	f.StringVar(&o.SecretFile, "secret-file", "", "file that the token, client secret or api_key is in, or is to be kept in (default NETWORK.token beside the configuration)")
	f.BoolVar(&o.Defaults, "defaults", false, "take the default answers without asking")
	f.BoolVar(&o.NoTest, "no-test", false, "write the answers untested")
	f.BoolVar(&o.Force, "force", false, "write over files that are there")
}

func newInit(a *app) *cobra.Command {
	var o InitOptions
	cmd := &cobra.Command{
		Use:   "init [flags]",
		Short: "ask for network, sign-in, source, store and zone, test them, and write ingest.yaml",
		Example: `  ingest init
  ingest init --source /archive/raw-logs --network acme --defaults
  HASOFFERS_NETWORK_TOKEN=NET… ingest init --network acme --secret-file acme.token --defaults
  ingest init --config /etc/ingest/ingest.yaml`,
		Long: `Answers may stand in flags or variables; the rest is asked for, on a terminal. The
token, client secret or api_key is typed unseen, or read from its variable
(HASOFFERS_NETWORK_TOKEN, HASOFFERS_CLIENT_SECRET, HASOFFERS_API_KEY), and kept in a
file of its own. Both files can be read by nobody else (mode 600).

` + exits(exitDone, exitFailed, exitUsage, exitInterrupted),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runInit(cmd, o) },
	}
	o.AddFlags(cmd.Flags())
	return cmd
}

func (a *app) runInit(cmd *cobra.Command, o InitOptions) error {
	ctx, cancel := a.signals.Until(cmd.Context())
	defer cancel()
	a.setLevel()
	i := a.interview(cmd, o)
	written, err := i.Run(ctx)
	var missing *setup.MissingError
	var exists *setup.ExistsError
	var way *setup.WayError
	switch {
	case errors.As(err, &missing), errors.As(err, &exists), errors.As(err, &way):
		return &usageError{err: err, hint: hintOf(err)}
	case err != nil:
		return err
	}
	return a.show(written, func(w io.Writer) error { return printNext(w, written, time.Now()) })
}

// interview asks at the terminal, where there is one.
func (a *app) interview(cmd *cobra.Command, o InitOptions) *setup.Interview {
	flags := map[string]string{"sign_in": "sign-in", "client_id": "client-id", "integrator_id": "integrator-id",
		"token_file": "secret-file", "client_secret_file": "secret-file", "api_key_file": "secret-file"}
	flagFor := func(key string) string { return cmp.Or(flags[key], flagOf[key]) }
	file := "ingest.yaml"
	if f := cmd.Flags().Lookup("config"); f.Changed {
		file = f.Value.String()
	} else if named := a.getenv("INGEST_CONFIG"); named != "" {
		file = named
	}
	i := &setup.Interview{
		File: file, Force: o.Force, Defaults: o.Defaults, Getenv: a.getenv, Out: a.stderr,
		Given: func(key string) (value, from string) {
			if f := cmd.Flags().Lookup(flagFor(key)); f != nil && f.Changed {
				return f.Value.String(), "--" + f.Name
			}
			if v := config.Variable(key); v != "" && a.getenv(v) != "" {
				return a.getenv(v), v
			}
			return "", ""
		},
		Flag: func(key string) string {
			if name := flagFor(key); name != "" {
				return "--" + name
			}
			return config.Variable(key)
		},
	}
	if !o.NoTest {
		i.Test = a.testPart
	}
	if in, ok := a.stdin.(*os.File); ok && term.IsTerminal(in) {
		if _, seen := a.stderr.Terminal(); seen {
			i.Ask = &term.Asker{In: in, Out: a.stderr}
		}
	}
	return i
}

// testPart tries a part of settings that are not written yet.
func (a *app) testPart(ctx context.Context, cfg *config.Config, part setup.Part) (found []session.Finding) {
	err := a.networks().Within(ctx, cfg, func(ctx context.Context, s *session.Session) error {
		if part == setup.Source {
			found = s.CheckSource(ctx)
		} else {
			found = s.CheckStore(ctx)
		}
		return nil
	})
	if err != nil {
		found = append(found, session.Finding{Level: "fail", What: "store", Detail: err.Error()})
	}
	return found
}

// printNext says what was written and what to do with it.
func printNext(w io.Writer, written setup.Written, now time.Time) error {
	text := "wrote " + written.Config
	if written.SecretFile != "" {
		text += " and " + written.SecretFile
	}
	text += "\nnext:\n  export INGEST_CONFIG=" + unit.ShellWord(written.Config) + "\n"
	if written.Variable != "" {
		text += "  export " + written.Variable + "=…      # wherever ingest runs: it is not in the file\n"
	}
	_, err := fmt.Fprintf(w, `%s  ingest check                   # all settings, a line each
  ingest backfill %s         # a month; again goes on where it was
  ingest run                     # what is new, and what failed before
  ingest unit systemd            # a timer for it
`, text, now.UTC().Format("200601"))
	return err
}
