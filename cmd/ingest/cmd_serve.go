package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rawlogs/internal/engine"
	"rawlogs/internal/plain"
	"rawlogs/internal/session"
	"rawlogs/internal/term"
)

// ServeOptions are the flags of `ingest serve`.
type ServeOptions struct {
	HTTPPort, TCPPort int
	ShowPassword      bool
}

// AddFlags adds them to f.
func (o *ServeOptions) AddFlags(f *pflag.FlagSet) {
	f.IntVar(&o.HTTPPort, "http-port", 0, "port for HTTP, the SQL page and the dashboard (default a free one)")
	f.IntVar(&o.TCPPort, "tcp-port", 0, "port for native clients (default a free one)")
	f.BoolVar(&o.ShowPassword, "show-password", false, "print the password; on a terminal only")
}

func newServe(a *app) *cobra.Command {
	var o ServeOptions
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "keep the embedded ClickHouse open for SQL clients and its web page",
		Example: `  ingest serve
  ingest serve --http-port 8123 --tcp-port 9000 --show-password`,
		Long: "It listens on the loopback address only, until Ctrl-C. Other ingest commands on the\n" +
			"same data use it while it runs.\n\n" + exits(exitDone, exitFailed, exitUsage),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.ShowPassword && !term.IsTerminal(a.stdout) {
				return &usageError{err: errors.New("--show-password: stdout is not a terminal; read the password file instead")}
			}
			for _, port := range []int{o.HTTPPort, o.TCPPort} {
				if port < 0 || port > 65535 {
					return &usageError{err: fmt.Errorf("port %d: want 0 to 65535", port)}
				}
			}
			return a.onStore(cmd, func(ctx context.Context, s *session.Session) error {
				return a.runServe(ctx, s, o)
			})
		},
	}
	o.AddFlags(cmd.Flags())
	return cmd
}

// served is what `ingest serve --json` prints. Its names are a promise.
type served struct {
	Path         string `json:"path"`
	PID          int    `json:"pid"` // of the process that hosts ClickHouse
	Native       string `json:"native"`
	HTTP         string `json:"http"`
	Play         string `json:"play"`
	Dashboard    string `json:"dashboard"`
	User         string `json:"user"`
	Database     string `json:"database"`
	PasswordFile string `json:"password_file"`

	Reader             string `json:"reader"` // a user for analysts
	ReaderPasswordFile string `json:"reader_password_file"`
}

func (a *app) runServe(ctx context.Context, s *session.Session, o ServeOptions) (err error) {
	path, ok := strings.CutPrefix(s.Config.Store, "embedded:")
	if !ok {
		return &usageError{err: errors.New("ingest serve is for the embedded store; the configured store serves itself")}
	}
	eng, err := engine.Open(ctx, engine.Config{Path: path, Library: s.Config.Library, Log: a.log, HTTPPort: o.HTTPPort, TCPPort: o.TCPPort})
	if err != nil {
		return err
	}
	defer closing(eng, &err)
	if _, err := s.Store(ctx); err != nil { // attaches: for the tables
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	if err := a.printServed(eng, path, o); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

func (a *app) printServed(eng *engine.Engine, path string, o ServeOptions) error {
	e := eng.Endpoint()
	file, readerFile := eng.PasswordFiles()
	s := served{Path: path, PID: eng.PID(), Native: e.Addr, HTTP: "http://" + e.HTTPAddr, Play: "http://" + e.HTTPAddr + "/play",
		Dashboard: "http://" + e.HTTPAddr + "/dashboard", User: e.User, Database: e.Database, PasswordFile: file,
		Reader: e.ReaderUser, ReaderPasswordFile: readerFile}
	if a.json {
		return term.JSON(a.stdout, s)
	}
	host, port, _ := strings.Cut(e.Addr, ":")
	password := "in " + file
	if o.ShowPassword {
		password = e.Password
	}
	_, err := fmt.Fprintf(a.stdout, `ClickHouse on %s
  SQL page   %s
  dashboard  %s
  HTTP       curl -u "%s:$(cat %s)" '%s/?database=%s&query=SELECT+count()+FROM+clicks'
  client     clickhouse-client --host %s --port %s --user %s --password "$(cat %s)" --database %s
  DSN        clickhouse://%s:PASSWORD@%s/%s
  user       %s
  password   %s
  analysts   user %s, who may only read the tables; password in %s
Ctrl-C ends it.
`, plain.Text(path), s.Play, s.Dashboard, e.User, shellQuote(file), s.HTTP, e.Database,
		host, port, e.User, shellQuote(file), e.Database, e.User, e.Addr, e.Database, e.User, plain.Text(password), e.ReaderUser, plain.Text(readerFile))
	return err
}

func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
