// Package sqlout is `ingest sql`: it runs statements on the store, with the right
// to read unless told otherwise, and writes their answers as a table, TSV, CSV,
// JSON, Parquet or Arrow.
package sqlout

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"rawlogs/internal/sqltext"
	"rawlogs/internal/store"
)

// Formats are what Options.Format may be.
func Formats() []string {
	return append([]string{"table", "tsv", "csv", "json", "jsonl"}, slices.Sorted(maps.Keys(binaries))...)
}

// binaries are the formats that no person reads, under ClickHouse's names for them.
var binaries = map[string]string{"parquet": "Parquet", "arrow": "Arrow", "arrowstream": "ArrowStream"}

// Binary reports whether a format is for programs alone: it holds one result, and is
// nothing for a terminal.
func Binary(format string) bool { return binaries[format] != "" }

// MaxTableRows bounds a table, which is laid out as a whole in memory.
const MaxTableRows = 10_000

// Options are how a statement runs and how its answer looks.
type Options struct {
	Format   string
	Params   map[string]string // for {NAME:Type} in the statement
	Settings map[string]string // ClickHouse's, for each statement; its own win
	Write    bool              // run it with all rights, also to change data
	Safe     bool              // csv for spreadsheets
	Terminal bool              // escape what a terminal would act on
	Note     func(text string) // is told of rows that a table leaves out
}

// Error is the server's or our own refusal of a statement.
type Error struct {
	text, hint string
	err        error
}

func (e *Error) Error() string { return e.text }

func (e *Error) Unwrap() error { return e.err }

// Hint says what to do, or is "".
func (e *Error) Hint() string { return e.hint }

const formatHint = "a statement for `ingest sql` is without a FORMAT of its own: give --format; several statements go into --file, with semicolons between them"

const onlyReads = "`ingest sql` only reads unless --write is given"

// run runs one statement and writes its answer to w.
func (o Options) run(ctx context.Context, st *store.Store, w io.Writer, q statement) error {
	settings, err := o.settings(ctx, st, q.settings)
	if err != nil {
		return explained(err)
	}
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(settings), clickhouse.WithParameters(o.Params))
	if format := binaries[o.Format]; format != "" && q.answers() {
		if sqltext.Formatted(q.text) {
			return &Error{"the statement has a FORMAT of its own", formatHint, nil}
		}
		return explained(st.Stream(ctx, w, format, q.text))
	}
	if o.Format == "jsonl" {
		o.Format = "json"
	}
	buffered := bufio.NewWriterSize(w, 64<<10)
	if err = run(ctx, st.Conn(), &result{Options: o, w: buffered}, q.text); err == nil {
		err = buffered.Flush()
	}
	return explained(err)
}

// settings are those that go with the statement. readonly=1 also forbids the
// table functions that open files and addresses, and to change a setting
// within the statement; a user whose profile is read-only already may not even
// ask for it.
func (o Options) settings(ctx context.Context, st *store.Store, own map[string]string) (clickhouse.Settings, error) {
	settings := clickhouse.Settings{}
	for _, these := range []map[string]string{o.Settings, own} {
		for name, value := range these {
			settings[name] = value
		}
	}
	var now uint64
	if err := st.Conn().QueryRow(ctx, "SELECT toUInt64(getSetting('readonly'))").Scan(&now); err != nil {
		return nil, err
	}
	if _, set := settings["optimize_use_projections"]; !set && now != 1 {
		settings["optimize_use_projections"] = 1 // our own counts go by the rows alone, analysts' by roll-ups too
	}
	if o.Write {
		return settings, nil
	}
	delete(settings, "readonly")
	if now == 0 { //guard:sql-readonly
		settings["readonly"] = 1
	}
	return settings, nil
}

// overHTTP is what ClickHouse adds to a message that it sends over HTTP.
var overHTTP = regexp.MustCompile(`( \([A-Z_]+\))? \(version [^)]*\)\s*$`)

// explained puts ClickHouse's error into one line, with the hint that belongs to its
// code.
func explained(err error) error {
	var ex *clickhouse.Exception
	if !errors.As(err, &ex) {
		return err
	}
	// A syntax error goes on with every word that would have been right.
	words, _, _ := strings.Cut(overHTTP.ReplaceAllString(ex.Message, ""), " Expected one of:")
	e := &Error{err: err, text: fmt.Sprintf("ClickHouse: %s (code %d)", strings.TrimPrefix(words, "DB::Exception: "), ex.Code)}
	switch ex.Code {
	case 62: // SYNTAX_ERROR
		e.hint = formatHint
	case 164: // READONLY
		e.hint = onlyReads
		if strings.Contains(ex.Message, "Cannot modify") {
			e.hint = "give settings beside the statement: --set NAME=VALUE"
		}
	case 497: // ACCESS_DENIED
		e.hint = "without --write, `ingest sql` has the rights to read the tables and no more"
	case 60: // UNKNOWN_TABLE
		e.hint = "`ingest sql 'SHOW TABLES'` lists the tables"
	case 47: // UNKNOWN_IDENTIFIER
		e.hint = "`ingest sql 'DESCRIBE clicks'` lists a table's columns"
	}
	return e
}
