package reconcile

import (
	"fmt"
	"io"
	"math/big"
	"strings"

	"rawlogs/internal/plain"
	"rawlogs/internal/term"
)

// Print writes the lines that differ as a table, the evidence under
// it, and a line for each type.
func (r *Report) Print(w io.Writer, all bool) error {
	header := []string{"type", "day"}
	if r.By != Day {
		header = append(header, string(r.By))
	}
	first := len(header)
	header = append(header, "store", "network", "difference", "share", "probable reason")
	var rows [][]string
	var evidence []string
	for _, l := range r.Lines {
		if l.Difference == 0 && !all {
			continue
		}
		row := []string{string(l.Type), l.Day}
		if l.Hour != nil {
			row = append(row, fmt.Sprintf("%02d:00", *l.Hour))
		}
		if l.Offer != nil {
			row = append(row, fmt.Sprint(*l.Offer))
		}
		rows = append(rows, append(row, term.Count(l.Store), term.Count(l.Network), signed(l.Difference), share(l), kinds(l)))
		evidence = append(evidence, evidenceOf(l, row)...)
	}
	if len(rows) > 0 {
		if err := term.Table(w, header, func(i int) bool { return i >= first && i < first+4 }, rows); err != nil {
			return err
		}
	}
	for _, line := range evidence {
		if _, err := fmt.Fprintf(w, "  %s\n", plain.Text(line)); err != nil {
			return err
		}
	}
	for _, a := range r.Access {
		if _, err := fmt.Fprintf(w, "  %s: access_control_decision: %s\n", a.Type, plain.Text(a.Text)); err != nil {
			return err
		}
	}
	if err := r.printRows(w); err != nil {
		return err
	}
	for _, note := range r.Notes {
		if _, err := fmt.Fprintf(w, "  %s\n", plain.Text(note)); err != nil {
			return err
		}
	}
	for _, t := range r.Totals {
		if _, err := fmt.Fprintf(w, "%s %s..%s (%s): store %s, network %s: %s\n", t.Type, r.From, r.To, r.Zone, term.Count(t.Store), term.Count(t.Network), t.verdict(r.By)); err != nil {
			return err
		}
	}
	return nil
}

// verdict sums up the lines.
func (t Total) verdict(by By) string {
	if t.Difference == 0 && t.Agree == t.Lines {
		return "agree"
	}
	text := fmt.Sprintf("difference %s; %d of %s agree, %d beyond the tolerance", signed(t.Difference), t.Agree, term.Plural(t.Lines, string(by)), t.Beyond)
	if t.Open > 0 {
		text += fmt.Sprintf(", %d not due yet", t.Open)
	}
	if t.Expired > 0 {
		text += fmt.Sprintf(", %d expired", t.Expired)
	}
	return text
}

// printRows says which conversions only the log or only the report has.
func (r *Report) printRows(w io.Writer) error {
	var log, report int64
	var lines []string
	for _, d := range r.Rows {
		log, report = log+d.Log, report+d.Report
		lines = append(lines, d.text()...)
	}
	if len(r.Rows) > 0 && len(lines) == 0 {
		lines = []string{fmt.Sprintf("conversions, row by row: the %s of the raw log and the %s of the network's report on %s are the same",
			term.Count(log), term.Count(report), term.Plural(len(r.Rows), "day"))}
	}
	for _, line := range lines {
		if _, err := fmt.Fprintf(w, "  %s\n", plain.Text(line)); err != nil {
			return err
		}
	}
	return nil
}

func signed(n int64) string {
	if n > 0 {
		return "+" + term.Count(n)
	}
	return term.Count(n)
}

// share is a difference in hundredths of what the network says.
func share(l Line) string {
	switch {
	case l.Difference == 0:
		return ""
	case l.Network == 0:
		return "–"
	}
	return new(big.Rat).Mul(big.NewRat(l.Difference, l.Network), big.NewRat(100, 1)).FloatString(2) + "%"
}

func kinds(l Line) string {
	var words []string
	for _, c := range l.Reasons {
		words = append(words, string(c.Kind))
	}
	if l.Within && l.Difference != 0 {
		words = append(words, "(within the tolerance)")
	}
	return strings.Join(words, ", ")
}

// evidenceOf says what shows each reason of a line.
func evidenceOf(l Line, row []string) []string {
	var lines []string
	for _, c := range l.Reasons {
		count := ""
		if c.Rows != 0 {
			count = " " + signed(c.Rows)
		}
		lines = append(lines, fmt.Sprintf("%s: %s%s: %s", strings.Join(row, " "), c.Kind, count, c.Text))
	}
	return lines
}
