// Package schema holds the tables as SQL files, applied in the order of their
// names. Every statement may be applied again: a new one goes into a new file,
// and says IF NOT EXISTS.
package schema

import (
	"embed"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
)

//go:embed *.sql
var files embed.FS

// Statement is one statement of a file, ready to run.
type Statement struct {
	File    string // 001_clicks.sql
	Line    int    // of its first word
	Title   string // its first words, for people: CREATE TABLE clicks
	Creates string // table or view that it makes if absent; "" for other statements
	SQL     string
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
			out = append(out, st)
		}
	}
	return out, nil
}

var placeholder = regexp.MustCompile(`[ \t]*\{([a-z_:]+)\}`)

// fill replaces the placeholders; one with an empty clause goes with the space before it.
func fill(text, database string, clauses map[string]string) (string, error) {
	var err error
	text = placeholder.ReplaceAllStringFunc(text, func(m string) string {
		space, name, _ := strings.Cut(strings.TrimSuffix(m, "}"), "{")
		if name == "database" {
			return space + Identifier(database)
		}
		clause, ok := clauses[name]
		if !ok {
			err = fmt.Errorf("nothing fills {%s}", name)
		}
		if clause == "" {
			return ""
		}
		return space + clause
	})
	return text, err
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
