package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rawlogs/internal/config"
	"rawlogs/internal/page/render"
	"rawlogs/internal/session"
	"rawlogs/internal/term"
	"rawlogs/internal/web"
)

// WebOptions are the flags of `ingest web`.
type WebOptions struct {
	Listen       string
	PasswordFile string
	Hosts        []string
}

// AddFlags adds them to f.
func (o *WebOptions) AddFlags(f *pflag.FlagSet) {
	f.StringVar(&o.Listen, "listen", "127.0.0.1:8425", "address and port; off loopback a password is needed")
	f.StringVar(&o.PasswordFile, "password-file", "", "file with the page's password (or INGEST_WEB_PASSWORD)")
	f.StringSliceVar(&o.Hosts, "host", nil, "name by which browsers may ask, beside addresses and localhost")
}

func newWeb(a *app) *cobra.Command {
	var o WebOptions
	cmd := &cobra.Command{
		Use:   "web",
		Short: "show the status page of a store to browsers",
		Example: `  ingest web
  ingest web --listen 0.0.0.0:8425 --host status.example.com --password-file page-password`,
		Long: `The page of ` + "`ingest status --html`" + `, made anew when somebody asks, by the ledger alone:
it reads no source. Nothing can be changed by it. It is plain HTTP: put a proxy with
TLS before it where others can listen in. Without a password, which works on loopback
only, the address that it prints holds a key.

` + exits(exitDone, exitFailed, exitUsage),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.onStoreOfAll(cmd, func(ctx context.Context, s *session.Session, all []*config.Config) error {
				return a.runWeb(ctx, s, all, o)
			})
		},
	}
	o.AddFlags(cmd.Flags())
	return cmd
}

func (a *app) runWeb(ctx context.Context, s *session.Session, all []*config.Config, o WebOptions) (err error) {
	password, err := a.webPassword(o)
	if err != nil {
		return err
	}
	if password == "" && !term.IsTerminal(a.stdout) {
		return &usageError{err: errors.New("ingest web: stdout is not a terminal, where the page's key could be shown"), hint: passwordHint}
	}
	site, err := a.newSite(ctx, s, all)
	if err != nil {
		return err
	}
	server, err := web.Listen(ctx, web.Config{Listen: o.Listen, Password: password, Hosts: o.Hosts, Document: site.document, Policy: render.Policy(), Log: a.log})
	if errors.Is(err, web.ErrPassword) {
		return &usageError{err: fmt.Errorf("--listen %s: %w", o.Listen, err), hint: passwordHint}
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	out := struct {
		Page string `json:"page"`
	}{a.pageAddress(server)}
	err = a.show(out, func(w io.Writer) error {
		_, failed := fmt.Fprintf(w, "status page %s\nCtrl-C ends it.\n", out.Page)
		return failed
	})
	if err != nil {
		return err
	}
	return server.Serve(ctx)
}

const passwordHint = "write a password into a file that only you can read and name it with --password-file, or set INGEST_WEB_PASSWORD"

// webPassword reads the page's password; "" where there is no password. It has no flag, as every user of the
// machine can read command lines.
func (a *app) webPassword(o WebOptions) (string, error) {
	if o.PasswordFile == "" {
		return a.getenv("INGEST_WEB_PASSWORD"), nil
	}
	raw, err := os.ReadFile(o.PasswordFile)
	if err != nil {
		return "", &usageError{err: fmt.Errorf("--password-file: %w", err)}
	}
	password := strings.TrimRight(string(raw), "\r\n")
	if password == "" {
		return "", &usageError{err: errors.New("--password-file: it is empty")}
	}
	return password, nil
}

// pageAddress is where the page is; with its key on a terminal, and nowhere else: a file
// or a log may be read by others.
func (a *app) pageAddress(s *web.Server) string {
	if term.IsTerminal(a.stdout) {
		return s.Link()
	}
	return s.URL()
}
