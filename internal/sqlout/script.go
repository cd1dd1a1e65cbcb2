package sqlout

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"rawlogs/internal/sqltext"
	"rawlogs/internal/store"
)

// ErrEmpty reports a text without a statement.
var ErrEmpty = errors.New("the statement is empty")

// Script is the statements of a text, in their order.
type Script struct {
	name       string // of the text; "" has one statement
	of         int    // statements of the text, those that SET included
	statements []statement
}

// statement is one of them, with the settings that it or a SET before it has.
type statement struct {
	number   int // in the text, from 1
	line     int
	text     string
	settings map[string]string
}

// One takes the text of one statement. One that might change data is an *Error, unless
// write lets it.
func One(text string, write bool) (*Script, error) {
	s := statement{number: 1, line: 1, text: text}
	if err := s.prepare(write); err != nil {
		return nil, err
	}
	return &Script{statements: []statement{s}}, nil
}

// Read takes the text of any number of statements, parted by semicolons, under the name
// of where it is from. All of them are looked at before any is run. SET name = value
// holds for the statements after it.
func Read(name, text string, write bool) (*Script, error) {
	parts, err := sqltext.Split(text)
	if err != nil {
		return nil, &Error{fmt.Sprintf("%s: not run: %v", name, err), "", err}
	}
	if len(parts) == 0 {
		return nil, ErrEmpty
	}
	script := &Script{of: len(parts)}
	if len(parts) > 1 {
		script.name = name
	}
	set := map[string]string{}
	for i, p := range parts {
		s := statement{number: i + 1, line: p.Line, text: p.Text}
		if set, err = assigned(set, p.Text, write); err != nil {
			return nil, script.about(s, err)
		}
		if sqltext.Set(p.Text) != nil {
			continue
		}
		s.settings = set
		if err = s.prepare(write); err != nil {
			return nil, script.about(s, err)
		}
		script.statements = append(script.statements, s)
	}
	if len(script.statements) == 0 {
		return nil, ErrEmpty
	}
	return script, nil
}

// assigned is the settings after a statement, which may be a SET.
func assigned(before map[string]string, text string, write bool) (map[string]string, error) {
	set := sqltext.Set(text)
	for _, name := range []string{"readonly", "profile"} {
		if _, lifts := set[name]; lifts && !write { //guard:sql-set
			return nil, &Error{"not run: SET " + name + " lifts the protection against writing", onlyReads, nil}
		}
	}
	after := maps.Clone(before)
	maps.Copy(after, set)
	return after, nil
}

// prepare looks at what the statement may do, and takes its settings out of it: as part
// of a subquery they would not hold for all of it, and who only reads may not set them
// within a statement.
func (s *statement) prepare(write bool) error {
	if !write {
		reading, err := sqltext.Reading(s.text)
		if err != nil {
			return &Error{fmt.Sprintf("not run, as it might change data or reach past the store: %v", err), onlyReads, err}
		}
		s.text = reading.Text
	}
	if !s.answers() {
		return nil
	}
	rest, own := sqltext.Settings(s.text)
	all := maps.Clone(s.settings)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, own)
	s.text, s.settings = rest, all
	return nil
}

// answers reports whether the statement has a result.
func (s *statement) answers() bool {
	first := sqltext.First(s.text)
	return sqltext.Selects(first) || sqltext.Answers(first)
}

// Creates reports whether one of the statements makes something.
func (s *Script) Creates() bool {
	return slices.ContainsFunc(s.statements, func(s statement) bool { return sqltext.First(s.text) == "CREATE" })
}

// Results is the number of statements that have a result.
func (s *Script) Results() int {
	n := 0
	for _, each := range s.statements {
		if each.answers() {
			n++
		}
	}
	return n
}

// Run runs the statements, one after another and up to the first that fails, and writes
// their answers to w. A refusal of the server is an *Error. Without o.Write the script
// must have been read without it.
func (s *Script) Run(ctx context.Context, st *store.Store, w io.Writer, o Options) error {
	shown := 0
	for _, each := range s.statements {
		if each.answers() {
			if shown++; shown > 1 && o.Format == "table" {
				if _, err := io.WriteString(w, "\n"); err != nil {
					return err
				}
			}
		}
		if err := o.run(ctx, st, w, each); err != nil {
			return s.about(each, err)
		}
	}
	return nil
}

// about adds to an error which of several statements it is about.
func (s *Script) about(q statement, err error) error {
	if s.name == "" {
		return err
	}
	return &partError{fmt.Sprintf("%s: statement %d of %d, line %d: %v", s.name, q.number, s.of, q.line, err), err}
}

// partError is an error about one of several statements.
type partError struct {
	text string
	err  error
}

func (e *partError) Error() string { return e.text }
func (e *partError) Unwrap() error { return e.err }
