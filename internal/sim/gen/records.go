package gen

import (
	"strings"
	"time"
)

// Records returns the values that a file's events have in the columns, whatever its
// header: those of its good rows in their order, and those of the lines that are broken
// in the file behind them, as both happened. Values are texts without quotes.
func (n *Network) Records(s Spec, columns []string) [][]string {
	clk := &clock{zone: s.Zone}
	if clk.zone == nil {
		clk.zone = time.UTC
	}
	good, broken := n.size(s)
	plan := n.plan(s, columns, clk)
	key := n.hourKey(s.Type, s.Hour)
	records := make([][]string, 0, good+broken)
	var (
		r    row
		cell []byte
	)
	for i := range good + broken {
		n.fill(&r, s, key, i, good)
		if i >= good {
			r.noise = noNoise
		}
		record := make([]string, len(columns))
		for j, f := range plan.fields {
			if f.cell == nil {
				record[j] = unquoted(f.constant)
				continue
			}
			cell = f.cell(cell[:0], &r)
			record[j] = unquoted(string(cell))
		}
		records = append(records, record)
	}
	return records
}

// size is the number of good rows and of broken lines that a file has.
func (n *Network) size(s Spec) (good, broken int) {
	switch {
	case s.Empty:
		return 0, 0
	case s.Rows == 0:
		return n.Rows(s.Type, s.Hour), s.Broken
	}
	return s.Rows, s.Broken
}

// unquoted undoes quoted; a bare cell stays as it is.
func unquoted(cell string) string {
	if len(cell) < 2 || cell[0] != '"' {
		return cell
	}
	return strings.ReplaceAll(cell[1:len(cell)-1], `""`, `"`)
}
