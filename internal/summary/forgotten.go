package summary

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"rawlogs/internal/pipeline"
	"rawlogs/internal/plain"
	"rawlogs/internal/term"
)

// PrintForgotten writes what `ingest forget` did for people.
func PrintForgotten(f pipeline.Forgotten) func(io.Writer) error {
	return func(w io.Writer) error {
		var b strings.Builder
		did, lines := "forgotten", "withheld"
		if f.DryRun {
			did, lines = "to forget", "to withhold"
		}
		fmt.Fprintf(&b, "network %s: %s", plain.Text(f.Network), term.Plural(f.Values, "value"))
		if f.Known > 0 {
			fmt.Fprintf(&b, ", %d of them with a receipt from before", f.Known)
		}
		if f.Resumed > 0 {
			fmt.Fprintf(&b, " (%d not finished then)", f.Resumed)
		}
		var total uint64
		for _, n := range f.Rows {
			total += n
		}
		fmt.Fprintf(&b, "\nrows   %s %s, of %s", did, term.Count(total), term.Plural(f.Files, "file"))
		var parts []string
		for _, table := range slices.Sorted(maps.Keys(f.Rows)) {
			parts = append(parts, table+" "+term.Count(f.Rows[table]))
		}
		if len(parts) > 0 {
			fmt.Fprintf(&b, "   (%s)", strings.Join(parts, ", "))
		}
		fmt.Fprintf(&b, "\nlines  %s %s, of rejected_rows\n", lines, term.Count(f.Lines))
		_, err := io.WriteString(w, b.String())
		return err
	}
}
