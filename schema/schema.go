// Package schema holds the tables as SQL files, applied in the order of their
// names. Every statement may be applied again: a new one goes into a new file,
// and says IF NOT EXISTS.
//
// A view may be changed where it stands. Its comment ends with the revision, which
// goes up with each change: stores that have an older one get the new definition.
package schema

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
)

// Version is the schema's, which goes up with each change that an older ingest would
// not understand or an older store lacks: 1 the first tables, 2 names and reports, 3
// issues, 4 listings and this number, 5 what was inexact and which columns were filled, 6 the
// string that takes a conversion's id's place, 7 runs and metrics, 8 events of Firehose,
// names of all ids, 9 the report of conversions, 10 policies for personal data, 11 exchange
// rates, 12 people who were forgotten, 13 roll-ups, 14 months that are over, 15 parts of
// bounded size.
const Version = 15

//go:embed *.sql
var files embed.FS

// Statement is one statement of a file, ready to run.
type Statement struct {
	File    string // 001_clicks.sql
	Line    int    // of its first word
	Title   string // its first words, for people: CREATE TABLE clicks
	Creates string // table or view that it makes if absent; "" for other statements
	SQL     string
	// View is what a view's statement says of itself; nil for other statements.
	View *View
	// Columns are those of a table, in order; nil for other statements.
	Columns []Column
	// Indexes are those of a table that came after its first version.
	Indexes []Index
	// RollUps are the aggregate projections of a table.
	RollUps []RollUp
}

// RollUp is an aggregate projection of a table: sums by a few columns, which the server
// writes with each part and takes back with its rows, so that they are as exact as these.
type RollUp struct {
	Name       string
	Keys       string // what is grouped by, as an expression list
	Sums       string // what is summed for each
	Definition string // name and query
	Since      int    // the version that brought it
}

// rollUpLine is a roll-up's line in a table's definition: first its keys, then its sums.
var rollUpLine = regexp.MustCompile(`^    PROJECTION (([a-z_]+) \(SELECT .*?, (count\(\).*) GROUP BY (.*)\)),? *--since:([0-9]+)$`)

func rollUps(sql string) []RollUp {
	var out []RollUp
	for line := range strings.SplitSeq(sql, "\n") {
		if !strings.HasPrefix(line, "    PROJECTION ") {
			continue
		}
		m := rollUpLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if since, err := strconv.Atoi(m[5]); err == nil {
			out = append(out, RollUp{m[2], m[4], m[3], m[1], since})
		}
	}
	return out
}

// Index is an index of one column as a table's definition has it.
type Index struct {
	Column     string
	Name       string
	Definition string // name, column, type and granularity
	Since      int    // the version that brought it
}

var indexLine = regexp.MustCompile(`^    INDEX (([a-z_]+) ([a-z_]+) [A-Z].*?),? *--since:([0-9]+)$`)

func indexes(sql string) []Index {
	var out []Index
	for line := range strings.SplitSeq(sql, "\n") {
		if !strings.HasPrefix(line, "    INDEX ") {
			continue
		}
		m := indexLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if since, err := strconv.Atoi(m[4]); err == nil {
			out = append(out, Index{m[3], m[2], m[1], since})
		}
	}
	return out
}

// Column is a column of a table as its definition has it.
type Column struct {
	Name       string
	Definition string // name, type, default and comment
	Since      int    // the version that brought it; 1 where its line does not say
	Retyped    int    // the version that gave it this type, metadata alone; 0: it always had it
}

// columns reads the lines of a table's definition that are columns: each has its own. One
// that came later ends with the version that brought it: --since:5; or that gave it another
// type: --retyped:14
func columns(sql string) []Column {
	var out []Column
	for line := range strings.SplitSeq(sql, "\n") {
		if c, ok := column(line); ok {
			out = append(out, c)
		}
	}
	return out
}

// column reads the line of a column. It is taken apart by hand, as is what fill looks at:
// every command reads all definitions, and regular expressions take five times as long.
func column(line string) (Column, bool) {
	line, ok := strings.CutPrefix(line, "    ")
	name := line[:len(line)-len(strings.TrimLeft(line, "abcdefghijklmnopqrstuvwxyz0123456789_"))]
	definition := strings.TrimLeft(line[len(name):], " ")
	if !ok || name == "" || '0' <= name[0] && name[0] <= '9' || len(name)+len(definition) == len(line) ||
		definition == "" || definition[0] < 'A' || definition[0] > 'Z' {
		return Column{}, false
	}
	since, retyped := 1, 0
	for mark, version := range map[string]*int{"--since:": &since, "--retyped:": &retyped} {
		if text, number, ok := cutLast(definition, mark); ok {
			if n, err := strconv.Atoi(number); err == nil {
				definition, *version = strings.TrimRight(text, " "), n
			}
		}
	}
	return Column{name, name + " " + strings.TrimSuffix(definition, ","), since, retyped}, true
}

