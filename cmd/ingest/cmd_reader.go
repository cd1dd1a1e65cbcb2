package main

import (
	"errors"
	"fmt"
	"io"
	"regexp"

	"github.com/spf13/cobra"

	"rawlogs/internal/config"
	"rawlogs/internal/engine"
	"rawlogs/internal/store"
)

func newSchemaReader(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "reader NAME",
		Short: "print the SQL that creates a read-only user, for analysts and their tools",
		Example: `  ingest schema reader analyst > reader.sql
  clickhouse-client --host ch1 --user admin --multiquery < reader.sql`,
		Long: `It only prints: an administrator of the server reviews and runs the statements.
Nobody can sign in as the user until a password is set, see the last lines. The
embedded store already has such a user; ` + "`ingest serve`" + ` says how to connect.

` + exits(exitDone, exitFailed, exitUsage),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 || !readerPattern.MatchString(args[0]) {
				return &usageError{err: errors.New("ingest schema reader: want a name of letters, digits and underscores, such as analyst")}
			}
			cfg, err := a.configureStore(cmd)
			if err != nil {
				return err
			}
			return a.printReader(cfg, args[0])
		},
	}
}

var readerPattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,62}$`)

func (a *app) printReader(cfg *config.Config, name string) error {
	statements := engine.ReaderStatements(store.DatabaseOf(cfg.Store), name)
	return a.show(statements, func(w io.Writer) error {
		for _, s := range statements {
			if _, err := fmt.Fprintf(w, "%s;\n", s); err != nil {
				return err
			}
		}
		_, err := fmt.Fprintf(w, "-- Nobody can sign in yet. Set a password, and keep it out of the shell's and the client's history:\n"+
			"-- ALTER USER `%s` IDENTIFIED WITH sha256_password BY '…';\n", name)
		return err
	})
}
