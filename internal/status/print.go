package status

import (
	"fmt"
	"io"
	"slices"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/plain"
	"rawlogs/internal/term"
)

// Print writes the days as a table, their sums, and what is wrong.
func (r Report) Print(w io.Writer) error {
	header := []string{"type", "day", "loaded", "loading", "failed", "missing", "rows", "rejected", "rescued", "zips", "double hours"}
	expired := slices.ContainsFunc(r.Days, func(d Day) bool { return d.Expired > 0 })
	if expired {
		header = slices.Insert(header, 5, "expired")
	}
	var rows [][]string
	var total Day
	var missing int64
	for _, d := range r.Days {
		text := "?"
		if d.Missing != nil {
			text, missing = term.Count(*d.Missing), missing+*d.Missing
		}
		row := []string{d.Type, d.Day, term.Count(d.Loaded), term.Count(d.Loading), term.Count(d.Failed), text,
			term.Count(d.Rows), term.Count(d.Rejected), term.Count(d.Rescued), term.Size(d.Bytes), term.Count(d.DoubleHours)}
		if expired {
			row = slices.Insert(row, 5, term.Count(d.Expired))
		}
		rows = append(rows, row)
		total.Loaded, total.Failed, total.Expired, total.Rows = total.Loaded+d.Loaded, total.Failed+d.Failed, total.Expired+d.Expired, total.Rows+d.Rows
	}
	if _, err := fmt.Fprintf(w, "network %s: %s → %s\n", plain.Text(r.Network), plain.Text(r.Source), plain.Text(r.Store)); err != nil {
		return err
	}
	if len(rows) > 0 {
		if err := term.Table(w, header, func(i int) bool { return i > 1 }, rows); err != nil {
			return err
		}
	}
	line := fmt.Sprintf("%s loaded, %s failed", term.Plural(int(total.Loaded), "file"), term.Count(total.Failed))
	if expired {
		line += ", " + term.Count(total.Expired) + " expired"
	}
	if r.Listed {
		line += ", " + term.Count(missing) + " missing"
	}
	if _, err := fmt.Fprintf(w, "%s; %s rows\n", line, term.Count(total.Rows)); err != nil {
		return err
	}
	for _, line := range r.trouble() {
		if _, err := fmt.Fprintln(w, plain.Text(line)); err != nil {
			return err
		}
	}
	return nil
}

// trouble is a line for each thing that is wrong.
func (r Report) trouble() []string {
	var lines []string
	for _, f := range r.Failures {
		lines = append(lines, "failed: "+f.Type+" "+f.Name+": "+f.Error)
	}
	for _, f := range r.Late {
		lines = append(lines, "late: "+f.Type+" "+f.Name+": "+f.Error)
	}
	for _, f := range r.Lost {
		lines = append(lines, "lost: "+f.Type+" "+f.Name+": not loaded, and no longer listed by the source")
	}
	for _, i := range r.Issues {
		if i.Kind == string(checkpoint.Unloaded) || i.Kind == string(checkpoint.Lost) {
			continue // said above
		}
		lines = append(lines, i.Kind+": "+i.Type+" "+i.Name+": "+i.Text)
	}
	for _, u := range r.Unfilled {
		if u = u.Vital(); len(u.Columns) > 0 {
			lines = append(lines, u.String())
		}
	}
	for _, text := range r.Warnings {
		lines = append(lines, "warning: "+text)
	}
	return lines
}