// cutLast is strings.Cut around the last sep.
func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// View is a view by its comment, which tells ours from an analyst's.
type View struct {
	Comment  string // in full
	Former   string // as it was before comments named revisions
	Revision int
	Source   string // a table that it reads
	Replace  string // SQL that puts it in the place of another revision
}

var revision = regexp.MustCompile(` Made by ingest, revision ([0-9]+)\.$`)

// Revision reads the revision that a view's comment names; 0 where it names none.
func Revision(comment string) int {
	m := revision.FindStringSubmatch(comment)
	if m == nil {
		return 0
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return 0
	}
	return n
}

var (
	viewComment = regexp.MustCompile(`^'((?:[^']|'')*)'$`)
	viewSource  = regexp.MustCompile(`FROM \{database\}\.([a-z_]+)`)
)

// view reads what a statement that makes a view says; text has its placeholders
// yet, sql has them filled.
func view(text, sql string) (*View, error) {
	_, last, _ := cutLast(text, "COMMENT ") // the view's own: those of columns come before
	comment, source := viewComment.FindStringSubmatch(last), viewSource.FindStringSubmatch(text)
	if comment == nil || source == nil {
		return nil, errors.New("a view needs a comment at its end and a source")
	}
	v := &View{Comment: strings.ReplaceAll(comment[1], "''", "'"), Source: source[1]}
	v.Revision = Revision(v.Comment)
	if v.Revision == 0 {
		return nil, errors.New("the comment of a view ends with: Made by ingest, revision N")
	}
	v.Former = revision.ReplaceAllString(v.Comment, "")
	v.Replace = strings.Replace(sql, "CREATE VIEW IF NOT EXISTS", "CREATE OR REPLACE VIEW", 1)
	return v, nil
}

// Statements returns all statements in order for a database. clauses fill the
// placeholders in braces, which are where the shape of the store shows; one
// that has no clause is an error.
func Statements(database string, clauses map[string]string) ([]Statement, error) {
	names, err := fs.Glob(files, "*.sql") // in order
	if err != nil {
		return nil, err
	}
	var out []Statement
	for _, name := range names {
		raw, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		for _, piece := range split(string(raw)) {
			st := Statement{File: name, Line: piece.line}
			st.Title, st.Creates = title(piece.text)
			if st.SQL, err = fill(piece.text, database, clauses); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", name, piece.line, err)
			}
			if strings.HasPrefix(st.Title, "CREATE TABLE") {
				st.Columns, st.Indexes, st.RollUps = columns(st.SQL), indexes(st.SQL), rollUps(st.SQL)
			}
			if strings.HasPrefix(st.Title, "CREATE VIEW") {
				if st.View, err = view(piece.text, st.SQL); err != nil {
					return nil, fmt.Errorf("%s:%d: %w", name, piece.line, err)
				}
			}
			out = append(out, st)
		}
	}
	return out, nil
}

// fill replaces the placeholders; one with an empty clause goes with the space after it.
func fill(text, database string, clauses map[string]string) (string, error) {
	var b strings.Builder
	var err error
	for {
		before, rest, found := strings.Cut(text, "{")
		if !found {
			b.WriteString(text)
			return b.String(), err
		}
		after := strings.TrimLeft(rest, "abcdefghijklmnopqrstuvwxyz_:")
		name := rest[:len(rest)-len(after)]
		if name == "" || !strings.HasPrefix(after, "}") {
			b.WriteString(before + "{")
			text = rest
			continue
		}
		clause, ok := clauses[name]
		switch {
		case name == "database":
			clause = Identifier(database)
		case !ok:
			err = fmt.Errorf("nothing fills {%s}", name)
		}
		b.WriteString(before + clause)
		text = after[1:]
		if clause == "" {
			text = strings.TrimPrefix(text, " ")
		}
	}
}

var create = regexp.MustCompile(`^CREATE (TABLE|VIEW) IF NOT EXISTS \{database\}\.([a-z_]+)`)

// title names a statement by its first words, and the table or view that it creates.
func title(text string) (title, creates string) {
	if m := create.FindStringSubmatch(text); m != nil {
		return "CREATE " + m[1] + " " + m[2], m[2]
	}
	words := strings.Fields(strings.ReplaceAll(text, "{database}.", ""))
	return strings.Join(words[:min(len(words), 5)], " "), ""
}
