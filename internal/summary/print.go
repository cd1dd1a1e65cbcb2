package summary

import (
	"fmt"
	"io"
	"strings"
	"time"

	"rawlogs/internal/plain"
	"rawlogs/internal/term"
)

// String prints the sums so that they reconcile on sight, and names some of what they
// count.
func (s Load) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "network %s: %s → %s\n", plain.Text(s.Network), plain.Text(s.Source), plain.Text(s.Store))
	f := s.Files
	left := ""
	if f.Left > 0 {
		left = fmt.Sprintf(" + %s left", term.Count(f.Left))
		if s.DryRun {
			left = fmt.Sprintf(" + %s to load", term.Count(f.Left))
		}
	}
	if f.Expired > 0 {
		left = fmt.Sprintf(" + expired %s", term.Count(f.Expired)) + left
	}
	fmt.Fprintf(&b, "files  listed %s = already loaded %s + loaded %s + failed %s%s\n",
		term.Count(f.Listed), term.Count(f.AlreadyLoaded), term.Count(f.Loaded), term.Count(f.Failed), left)
	if !s.DryRun {
		fmt.Fprintf(&b, "rows   read %s = stored %s + rejected %s", term.Count(s.Rows+s.Rejected+s.Forgotten), term.Count(s.Rows), term.Count(s.Rejected))
		if s.Forgotten > 0 {
			fmt.Fprintf(&b, " + forgotten %s", term.Count(s.Forgotten))
		}
		if s.Rescued > 0 {
			fmt.Fprintf(&b, "   (%s with something in _rescued", term.Count(s.Rescued))
			if s.Inexact > 0 {
				fmt.Fprintf(&b, ", %s of them inexact", term.Count(s.Inexact))
			}
			b.WriteString(")")
		}
		fmt.Fprintf(&b, "\nzips   %s in %s, %s\n", term.Size(s.Bytes), term.Plural(s.Inserts, "insert"), term.Duration(s.elapsed))
	}
	for _, n := range []struct {
		n    int
		what string
	}{
		{f.Recovered, "left by a run that died: cleaned up"},
		{f.Changed, "changed at the source: rows replaced"},
		{f.Replaced - f.Changed, "loaded again: rows replaced"},
		{f.Skipped, "of the source skipped: not named like raw logs; -v lists them"},
	} {
		if n.n > 0 {
			fmt.Fprintf(&b, "%s %s\n", term.Plural(n.n, "file"), n.what)
		}
	}
	s.lists(&b)
	return b.String()
}

// Print writes the summary for people.
func (s Load) Print(w io.Writer) error {
	_, err := io.WriteString(w, s.String())
	return err
}

// lists names what the sums count, some of each.
func (s Load) lists(b *strings.Builder) {
	const most = 20
	list := func(title string, n int, line func(i int) string) {
		if n == 0 {
			return
		}
		fmt.Fprintf(b, "%s:\n", title)
		for i := range min(n, most) {
			fmt.Fprintf(b, "  %s\n", plain.Text(line(i)))
		}
		if n > most {
			fmt.Fprintf(b, "  … and %d more; --json lists all\n", n-most)
		}
	}
	list("caught up on days that no run had listed", len(s.CaughtUp), func(i int) string { return s.CaughtUp[i] })
	list("to load", len(s.Planned), func(i int) string { return s.Planned[i].Type + " " + s.Planned[i].Name })
	list("dropped, as their months are over", len(s.Dropped), func(i int) string { return s.Dropped[i].String() })
	list("months that are over", len(s.Undropped), func(i int) string { return s.Undropped[i] })
	if s.Files.Expired > 0 && len(s.Undropped) == 0 {
		fmt.Fprintf(b, "%s not loaded: the months are over (`ingest schema ttl` says for how long files are kept)\n", term.Plural(s.Files.Expired, "file"))
	}
	list("failed", len(s.Failures), func(i int) string {
		return s.Failures[i].Type + " " + s.Failures[i].at() + ": " + s.Failures[i].Error
	})
	list("not listed", len(s.Refused), func(i int) string { return s.Refused[i].Type + ": " + s.Refused[i].Error })
	list("fields that the account may not ask for, left out", len(s.RefusedFields), func(i int) string { return s.RefusedFields[i] })
	list("not read", len(s.Unread), func(i int) string { return s.Unread[i].at() + ": " + s.Unread[i].Error })
	list("not loaded, and no longer listed by the source: lost unless it lists them again", len(s.Missing), func(i int) string {
		return s.Missing[i].Type + " " + s.Missing[i].Name
	})
	list("two files for an hour", len(s.Duplicates), func(i int) string {
		d := s.Duplicates[i]
		return d.Type + " " + term.Minute(d.Hour) + ": " + strings.Join(d.Files, ", ")
	})
	list("rows off their file's hour (is the time zone right?)", len(s.Shifts), func(i int) string {
		x := s.Shifts[i]
		return fmt.Sprintf("%s %s: %+d h", x.Type, x.Name, x.Hours)
	})
	issues := s.untold()
	list("issues", len(issues), func(i int) string {
		x := issues[i]
		return fmt.Sprintf("%s since %s: %s %s: %s", x.Kind, x.Since.Format(time.DateOnly), x.Type, x.Name, x.Text)
	})
	list("counts that differ from the ledger", len(s.Mismatches), func(i int) string { return s.Mismatches[i].String() })
}
