package faults

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/store"
)

// dataColumns leaves out the lineage.
func dataColumns(columns []store.Column) []store.Column {
	return slices.DeleteFunc(columns, func(c store.Column) bool { return c.Name == "network" || strings.HasPrefix(c.Name, "_") })
}

// byFile sorts lines that begin with file:line by file.
func byFile(lines []string) map[string][]string {
	out := make(map[string][]string)
	slices.Sort(lines)
	for _, line := range lines {
		file, rest, _ := strings.Cut(line, ":")
		out[file] = append(out[file], rest)
	}
	return out
}

func (tc textCase) compare(t *testing.T, e checkpoint.Entry, rows, rejected []string) {
	t.Helper()
	if diff := cmp.Diff(tc.rows, rows); diff != "" {
		t.Errorf("%.60q: rows (-want +got):\n%.2000s", tc.name, diff)
	}
	if diff := cmp.Diff(tc.rejected, rejected); diff != "" {
		t.Errorf("%.60q: rejected (-want +got):\n%.2000s", tc.name, diff)
	}
	if tc.failed != "" {
		if e.State != checkpoint.Failed || !strings.Contains(e.Error, tc.failed) {
			t.Errorf("%.60q: %s %q, want failed with %q", tc.name, e.State, e.Error, tc.failed)
		}
		return
	}
	lines, rescued := tc.lines, uint64(0)
	if n := len(tc.rows) + len(tc.rejected); n > 0 {
		lines = uint64(1 + n)
	}
	for _, row := range tc.rows {
		if strings.Contains(row, `~"`) {
			rescued++
		}
	}
	if e.State != checkpoint.Loaded || e.Lines != lines || e.Rows != uint64(len(tc.rows)) || e.Rejected != uint64(len(tc.rejected)) || e.Rescued != rescued {
		t.Errorf("%.60q: ledger %s, %d lines, %d rows, %d rejected, %d rescued; want %d, %d, %d, %d", tc.name, e.State,
			e.Lines, e.Rows, e.Rejected, e.Rescued, lines, len(tc.rows), len(tc.rejected), rescued)
	}
}
