package report

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

	"rawlogs/internal/plain"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/term"
)

// Result is the answer to a question over periods. Its JSON names are a promise.
type Result struct {
	Network  string            `json:"network"`
	Question string            `json:"question"`
	Text     string            `json:"text"`
	Days     int               `json:"days"`
	Calls    int               `json:"calls"`
	Kept     bool              `json:"kept"`
	Rows     []Row             `json:"rows"`
	Count    int               `json:"count"`
	Totals   map[string]string `json:"totals,omitempty"`

	question Question
}

// Gather asks about each of the periods and hands every answer to keep, which may be
// nil. The result holds the first rows, at most so many, without a hole; Count is of
// all of them.
func (a *Asker) Gather(ctx context.Context, network string, q Question, periods []rawlog.Period, most int, keep func(Answer) error) (Result, error) {
	out := Result{Network: network, Question: q.ID(), Text: q.Text(), Kept: keep != nil, Rows: []Row{}, question: q}
	totals := map[string]Decimal{}
	for _, p := range periods {
		err := a.Ask(ctx, q, p, func(answer Answer) error {
			out.Calls += answer.Calls
			out.Count += len(answer.Rows)
			out.Days += int(answer.To.Sub(answer.From).Hours() / 24)
			out.Rows = append(out.Rows, answer.Rows[:min(len(answer.Rows), most-len(out.Rows))]...)
			for name, v := range answer.Totals {
				totals[name] = totals[name].Add(v)
			}
			if keep == nil {
				return nil
			}
			return keep(answer)
		})
		if err != nil {
			return out, err
		}
	}
	if a.Totals {
		out.Totals = map[string]string{}
		for name, v := range totals {
			out.Totals[name] = v.String()
		}
	}
	return out, nil
}

// Print writes the rows as a table, the network's totals, and what was asked.
func (r Result) Print(w io.Writer) error {
	header := slices.Concat(r.question.Groups, r.question.Fields)
	var rows [][]string
	for _, row := range r.Rows {
		cells := make([]string, len(header))
		for i, name := range header {
			cells[i] = row[name]
		}
		rows = append(rows, cells)
	}
	if len(rows) > 0 {
		numeric := func(i int) bool { return i >= len(r.question.Groups) }
		if err := term.Table(w, header, numeric, rows); err != nil {
			return err
		}
	}
	var lines []string
	if rest := r.Count - len(r.Rows); rest > 0 {
		lines = append(lines, fmt.Sprintf("… and %s more rows; --json prints all", term.Count(rest)))
	}
	for _, name := range slices.Sorted(maps.Keys(r.Totals)) {
		lines = append(lines, fmt.Sprintf("total %s: %s", name, r.Totals[name]))
	}
	kept := "nothing stored (--dry-run)"
	if r.Kept {
		kept = "stored in report_stats as question " + r.Question
	}
	lines = append(lines, fmt.Sprintf("%s of %s by %s: %s", term.Plural(r.Count, "row"), term.Plural(r.Days, "day"), term.Plural(r.Calls, "call"), kept))
	for _, line := range lines {
		if _, err := fmt.Fprintln(w, plain.Text(line)); err != nil {
			return err
		}
	}
	return nil
}
