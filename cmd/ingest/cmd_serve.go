package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rawlogs/internal/config"
	"rawlogs/internal/engine"
	"rawlogs/internal/page/render"
	"rawlogs/internal/session"
	"rawlogs/internal/term"
	"rawlogs/internal/web"
)

// ServeOptions are the flags of `ingest serve`.
type ServeOptions struct {
	HTTPPort, TCPPort, PagePort int
	ShowPassword                bool
}

// AddFlags adds them to f.
func (o *ServeOptions) AddFlags(f *pflag.FlagSet) {
	f.IntVar(&o.HTTPPort, "http-port", 0, "port for HTTP, the SQL page and the dashboard (default a free one)")
	f.IntVar(&o.TCPPort, "tcp-port", 0, "port for native clients (default a free one)")
	f.IntVar(&o.PagePort, "page-port", 0, "port for the status page (default a free one)")
	f.BoolVar(&o.ShowPassword, "show-password", false, "print the password; on a terminal only")
}

func newServe(a *app) *cobra.Command {
	var o ServeOptions
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "keep the embedded ClickHouse open for SQL clients, with its web page and the status page",
		Example: `  ingest serve
  ingest serve --http-port 8123 --tcp-port 9000 --show-password`,
		Long: "It listens on the loopback address only, until Ctrl-C. Other ingest commands on the\n" +
			"same data use it while it runs. The status page asks for the reader's password; on a\nterminal its address holds a key that opens it until then.\n\n" + exits(exitDone, exitFailed, exitUsage),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.ShowPassword && !term.IsTerminal(a.stdout) {
				return &usageError{err: errors.New("--show-password: stdout is not a terminal; read the password file instead")}
			}
			for _, port := range []int{o.HTTPPort, o.TCPPort, o.PagePort} {
				if port < 0 || port > 65535 {
					return &usageError{err: fmt.Errorf("port %d: want 0 to 65535", port)}
				}
			}
			return a.onStoreOfAll(cmd, func(ctx context.Context, s *session.Session, all []*config.Config) error {
				return a.runServe(ctx, s, all, o)
			})
		},
	}
	o.AddFlags(cmd.Flags())
	return cmd
}

func (a *app) runServe(ctx context.Context, s *session.Session, all []*config.Config, o ServeOptions) (err error) {
	path, ok := strings.CutPrefix(s.Config.Store, "embedded:")
	if !ok {
		return &usageError{err: errors.New("ingest serve is for the embedded store; the configured store serves itself")}
	}
	eng, err := engine.Open(ctx, engine.Config{Path: path, Library: s.Config.Library, MaxMemory: s.Config.EngineMemory, Log: a.log, HTTPPort: o.HTTPPort, TCPPort: o.TCPPort})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, eng.Close()) }()
	if _, err = s.Store(ctx); err != nil { // attaches: for the tables
		return err
	}
	if err = s.Close(); err != nil {
		return err
	}
	password := ""
	if o.ShowPassword {
		password = eng.Endpoint().Password
	}
	site, err := a.newSite(ctx, s, all)
	if err != nil {
		return err
	}
	page, err := web.Listen(ctx, web.Config{
		Listen: net.JoinHostPort("127.0.0.1", strconv.Itoa(o.PagePort)), Password: eng.Endpoint().ReaderPassword,
		Document: site.document, Policy: render.Policy(), Log: a.log,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, page.Close()) }()
	served := eng.Served(path)
	served.Page = a.pageAddress(page)
	if err := a.show(served, func(w io.Writer) error { return served.Print(w, password) }); err != nil {
		return err
	}
	return page.Serve(ctx)
}
