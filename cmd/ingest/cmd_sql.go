package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rawlogs/internal/session"
	"rawlogs/internal/sqlout"
	"rawlogs/internal/sqltext"
	"rawlogs/internal/store"
	"rawlogs/internal/term"
)

// SQLOptions are the flags of `ingest sql`.
type SQLOptions struct {
	Format string
	File   string
	Write  bool
	Params map[string]string
	Set    map[string]string
	Safe   bool
}

// AddFlags adds them to f.
func (o *SQLOptions) AddFlags(f *pflag.FlagSet) {
	f.StringVarP(&o.Format, "format", "f", "table", "table, tsv, csv or json")
	f.StringVar(&o.File, "file", "", "read the statement from a file")
	f.BoolVar(&o.Write, "write", false, "run the statement with full rights, so that it can change data")
	f.StringToStringVar(&o.Set, "set", nil, "NAME=VALUE of a ClickHouse setting for the statement")
	f.BoolVar(&o.Safe, "safe-csv", false, "csv for spreadsheets: put an apostrophe before texts that would run as formulas")
	f.StringToStringVarP(&o.Params, "param", "p", nil, "NAME=VALUE for {NAME:Type} in the statement")
}

func newSQL(a *app) *cobra.Command {
	var o SQLOptions
	cmd := &cobra.Command{
		Use:   "sql [STATEMENT] [flags]",
		Short: "run one SQL statement on the store",
		Example: `  ingest sql 'SELECT offer_id, count() AS clicks FROM clicks GROUP BY offer_id ORDER BY clicks DESC LIMIT 10'
  ingest sql --format csv --file report.sql > report.csv
  ingest sql -p day=2016-09-09 'SELECT count() FROM clicks WHERE toDate(datetime) = {day:Date}'
  echo 'SHOW TABLES' | ingest sql -`,
		Long: `Formats:
  table  for reading, at most 10,000 rows; control characters are escaped
  tsv    ClickHouse's TabSeparated: its escaping, no header
  csv    ClickHouse's CSV with a header line
  json   one JSON object a row (the same as --json)

On a terminal, control characters are escaped in every format; files and pipes get
them as they are. --safe-csv leaves numbers alone, also negative ones.

Without --write only SELECT, WITH, SHOW, DESCRIBE, EXPLAIN and EXISTS run: in an
embedded store as the user reader, who has no right to write or to open files and
addresses; on a server with readonly=1, where settings go into --set. The statement
must not have a FORMAT of its own.

` + exits(exitDone, exitFailed, exitUsage, exitInterrupted),
		RunE: func(cmd *cobra.Command, args []string) error {
			if a.json {
				o.Format = "json"
			}
			return a.onStore(cmd, func(ctx context.Context, s *session.Session) error {
				return a.runSQL(ctx, s, o, args)
			})
		},
	}
	o.AddFlags(cmd.Flags())
	return cmd
}

// maxStatement bounds what is read from a file or stdin; ClickHouse's own
// limit (max_query_size) is far below.
const maxStatement = 16 << 20

// statement returns the text to run: the argument, stdin for "-", or a file.
func (a *app) statement(o SQLOptions, args []string) (string, error) {
	if !slices.Contains(sqlout.Formats(), o.Format) {
		return "", &usageError{err: fmt.Errorf("--format %q: want one of %s", o.Format, strings.Join(sqlout.Formats(), ", "))}
	}
	if len(args) > 1 || (len(args) == 1) == (o.File != "") {
		return "", &usageError{err: errors.New("ingest sql: want one statement: as an argument in quotes, - for stdin, or --file")}
	}
	var raw []byte
	var err error
	switch {
	case o.File != "":
		raw, err = os.ReadFile(o.File)
	case args[0] == "-":
		raw, err = io.ReadAll(io.LimitReader(a.stdin, maxStatement+1))
	default:
		raw = []byte(args[0])
	}
	if err != nil {
		return "", err
	}
	if len(raw) > maxStatement {
		return "", &usageError{err: fmt.Errorf("ingest sql: the statement is longer than %d MiB", maxStatement>>20)}
	}
	query := strings.TrimRight(strings.TrimSpace(string(raw)), "; \n\t")
	if query == "" {
		return "", &usageError{err: errors.New("ingest sql: the statement is empty")}
	}
	return query, nil
}

func (a *app) runSQL(ctx context.Context, s *session.Session, o SQLOptions, args []string) error {
	query, err := a.statement(o, args)
	if err != nil {
		return err
	}
	if !o.Write {
		if query, err = sqlout.Reading(query); err != nil {
			return err
		}
	}
	open := func(ctx context.Context) (*store.Store, error) {
		return s.Open(ctx, store.Config{Existing: true, Reader: !o.Write})
	}
	if o.Write && sqltext.First(query) == "CREATE" {
		open = s.Store // what is made may read tables that the first load would bring; anything else means what is there
	}
	st, err := open(ctx)
	if err != nil {
		return err
	}
	s.Record(ctx, st)
	return sqlout.Run(ctx, st, a.stdout, query, sqlout.Options{
		Format: o.Format, Params: o.Params, Settings: o.Set, Write: o.Write, Safe: o.Safe,
		Terminal: term.IsTerminal(a.stdout), Note: a.note,
	})
}

// note tells the reader of a terminal something beside the result.
func (a *app) note(text string) { _, _ = fmt.Fprintln(a.stderr, text) }
