package session

import (
	"fmt"
	"io"
	"strings"

	"rawlogs/internal/plain"
	"rawlogs/internal/term"
)

// Print writes what a refresh did as a table, or nothing where it did nothing.
func (n Names) Print(w io.Writer) error {
	if len(n.Entities) == 0 {
		return nil
	}
	var rows [][]string
	for _, e := range n.Entities {
		note := e.Error
		if note == "" && e.Resumed {
			note = "went on where an earlier refresh had stopped"
		}
		rows = append(rows, []string{e.Entity, term.Count(e.Rows), term.Count(e.Changed), term.Count(e.Vanished), note})
	}
	if _, err := fmt.Fprintf(w, "network %s\n", plain.Text(n.Network)); err != nil {
		return err
	}
	if err := term.Table(w, []string{"", "rows", "changed", "vanished", ""}, func(i int) bool { return i >= 1 && i <= 3 }, rows); err != nil {
		return err
	}
	if len(n.Views) > 0 {
		_, err := fmt.Fprintf(w, "the server allows no dictionaries: %s are views, for JOIN\n", plain.Text(strings.Join(n.Views, ", ")))
		return err
	}
	return nil
}

// Print writes a line, and a second one where there is something to do.
func (f Finding) Print(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "%-4s  %-12s  %s\n", plain.Text(f.Level), plain.Text(f.What), plain.Text(f.Detail)); err != nil {
		return err
	}
	if f.Hint != "" && f.Level != "ok" {
		_, err := fmt.Fprintf(w, "%20s%s\n", "", plain.Text(f.Hint))
		return err
	}
	return nil
}
