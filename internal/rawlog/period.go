package rawlog

import (
	"fmt"
	"strings"
	"time"
)

// Period is a half-open span of whole UTC days: From <= t < To.
type Period struct {
	From, To time.Time
}

// DayOf is the UTC day that holds t.
func DayOf(t time.Time) Period {
	y, m, d := t.UTC().Date()
	from := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	return Period{From: from, To: from.AddDate(0, 0, 1)}
}

// Contains reports whether t lies in the period.
func (p Period) Contains(t time.Time) bool { return !t.Before(p.From) && t.Before(p.To) }

// String prints the period as ParsePeriod reads it.
func (p Period) String() string {
	last := p.To.AddDate(0, 0, -1)
	if last.Equal(p.From) {
		return p.From.Format(DayLayout)
	}
	return p.From.Format(DayLayout) + ".." + last.Format(DayLayout)
}

// Days lists the period's days, oldest first.
func (p Period) Days() []time.Time {
	var days []time.Time
	for d := p.From; d.Before(p.To); d = d.AddDate(0, 0, 1) {
		days = append(days, d)
	}
	return days
}

// ParsePeriod reads a year (2016), a month (201609), a day (20160909) or a
// range of any two of them (20160901..20160915, both ends included). Dashes
// are allowed: 2016-09-09.
func ParsePeriod(s string) (Period, error) {
	from, to, isRange := strings.Cut(s, "..")
	first, err := parseSpan(from)
	if err != nil {
		return Period{}, fmt.Errorf("period %q: %w", s, err)
	}
	if !isRange {
		return first, nil
	}
	last, err := parseSpan(to)
	if err != nil {
		return Period{}, fmt.Errorf("period %q: %w", s, err)
	}
	if last.From.Before(first.From) {
		return Period{}, fmt.Errorf("period %q: ends before it begins", s)
	}
	return Period{From: first.From, To: last.To}, nil
}

func parseSpan(s string) (Period, error) {
	digits := strings.ReplaceAll(s, "-", "")
	for _, span := range []struct {
		layout, dashed      string
		years, months, days int
	}{
		{"2006", "2006", 1, 0, 0},
		{"200601", "2006-01", 0, 1, 0},
		{"20060102", "2006-01-02", 0, 0, 1},
	} {
		if len(digits) != len(span.layout) || (s != digits && len(s) != len(span.dashed)) {
			continue
		}
		layout := span.layout
		if s != digits {
			layout = span.dashed
		}
		from, err := time.Parse(layout, s)
		if err != nil || from.Year() < 1970 || from.Year() > 2105 {
			return Period{}, fmt.Errorf("%q is not a date between 1970 and 2105", s)
		}
		return Period{From: from, To: from.AddDate(span.years, span.months, span.days)}, nil
	}
	return Period{}, fmt.Errorf("want a year (2016), a month (201609), a day (20160909) or a range (20160901..20160915), not %q", s)
}
