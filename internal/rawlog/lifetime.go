package rawlog

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Lifetimes are for how many whole months files of each type stay in a store. Of a type that
// it does not name they stay for ever.
type Lifetimes map[Type]int

// End returns the first hour that is kept: all months before it are over. Months are those of
// UTC, as the partitions of the tables.
func (l Lifetimes) End(typ Type, now time.Time) (end time.Time, ends bool) {
	n := l[typ]
	if n <= 0 {
		return time.Time{}, false
	}
	return time.Date(now.UTC().Year(), now.UTC().Month()-time.Month(n), 1, 0, 0, 0, 0, time.UTC), true //guard:whole-months
}

// Over reports whether the month of an hour is over.
func (l Lifetimes) Over(typ Type, hour, now time.Time) bool {
	end, ends := l.End(typ, now)
	return ends && hour.Before(end)
}

// MonthOf is the UTC month that a time lies in.
func MonthOf(t time.Time) Period {
	from := time.Date(t.UTC().Year(), t.UTC().Month(), 1, 0, 0, 0, 0, time.UTC)
	return Period{From: from, To: from.AddDate(0, 1, 0)}
}

var lifetime = regexp.MustCompile(`^([0-9]{1,4})(?: *months?)$`)

// mostMonths is as long as a time of ClickHouse's DateTime can lie back.
const mostMonths = 12 * 137

// ParseLifetime reads "13 months", or "forever", which is 0.
func ParseLifetime(s string) (months int, err error) {
	word := strings.ToLower(strings.TrimSpace(s))
	if word == "forever" {
		return 0, nil
	}
	if m := lifetime.FindStringSubmatch(word); m != nil {
		if months, err = strconv.Atoi(m[1]); err == nil && months >= 1 && months <= mostMonths {
			return months, nil
		}
	}
	return 0, fmt.Errorf("%q: want whole months such as '13 months', at least 1, or forever", s)
}

// LifetimeText is what ParseLifetime reads.
func LifetimeText(months int) string {
	switch {
	case months <= 0:
		return "forever"
	case months == 1:
		return "1 month"
	}
	return strconv.Itoa(months) + " months"
}
