package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"rawlogs/internal/sqltext"
)

var sqlFormats = []string{"table", "tsv", "csv", "json"}

// maxTableRows bounds a table, which is laid out as a whole in memory.
const maxTableRows = 10_000

// querier is the part of a connection that a statement needs.
type querier interface {
	Query(ctx context.Context, query string, args ...any) (driver.Rows, error)
	Exec(ctx context.Context, query string, args ...any) error
}

// printQuery runs query and writes its result to out. Values are formatted by
// ClickHouse itself: the query becomes a subquery of formatRow, so that over
// the native protocol too every type looks as in clickhouse-client.
func printQuery(ctx context.Context, conn querier, out *result, query string) error {
	switch first := sqltext.First(query); {
	case sqltext.Selects(first):
	case sqltext.Answers(first):
		return printPlain(ctx, conn, out, query)
	default:
		return conn.Exec(ctx, query)
	}
	var err error
	if out.columns, err = describe(ctx, conn, query); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	rows, err := conn.Query(ctx, "SELECT formatRowNoNewline('"+out.clickhouseFormat()+"', *) FROM (\n"+query+"\n)")
	if err != nil {
		cancel()
		return err
	}
	defer func() {
		cancel() // or Close would read a long answer to its end though nobody reads on
		_ = rows.Close()
	}()
	var line string
	for rows.Next() {
		if err := rows.Scan(&line); err != nil {
			return err
		}
		if err := out.line(line); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return out.end()
}

// resultColumn is one column of a result.
type resultColumn struct{ name, typ string }

func describe(ctx context.Context, conn querier, query string) ([]resultColumn, error) {
	rows, err := conn.Query(ctx, "SELECT * FROM (\n"+query+"\n) LIMIT 0")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns := columnsOf(rows) // now: at the end, clickhouse-go has forgotten them
	for rows.Next() {          // to the end, where errors are
	}
	return columns, rows.Err()
}

func columnsOf(rows driver.Rows) []resultColumn {
	var columns []resultColumn
	for _, c := range rows.ColumnTypes() {
		columns = append(columns, resultColumn{c.Name(), c.DatabaseTypeName()})
	}
	return columns
}

// printPlain prints what statements other than SELECT answer: names, numbers
// and texts, which cannot be a subquery.
func printPlain(ctx context.Context, conn querier, out *result, query string) error {
	rows, err := conn.Query(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	out.columns = columnsOf(rows)
	targets := make([]any, len(out.columns))
	for i, c := range rows.ColumnTypes() {
		targets[i] = reflect.New(c.ScanType()).Interface()
	}
	cells := make([]any, len(targets))
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return err
		}
		for i, t := range targets {
			cells[i] = reflect.ValueOf(t).Elem().Interface()
		}
		if err := out.cells(cells); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return out.end()
}

// result writes rows in one of our formats.
type result struct {
	w       io.Writer
	format  string
	columns []resultColumn
	note    func(string)
	escape  bool // for a terminal: what it would act on
	safe    bool // csv for spreadsheets
	begun   bool
	table   [][]string
	dropped int
}

func newResult(w io.Writer, format string, note func(string)) *result {
	return &result{w: w, format: format, note: note}
}

// clickhouseFormat is the format in which ClickHouse shall hand over a row.
func (r *result) clickhouseFormat() string {
	return map[string]string{"table": "JSONCompactStringsEachRow", "tsv": "TSV", "csv": "CSV", "json": "JSONEachRow"}[r.format]
}

// line takes a row as ClickHouse formatted it.
func (r *result) line(line string) error {
	if r.format != "table" {
		if err := r.header(); err != nil {
			return err
		}
		return r.write(line)
	}
	if len(r.table) == maxTableRows {
		r.dropped++
		return nil
	}
	var cells []string
	if err := json.Unmarshal([]byte(line), &cells); err != nil {
		return fmt.Errorf("row %d of the answer: %w", len(r.table)+1, err)
	}
	r.table = append(r.table, cells)
	return nil
}

// cells takes a row of simple values.
func (r *result) cells(values []any) error {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = fmt.Sprint(v)
	}
	switch r.format {
	case "tsv":
		for i := range texts {
			texts[i] = tsvEscape.Replace(texts[i])
		}
		return r.line(strings.Join(texts, "\t"))
	case "csv":
		for i := range texts {
			texts[i] = `"` + strings.ReplaceAll(texts[i], `"`, `""`) + `"`
		}
		return r.line(strings.Join(texts, ","))
	case "json":
		var b strings.Builder
		for i, c := range r.columns { // by hand: a map would lose the order
			name, _ := json.Marshal(c.name)
			value, err := json.Marshal(values[i])
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, `%s%s:%s`, map[bool]string{true: "{", false: ","}[i == 0], name, value)
		}
		return r.line(b.String() + "}")
	default:
		if len(r.table) < maxTableRows {
			r.table = append(r.table, texts)
		}
		return nil
	}
}

var tsvEscape = strings.NewReplacer("\\", `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`, "\b", `\b`, "\f", `\f`, "\x00", `\0`)

// header writes CSV's first line, once.
func (r *result) header() error {
	if r.format != "csv" || r.begun {
		return nil
	}
	r.begun = true
	names := make([]string, len(r.columns))
	for i, c := range r.columns {
		names[i] = `"` + strings.ReplaceAll(c.name, `"`, `""`) + `"`
	}
	return r.write(strings.Join(names, ","))
}

// write writes a row in one of the formats for programs.
func (r *result) write(line string) error {
	if r.safe && r.format == "csv" { //guard:safe-csv
		line = safeCSV(line)
	}
	if r.escape { //guard:terminal-escapes
		line = cleanRow(line)
	}
	_, err := io.WriteString(r.w, line+"\n")
	return err
}

func (r *result) end() error {
	if r.format != "table" {
		return r.header()
	}
	names := make([]string, len(r.columns))
	for i, c := range r.columns {
		names[i] = c.name
	}
	numeric := func(i int) bool { return numericType.MatchString(r.columns[i].typ) }
	if err := printTable(r.w, names, numeric, r.table); err != nil {
		return err
	}
	if r.dropped > 0 {
		r.note(fmt.Sprintf("… and %s more rows; add a LIMIT, or use --format tsv, csv or json", comma(r.dropped)))
	}
	return nil
}

var numericType = regexp.MustCompile(`^(Nullable\()?(LowCardinality\()?(U?Int|Float|Decimal)`)
