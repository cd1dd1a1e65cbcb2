package sqlout

import (
	"context"
	"reflect"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"rawlogs/internal/sqltext"
)

// querier is the part of a connection that a statement needs.
type querier interface {
	Query(ctx context.Context, query string, args ...any) (driver.Rows, error)
	Exec(ctx context.Context, query string, args ...any) error
}

// run runs query and writes its result to out. Values are formatted by
// ClickHouse itself: the query becomes a subquery of formatRow, so that over
// the native protocol too every type looks as in clickhouse-client. The query's
// lines stay the lines that the server counts.
func run(ctx context.Context, conn querier, out *result, query string) error {
	switch first := sqltext.First(query); {
	case sqltext.Selects(first):
	case sqltext.Answers(first):
		return runPlain(ctx, conn, out, query)
	default:
		return conn.Exec(ctx, query)
	}
	if out.headed() { // a large view takes as long to describe as to ask
		var err error
		if out.columns, err = describe(ctx, conn, query); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	rows, err := conn.Query(ctx, "SELECT formatRowNoNewline('"+out.clickhouseFormat()+"', *) FROM ("+query+"\n)")
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

// column is one column of a result.
type column struct{ name, typ string }

func describe(ctx context.Context, conn querier, query string) ([]column, error) {
	rows, err := conn.Query(ctx, "SELECT * FROM ("+query+"\n) LIMIT 0")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns := columnsOf(rows) // now: at the end, clickhouse-go has forgotten them
	for rows.Next() {          // to the end, where errors are
	}
	return columns, rows.Err()
}

func columnsOf(rows driver.Rows) []column {
	var columns []column
	for _, c := range rows.ColumnTypes() {
		columns = append(columns, column{c.Name(), c.DatabaseTypeName()})
	}
	return columns
}

// runPlain prints what statements other than SELECT answer: names, numbers
// and texts, which cannot be a subquery.
func runPlain(ctx context.Context, conn querier, out *result, query string) error {
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
