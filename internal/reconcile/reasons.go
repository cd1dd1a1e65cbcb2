package reconcile

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"rawlogs/internal/term"
)

// reasons explains one line: its hours' causes, put together by kind.
func (f *facts) reasons(l Line, all []Line) []Cause {
	if l.Offer != nil {
		return f.offerReasons(l, all)
	}
	return f.gather(func(h *hourFacts) bool { return h.day == l.Day && (l.Hour == nil || h.hour == *l.Hour) })
}

// gather explains the hours that pass, and adds up causes of one kind.
func (f *facts) gather(pass func(*hourFacts) bool) []Cause {
	var out []Cause
	for i, h := range f.hours {
		if !pass(h) {
			continue
		}
		before, next := f.around(i)
		for _, c := range f.explain(h, before, next) {
			out = join(out, c)
		}
	}
	slices.SortStableFunc(out, func(a, b Cause) int { return slices.Index(order(), a.Kind) - slices.Index(order(), b.Kind) })
	for i := range out {
		out[i].Text = f.text(&out[i])
	}
	return out
}

// around are the hours before and after hour i; nil where there is none.
func (f *facts) around(i int) (before, next *hourFacts) {
	if i > 0 {
		before = f.hours[i-1]
	}
	if i+1 < len(f.hours) {
		next = f.hours[i+1]
	}
	return before, next
}

// join adds a cause to those of its kind; failures with different errors stay apart.
func join(all []Cause, c Cause) []Cause {
	for i := range all {
		a := &all[i]
		if a.Kind != c.Kind || a.Error != c.Error || a.shift != c.shift || a.told != c.told {
			continue
		}
		a.Rows += c.Rows
		a.Exact = a.Exact && c.Exact
		for _, h := range c.Hours {
			if !slices.Contains(a.Hours, h) {
				a.Hours = append(a.Hours, h)
			}
		}
		for _, name := range c.Files {
			if !slices.Contains(a.Files, name) {
				a.Files = append(a.Files, name)
			}
		}
		for _, word := range c.words {
			if !slices.Contains(a.words, word) {
				a.words = append(a.words, word)
			}
		}
		a.pairs = append(a.pairs, c.pairs...)
		a.utc = append(a.utc, c.utc...)
		if c.Kind != Shifted {
			for k := range a.counted {
				a.counted[k] += c.counted[k]
			}
		}
		return all
	}
	return append(all, c)
}

// offerReasons explains an offer's line of a day. Files are not lost by offer,
// so what is wrong with the day is the reason; where the day as a whole agrees,
// rows went from one offer to another.
func (f *facts) offerReasons(l Line, all []Line) []Cause {
	var day, opposite int64
	var others []string
	for _, o := range all {
		if o.Day != l.Day {
			continue
		}
		day += o.Difference
		if o.Offer != nil && (o.Difference > 0) != (l.Difference > 0) && o.Difference != 0 {
			opposite += o.Difference
			others = append(others, fmt.Sprintf("offer %d (%+d)", *o.Offer, o.Difference))
		}
	}
	if len(others) > 0 && (day == 0 || abs(opposite) >= abs(l.Difference)) {
		return []Cause{{Kind: MovedOffer, Rows: l.Difference,
			Text: "the same rows are counted elsewhere on this day: " + few(others)}}
	}
	causes := f.gather(func(h *hourFacts) bool { return h.day == l.Day })
	for i := range causes {
		// How much of it is this offer's is not to be known from the day.
		causes[i].Rows, causes[i].Exact = 0, false
	}
	if len(causes) == 1 {
		causes[0].Rows = l.Difference
	}
	return causes
}

