package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"rawlogs/internal/config"
	"rawlogs/internal/engine"
	"rawlogs/internal/store"
	"rawlogs/internal/term"
)

func newSchemaReader(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "reader NAME",
		Short: "print the SQL of a user who may only read, for analysts and their tools",
		Example: `  ingest schema reader analyst > reader.sql
  clickhouse-client --host ch1 --user admin --multiquery < reader.sql`,
		Long: `It prints and runs nothing: an administrator of the server looks at it and runs it.
Nobody can sign in as the user until a password is set, as the last lines say. The
embedded store has such a user already; ` + "`ingest serve`" + ` says how to connect.

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

// readerStatements make a role with the rights and limits of someone who
// analyzes, and a user who has it. The hash is of no password that anybody
// knows.
func readerStatements(database, name string) []string {
	role := "`" + name + "_role`"
	statements := []string{
		"CREATE ROLE IF NOT EXISTS " + role + " SETTINGS readonly = 2 READONLY, " +
			"max_execution_time = 600 MIN 1 MAX 3600, max_memory_usage = 8000000000 MIN 1 MAX 8000000000, " +
			"max_concurrent_queries_for_user = 8 READONLY, max_result_bytes = 4000000000 MIN 1 MAX 4000000000, result_overflow_mode = 'throw'",
	}
	for _, grant := range engine.ReaderGrants(database) {
		statements = append(statements, grant+" TO "+role)
	}
	return append(statements,
		"CREATE USER IF NOT EXISTS `"+name+"` IDENTIFIED WITH sha256_hash BY '"+strings.Repeat("0", 64)+"' DEFAULT ROLE "+role,
		"GRANT "+role+" TO `"+name+"`",
	)
}

func (a *app) printReader(cfg *config.Config, name string) error {
	statements := readerStatements(store.DatabaseOf(cfg.Store), name)
	if a.json {
		return term.JSON(a.stdout, statements)
	}
	for _, s := range statements {
		if _, err := fmt.Fprintf(a.stdout, "%s;\n", s); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(a.stdout, "-- Nobody can sign in yet. Set a password where no history keeps it:\n"+
		"-- ALTER USER `%s` IDENTIFIED WITH sha256_password BY '…';\n", name)
	return err
}
