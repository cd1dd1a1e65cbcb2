package evolve

import (
	"fmt"
	"io"

	"rawlogs/internal/plain"
	"rawlogs/internal/term"
)

// Print writes the columns, and the headers that got none, as a table.
func (r *Report) Print(w io.Writer) error {
	made, moved := "column made", "moved"
	if r.DryRun {
		made, moved = "column to make", "to move"
	}
	var rows [][]string
	for _, c := range r.Columns {
		what := made
		if !c.New {
			what = "column was there"
		}
		rows = append(rows, []string{c.Table, c.Header, c.Type, what, term.Count(c.Moved), term.Count(c.Left), term.Shorten(c.Example)})
	}
	for _, s := range r.Skipped {
		rows = append(rows, []string{s.Table, s.Header, "", "no column: " + s.Why, "", term.Count(s.Rows), ""})
	}
	if len(rows) > 0 {
		header := []string{"table", "header", "type", "what", moved, "left", "example"}
		if err := term.Table(w, header, func(i int) bool { return i == 4 || i == 5 }, rows); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%s, %s without\n", term.Plural(len(r.Columns), "column"), term.Plural(len(r.Skipped), "header"))
	return err
}

// Print writes the headers as a table, and a line for each column without values.
func (d Drifts) Print(w io.Writer) error {
	var rows [][]string
	for _, h := range d.Headers {
		what := "no column; evolve would make " + h.Type
		if h.Column {
			what = "has a column; these did not fit"
		}
		rows = append(rows, []string{h.Table, h.Header, term.Minute(h.First), term.Minute(h.Last), term.Count(h.Rows), term.Count(h.Files), what, term.Shorten(h.Example)})
	}
	if len(rows) > 0 {
		header := []string{"table", "header", "first file", "last file", "rows", "files", "what", "example"}
		if err := term.Table(w, header, func(i int) bool { return i == 4 || i == 5 }, rows); err != nil {
			return err
		}
	}
	for _, u := range d.Unused {
		last := "never had a value"
		if !u.Last.IsZero() {
			last = "last had a value in the file of " + term.Minute(u.Last)
		}
		if _, err := fmt.Fprintf(w, "%s.%s %s\n", u.Table, plain.Text(u.Column), last); err != nil {
			return err
		}
	}
	for _, u := range d.Unfilled {
		if _, err := fmt.Fprintln(w, plain.Text(u.String())); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%s in _rescued\n", term.Plural(len(d.Headers), "header"))
	return err
}