// text says what shows the cause, for people.
func (f *facts) text(c *Cause) string {
	n := abs(c.Rows)
	hours, files := hourRanges(c.Hours), few(c.Files)
	switch c.Kind {
	case NotDue:
		return fmt.Sprintf("files for %s are not due yet", hours)
	case Missing:
		if !f.anyFile {
			return fmt.Sprintf("no %s file is in the ledger around these days: was this type ever loaded?", f.typ)
		}
		return fmt.Sprintf("no file for %s (%s): load it with ingest backfill, or ask the network for it", hours, utcHours(c.utc))
	case FailedFile:
		return fmt.Sprintf("%s failed: %s", files, c.Error)
	case Unfinished:
		return fmt.Sprintf("%s is %s: ingest run finishes it", files, c.Error)
	case Shifted:
		return f.shiftText(c, hours)
	case Gone:
		return fmt.Sprintf("loaded and not in the store: %s of %s; see ingest verify, load again with ingest reload", term.Plural(int(c.counted[0]), "row"), files)
	case Unknown:
		return fmt.Sprintf("in the store, but not loaded by the ledger: %s of %s; see ingest verify", term.Plural(int(c.counted[0]), "row"), files)
	case Duplicate:
		word := "may be"
		if c.Exact {
			word = "are"
		}
		return fmt.Sprintf("several files for %s, whose rows %s the same twice: %s", hours, word, files)
	case RejectedRows:
		return fmt.Sprintf("rejected: %s of %s; see rejected_rows", term.Plural(int(c.counted[0]), "line"), files)
	case Forgotten:
		return fmt.Sprintf("of people who were forgotten: %s of %s, which the network counts and the store does not keep", term.Plural(int(c.counted[0]), "row"), files)
	case Denied:
		return fmt.Sprintf("turned away by access control (%s): %s of %s, logged but not counted by the network", f.wordsText(c), term.Plural(int(c.counted[0]), "row"), files)
	case LeftOut:
		return fmt.Sprintf("left out as not_counted says (%s): %s of %s, but the network counts them", f.wordsText(c), term.Plural(int(c.counted[0]), "row"), files)
	case Unreadable:
		return fmt.Sprintf("without a readable datetime, and counted in their file's hour: %s of %s", term.Plural(int(c.counted[0]), "row"), files)
	case Late:
		return f.lateText(c, hours, n)
	case MovedHour:
		return fmt.Sprintf("%s differ by as much as the hour beside, the other way: rows counted on the other side of the hour", hours)
	case NotInLogs:
		return fmt.Sprintf("the network counts %d more in %s than its files hold; every line of %s is accounted for", n, hours, files)
	case NotInReport:
		text := fmt.Sprintf("the network counts %d fewer in %s than its files hold: %s", n, hours, files)
		if c.counted[1] > 0 {
			text += fmt.Sprintf("; of %d rows there it is unknown whether the network counts them, for their access_control_decision", c.counted[1])
		}
		return text
	case ClickAdjustment:
		return f.handText(c, hours)
	case Expired, MovedOffer, ServerRejected:
	}
	return c.Text
}

// wordsText names the words of a cause, with what shows that they are counted or not.
func (f *facts) wordsText(c *Cause) string {
	var parts []string
	for _, word := range c.words {
		w := f.verdicts[slices.Index(f.words, word)]
		parts = append(parts, named(word)+": "+evidence(w))
	}
	return strings.Join(parts, "; ")
}

func (f *facts) shiftText(c *Cause, hours string) string {
	by := c.counted[0]
	if c.shift != 0 {
		return fmt.Sprintf("the rows of %s lie %+d h off the hours of their files: the logs are likely written in a zone %+d h from the timezone setting; set it and ingest reload",
			hours, c.shift, c.shift)
	}
	return fmt.Sprintf("the store's hours agree with the network's %+d h on: the network's days are likely not %s's (--report-zone)", by, f.zone)
}

func (f *facts) lateText(c *Cause, hours string, n int64) string {
	pending, rejected, adjusted := c.counted[0], c.counted[1], c.counted[2]
	change := fmt.Sprintf("the network counts %d more than were approved when they were logged", n)
	if c.Rows > 0 {
		change = fmt.Sprintf("the network counts %d fewer than were approved when they were logged", n)
	}
	if c.told {
		return fmt.Sprintf("%s in %s, as conversion_updates says", change, hours)
	}
	return fmt.Sprintf("%s in %s: status or amounts changed later (the log had %d pending, %d rejected, %d adjustments); ingest updates fetches the changes",
		change, hours, pending, rejected, adjusted)
}

// few lists some texts and the number of the rest.
func few(list []string) string {
	const most = 4
	if len(list) == 0 {
		return "no file"
	}
	if len(list) <= most {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), len(list)-most)
}

func clock(hour int) string { return fmt.Sprintf("%02d:00", hour) }

func sortedKeys(m map[string]int64) []string { return slices.Sorted(maps.Keys(m)) }
