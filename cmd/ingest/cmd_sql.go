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
	"rawlogs/internal/store"
	"rawlogs/internal/term"
)

// SQLOptions are the flags of `ingest sql`.
type SQLOptions struct {
	Format string
	File   string
	Output string
	Write  bool
	Params map[string]string
	Set    map[string]string
	Safe   bool
}

// AddFlags adds them to f.
func (o *SQLOptions) AddFlags(f *pflag.FlagSet) {
	f.StringVarP(&o.Format, "format", "f", "table", "table, tsv, csv, json, jsonl, parquet, arrow or arrowstream")
	f.StringVar(&o.File, "file", "", "read the statements from a file")
	f.StringVarP(&o.Output, "output", "o", "", "write the result to a file, which is there whole or not at all")
	f.BoolVar(&o.Write, "write", false, "run the statements with full rights, so that they can change data")
	f.StringToStringVar(&o.Set, "set", nil, "NAME=VALUE of a ClickHouse setting for the statements")
	f.BoolVar(&o.Safe, "safe-csv", false, "csv for spreadsheets: put an apostrophe before texts that would run as formulas")
	f.StringToStringVarP(&o.Params, "param", "p", nil, "NAME=VALUE for {NAME:Type} in the statement")
}

func newSQL(a *app) *cobra.Command {
	var o SQLOptions
	cmd := &cobra.Command{
		Use:   "sql [STATEMENT] [flags]",
		Short: "run SQL on the store",
		Example: `  ingest sql 'SELECT offer_id, count() AS clicks FROM clicks GROUP BY offer_id ORDER BY clicks DESC LIMIT 10'
  ingest sql --format csv --file report.sql > report.csv
  ingest sql -p day=2016-09-09 'SELECT count() FROM clicks WHERE toDate(datetime) = {day:Date}'
  ingest sql --format parquet --output clicks.parquet 'SELECT * FROM clicks WHERE toYYYYMM(_hour) = 201609'
  echo 'SHOW TABLES' | ingest sql -`,
		Long: `Formats:
  table        for reading, at most 10,000 rows; control characters are escaped
  tsv          ClickHouse's TabSeparated: its escaping, no header
  csv          ClickHouse's CSV with a header line
  json, jsonl  one JSON object a row (the same as --json)
  parquet      Apache Parquet, and
  arrow        an Arrow file (Feather 2), as the server writes them: over its HTTP port
  arrowstream  the same for pipes

On a terminal, control characters are escaped in every format, and the last three are
refused; files and pipes get them as they are. Except in a table, rows are passed on as
they come, whatever the size of the result. --safe-csv leaves numbers alone, also
negative ones.

--file and - take any number of statements with semicolons between them. They run one
after another, up to the first that fails; all are looked at before any runs. SETTINGS
at the end of a statement hold for it, and SET NAME = VALUE for those that follow.

Without --write only SELECT, WITH, SHOW, DESCRIBE, EXPLAIN and EXISTS run: in an
embedded store as the user reader, who has no right to write or to open files and
addresses; on a server with readonly=1. A statement must not have a FORMAT of its own.

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
// limit for a statement (max_query_size) is far below.
const maxStatement = 16 << 20

// script returns what to run: the argument, stdin for "-", or a file.
func (a *app) script(o SQLOptions, args []string) (*sqlout.Script, error) {
	if err := a.checkSQL(o, args); err != nil {
		return nil, err
	}
	var raw []byte
	var err error
	name := o.File
	switch {
	case o.File != "":
		raw, err = os.ReadFile(o.File)
	case args[0] == "-":
		name = "stdin"
		raw, err = io.ReadAll(io.LimitReader(a.stdin, maxStatement+1))
	default:
		raw = []byte(args[0])
	}
	if err != nil {
		return nil, err
	}
	if len(raw) > maxStatement {
		return nil, &usageError{err: fmt.Errorf("ingest sql: the statement is longer than %d MiB", maxStatement>>20)}
	}
	text := strings.TrimRight(strings.TrimSpace(string(raw)), "; \n\t")
	if text == "" {
		return nil, &usageError{err: fmt.Errorf("ingest sql: %w", sqlout.ErrEmpty)}
	}
	if name == "" {
		return sqlout.One(text, o.Write)
	}
	script, err := sqlout.Read(name, string(raw), o.Write)
	if errors.Is(err, sqlout.ErrEmpty) {
		err = &usageError{err: fmt.Errorf("ingest sql: %w", err)}
	}
	return script, err
}

// checkSQL looks at what the flags come to.
func (a *app) checkSQL(o SQLOptions, args []string) error {
	switch {
	case !slices.Contains(sqlout.Formats(), o.Format):
		return &usageError{err: fmt.Errorf("--format %q: want one of %s", o.Format, strings.Join(sqlout.Formats(), ", "))}
	case len(args) > 1 || (len(args) == 1) == (o.File != ""):
		return &usageError{err: errors.New("ingest sql: want one statement: as an argument in quotes, - for stdin, or --file")}
	case sqlout.Binary(o.Format) && o.Output == "" && term.IsTerminal(a.stdout): //guard:sql-no-binary-terminal
		return &usageError{err: fmt.Errorf("--format %s is not for a terminal", o.Format), hint: "write it to a file: --output FILE"}
	}
	return nil
}

func (a *app) runSQL(ctx context.Context, s *session.Session, o SQLOptions, args []string) error {
	script, err := a.script(o, args)
	if err != nil {
		return err
	}
	if n := script.Results(); sqlout.Binary(o.Format) && n != 1 {
		return &usageError{err: fmt.Errorf("--format %s: want statements with one result, and these have %d", o.Format, n), hint: "a file of that format holds one table"}
	}
	open := func(ctx context.Context) (*store.Store, error) {
		return s.Open(ctx, store.Config{Existing: true, Reader: !o.Write})
	}
	if o.Write && script.Creates() {
		open = s.Store // what is made may read tables that the first load would bring; anything else means what is there
	}
	st, err := open(ctx)
	if err != nil {
		return err
	}
	s.Record(ctx, st)
	options := sqlout.Options{Format: o.Format, Params: o.Params, Settings: o.Set, Write: o.Write, Safe: o.Safe, Note: a.note}
	if o.Output != "" {
		return term.Replace(o.Output, func(w io.Writer) error { return script.Run(ctx, st, w, options) })
	}
	options.Terminal = term.IsTerminal(a.stdout)
	return script.Run(ctx, st, a.stdout, options)
}

// note tells the reader of a terminal something beside the result.
func (a *app) note(text string) { _, _ = fmt.Fprintln(a.stderr, text) }
