package report

import (
	"fmt"
	"time"

	"rawlogs/internal/rawlog"
)

const isoDay = "2006-01-02"

// span is some days, or some hours of one day, that one call asks about.
// Days are calendar days of the network: their times are midnights in UTC only
// so that they can be counted.
type span struct {
	from, to         time.Time // half-open
	hourFrom, hourTo int       // half-open, of a single day; 0, 0: all of it
}

func (s span) hours() bool { return s.hourTo > 0 }

func (s span) days() int { return int(s.to.Sub(s.from) / (24 * time.Hour)) }

// String is how messages name the span.
func (s span) String() string {
	first, last := s.from.Format(isoDay), s.to.AddDate(0, 0, -1).Format(isoDay)
	switch {
	case s.hours():
		return fmt.Sprintf("%s hours %d to %d", first, s.hourFrom, s.hourTo-1)
	case first == last:
		return first
	}
	return first + " to " + last
}

// split cuts a period at month ends and into runs of at most so many days.
func split(p rawlog.Period, days int) []span {
	var out []span
	for from := p.From; from.Before(p.To); {
		to := from.AddDate(0, 0, days)
		if month := time.Date(from.Year(), from.Month()+1, 1, 0, 0, 0, 0, time.UTC); to.After(month) {
			to = month
		}
		if to.After(p.To) {
			to = p.To
		}
		out = append(out, span{from: from, to: to})
		from = to
	}
	return out
}

// halve cuts a span in two: days down to one, and one day into hours where
// byHour says that its rows are told apart by hour; false where it cannot.
func (s span) halve(byHour bool) (a, b span, ok bool) {
	a, b = s, s
	if n := s.days(); n > 1 {
		middle := s.from.AddDate(0, 0, n/2)
		a.to, b.from = middle, middle
		return a, b, true
	}
	if !byHour {
		return a, b, false
	}
	if !s.hours() {
		a.hourTo, b.hourFrom, b.hourTo = 12, 12, 24
		return a, b, true
	}
	if s.hourTo-s.hourFrom < 2 {
		return a, b, false
	}
	middle := (s.hourFrom + s.hourTo) / 2
	a.hourTo, b.hourFrom = middle, middle
	return a, b, true
}
