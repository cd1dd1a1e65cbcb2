package trace

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"rawlogs/internal/plain"
	"rawlogs/internal/term"
)

// Print writes the answer for people.
func (t *Trace) Print(w io.Writer) error {
	if len(t.Stories) == 0 {
		if _, err := fmt.Fprintf(w, "nothing with %s %s\n", t.By, plain.Text(t.Value)); err != nil {
			return err
		}
	}
	for i, s := range t.Stories {
		if i > 0 {
			if _, err := fmt.Fprintln(w); err != nil {
				return err
			}
		}
		if err := s.print(w); err != nil {
			return err
		}
	}
	for _, line := range t.notes() {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

// notes say what the answer may lack.
func (t *Trace) notes() []string {
	var lines []string
	if t.More {
		lines = append(lines, fmt.Sprintf("… and more: these are the latest %s; --limit shows more, a period others", term.Plural(len(t.Stories), "transaction")))
	}
	if len(t.Cut) > 0 {
		lines = append(lines, fmt.Sprintf("… and more: only the first %s rows of %s are shown", term.Count(MaxRows), strings.Join(t.Cut, ", ")))
	}
	if t.LookedFrom != "" {
		lines = append(lines, fmt.Sprintf("clicks and impressions were looked for in files of %s to %s (UTC), for the same offer and affiliate; --everywhere looks at all", t.LookedFrom[:16], t.LookedTo[:16]))
	}
	return lines
}

// event is a line of a story.
type event struct {
	at, what string
	row      Row
	units    bool // amounts are in whole units, not in hundredths
}

func (s Story) print(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "network %s, transaction %s\n", plain.Text(cmp.Or(s.Network, "(none)")), plain.Text(s.Transaction)); err != nil {
		return err
	}
	var events []event
	add := func(what, time string, units bool, rows []Row) {
		for _, r := range rows {
			events = append(events, event{r.text(time), what, r, units})
		}
	}
	add("impression", "datetime", false, s.Impressions)
	add("click", "datetime", false, s.Clicks)
	add("conversion", "datetime", false, s.Conversions)
	add("in the report", "datetime", true, s.Report)
	add("update", "valid_from", true, s.Updates)
	slices.SortStableFunc(events, func(a, b event) int { return strings.Compare(a.at, b.at) })
	rows := make([][]string, len(events))
	for i, e := range events {
		rows[i] = e.cells()
	}
	header := []string{"time (UTC)", "what", "id", "offer", "affiliate", "status", "payout", "revenue", "currency", "address", "file:line"}
	if err := term.Table(w, header, func(i int) bool { return i == 6 || i == 7 }, rows); err != nil {
		return err
	}
	for _, r := range s.Now {
		if _, err := fmt.Fprintln(w, now(r)); err != nil {
			return err
		}
	}
	return nil
}

func (e event) cells() []string {
	payout, revenue, file := e.row.amount("payout_cents"), e.row.amount("revenue_cents"), ""
	if e.units {
		payout, revenue = e.row.amount("payout"), e.row.amount("revenue")
	}
	if name := e.row.text("_file"); name != "" {
		file = name + ":" + e.row.number("_line")
	}
	what := e.what
	if e.row.text("deleted") != "" {
		what += " (deleted)"
	}
	address := cmp.Or(e.row.text("session_ip"), e.row.text("ip"))
	return []string{
		strings.TrimSuffix(e.at, ".000"), what, identity(e.row), e.row.number("offer_id"), e.row.number("affiliate_id"), status(e.row),
		payout, revenue, e.row.text("currency"), strings.TrimPrefix(address, "::ffff:"), file,
	}
}

// identity is a conversion's id and its goal.
func identity(r Row) string {
	id := cmp.Or(r.text("id"), r.text("tune_event_id"))
	if goal := r.text("goal_id"); goal != "" {
		id = strings.TrimSpace(id + " goal " + goal)
	}
	return id
}

func status(r Row) string {
	text := r.text("status")
	if code := r.text("status_code"); code != "" {
		text += " (" + code + ")"
	}
	return text
}

// now is what a conversion was worth in its log and what it is worth by now.
func now(r Row) string {
	sums := func(prefix, currency string) string {
		return strings.TrimSpace(fmt.Sprintf("%s, payout %s, revenue %s %s", cmp.Or(r.text(prefix+"status"), "no status"), r.amount(prefix+"payout"), r.amount(prefix+"revenue"), r.text(currency)))
	}
	name := "conversion"
	if id := identity(r); id != "" {
		name += " " + id
	}
	text := "now: " + name + ": " + sums("", "currency")
	if code := r.text("status_code"); code != "" {
		text += " (status code " + code + ")"
	}
	if updated := r.text("updated_at"); updated != "" {
		text += ", known since " + updated[:min(16, len(updated))]
	}
	if r.text("_file") == "" {
		return plain.Text(text + "; not in the logs")
	}
	return plain.Text(text + "; then: " + sums("logged_", "logged_currency"))
}
