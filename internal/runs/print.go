package runs

import (
	"cmp"
	"fmt"
	"io"
	"time"

	"rawlogs/internal/plain"
	"rawlogs/internal/term"
)

// words say an outcome to people.
var words = map[Outcome]string{
	Running: "running", Died: "died", Done: "done", Failed: "failed", Settings: "wrong settings", Incomplete: "done, with issues",
	Differs: "totals differ", Held: "lease held", Interrupted: "interrupted",
}

// String says the outcome to people.
func (o Outcome) String() string { return cmp.Or(words[o], string(o)) }

// Print writes runs as a table.
func Print(w io.Writer, all []Run) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(w, "no runs")
		return err
	}
	rows := make([][]string, len(all))
	for i, r := range all {
		command := r.Command
		if r.Worker != "" {
			command += " " + r.Worker
		}
		rows[i] = []string{term.Minute(r.Begun), term.Duration(time.Duration(r.Seconds * float64(time.Second))), command,
			cmp.Or(r.Network, "(all)"), r.Outcome.String(), files(r), term.Count(r.Rows), term.Shorten(plain.Text(r.Error))}
	}
	return term.Table(w, []string{"begun (UTC)", "took", "command", "network", "outcome", "files", "rows", "error"}, func(i int) bool { return i == 1 || i == 6 }, rows)
}

// files sums up what became of a run's files.
func files(r Run) string {
	if r.Listed == 0 {
		return ""
	}
	text := term.Count(r.Loaded) + " loaded"
	if r.Failed > 0 {
		text += ", " + term.Count(r.Failed) + " failed"
	}
	if r.Left > 0 {
		text += ", " + term.Count(r.Left) + " left"
	}
	return text
}
