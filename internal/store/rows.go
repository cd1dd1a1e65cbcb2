package store

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"rawlogs/internal/rawlog"
)

// RejectedRows is the table of the lines that were no rows.
const RejectedRows = "rejected_rows"

// Scope names rows of one network and log type: those of the type's own table,
// or its rejected lines.
type Scope struct {
	Network  string
	Type     rawlog.Type
	Rejected bool
	Hours    rawlog.Period // of the files; keeps a statement to their partitions. Zero: all
}

// Table is where the rows are.
func (c Scope) Table() string {
	if c.Rejected {
		return RejectedRows
	}
	return string(c.Type)
}

// file names the column of a row's file: raw tables keep theirs apart from the
// source's columns by an underscore.
func (c Scope) file() string {
	if c.Rejected {
		return "file"
	}
	return "_file"
}

func (c Scope) count() string {
	if c.Rejected {
		return "countIf(piece = 0)"
	}
	return "count()"
}

func (c Scope) where() (string, []any) {
	where, args := "network = ?", []any{c.Network}
	hour := "_hour"
	if c.Rejected {
		hour = "hour"
		where += " AND log_type = ?"
		args = append(args, string(c.Type))
	}
	if c.Hours != (rawlog.Period{}) {
		where += " AND " + hour + " >= fromUnixTimestamp(?) AND " + hour + " < fromUnixTimestamp(?)"
		args = append(args, c.Hours.From.Unix(), c.Hours.To.Unix())
	}
	return where, args
}

// Rows names what one INSERT brought of one file: the unit in which rows are
// vouched for by the ledger, or disowned and deleted.
type Rows struct {
	File   string
	Insert uint64 // _insert of the rows
}

// InsertRange is the ids from First up to but not including End.
type InsertRange struct{ First, End uint64 }

// Holds reports whether the range has the id.
func (r InsertRange) Holds(id uint64) bool { return id >= r.First && id < r.End }

// statementBytes bounds the names in one statement, whose text the server
// bounds at 256 KiB by default; binding may double a hostile name.
const statementBytes = 64 << 10

// chunks cuts values so that what they add to a statement's text stays bounded.
func chunks[T any](values []T, size func(T) int) iter.Seq[[]T] {
	return func(yield func([]T) bool) {
		for len(values) > 0 {
			n, bytes := 0, 0
			for n < len(values) && (n == 0 || bytes < statementBytes) {
				bytes += size(values[n]) + 32
				n++
			}
			if !yield(values[:n]) {
				return
			}
			values = values[n:]
		}
	}
}

// countRows counts the rows of files by file and INSERT; without files, of all
// files in scope. What has no rows is absent. Of a rejected line that was cut into
// pieces the first counts, so an INSERT that holds only later ones counts 0.
func (s *Server) countRows(ctx context.Context, c Scope, files ...string) (map[Rows]uint64, error) {
	counts := map[Rows]uint64{}
	if len(files) == 0 {
		return counts, s.countInto(ctx, counts, c, "true")
	}
	for chunk := range chunks(files, func(name string) int { return len(name) }) {
		if err := s.countInto(ctx, counts, c, c.file()+" IN ?", chunk); err != nil {
			return nil, err
		}
	}
	return counts, nil
}

// countInserts counts the rows whose INSERT lies in one of the ranges, by file
// and INSERT. The minmax index on _insert makes it cheap.
func (s *Server) countInserts(ctx context.Context, c Scope, ranges []InsertRange) (map[Rows]uint64, error) {
	counts := map[Rows]uint64{}
	for chunk := range chunks(ranges, func(InsertRange) int { return 64 }) {
		var conds []string
		var args []any
		for _, r := range chunk {
			conds = append(conds, "(_insert >= ? AND _insert < ?)")
			args = append(args, r.First, r.End)
		}
		if err := s.countInto(ctx, counts, c, "("+strings.Join(conds, " OR ")+")", args...); err != nil {
			return nil, err
		}
	}
	return counts, nil
}

func (s *Server) countInto(ctx context.Context, counts map[Rows]uint64, c Scope, cond string, args ...any) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("counting rows of %s: %w", c.Table(), err)
		}
	}()
	where, bound := c.where()
	rows, err := s.Conn().Query(s.Wide(ctx), "SELECT "+c.file()+", _insert, "+c.count()+" FROM "+s.Holding(c.Table())+
		" WHERE "+where+" AND "+cond+" GROUP BY "+c.file()+", _insert", append(bound, args...)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var r Rows
		var n uint64
		if err := rows.Scan(&r.File, &r.Insert, &n); err != nil {
			return err
		}
		counts[r] = n
	}
	return rows.Err()
}

// CountInsert counts the rows that an INSERT left in a table.
func (s *Server) CountInsert(ctx context.Context, table string, insert uint64) (uint64, error) {
	var n uint64
	if err := s.Sync(ctx, table); err != nil { //guard:counted-after-sync
		return 0, err
	}
	err := s.Conn().QueryRow(ctx, "SELECT count() FROM "+s.Holding(table)+" WHERE _insert = ?", insert).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("counting the rows of insert %d in %s: %w", insert, table, err)
	}
	return n, nil
}
