package reconcile

import (
	"cmp"
	"time"
)

const isoDay = "2006-01-02"

// bucket is what both sides count by: a day of the network's zone, and
// possibly its hour (as a clock on the wall shows it) or an offer.
type bucket struct {
	day   string
	hour  int
	offer int64
}

func (b bucket) compare(o bucket) int {
	return cmp.Or(cmp.Compare(b.day, o.day), cmp.Compare(b.hour, o.hour), cmp.Compare(b.offer, o.offer))
}

func bucketOf(l Line) bucket {
	b := bucket{day: l.Day}
	if l.Hour != nil {
		b.hour = *l.Hour
	}
	if l.Offer != nil {
		b.offer = *l.Offer
	}
	return b
}

type counts map[bucket]int64

// localHour is an hour of a day as clocks on the wall show it, and the UTC
// hours that it lies in: one in most zones, two where the zone is not whole
// hours off, and two as well when clocks are set back. An hour that clocks skip
// does not exist.
type localHour struct {
	day  string
	hour int
	utc  []time.Time
}

// bounds are the instants at which a day of the zone begins and ends.
func bounds(day string, zone *time.Location) (from, to time.Time) {
	d, err := time.Parse(isoDay, day)
	if err != nil {
		return time.Time{}, time.Time{} // days come from periods and checked answers
	}
	return midnight(d, zone), midnight(d.AddDate(0, 0, 1), zone)
}

// midnight is the first instant of a calendar day, which is not 00:00 where
// clocks are set forward at midnight: time.Date then gives the day before.
func midnight(d time.Time, zone *time.Location) time.Time {
	t := time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, zone)
	if t.Day() != d.Day() {
		_, end := t.ZoneBounds()
		return end.UTC()
	}
	// Where clocks are set back over midnight, the day begins with the first of the two.
	if start, _ := t.ZoneBounds(); !start.IsZero() {
		if before := t.Add(-time.Hour); before.In(zone).Day() == d.Day() && before.In(zone).Month() == d.Month() {
			return before.UTC()
		}
	}
	return t.UTC()
}

// hoursOf lists the hours of a day in the network's zone, in their order.
func (j *job) hoursOf(day string) []localHour {
	const step = 15 * time.Minute // every zone's offset is a multiple of it
	from, to := bounds(day, j.Zone)
	var out []localHour
	for t := from; t.Before(to); t = t.Add(step) {
		hour, utc := t.In(j.Zone).Hour(), t.Truncate(time.Hour).UTC()
		i := len(out) - 1
		for i >= 0 && out[i].hour != hour {
			i--
		}
		if i < 0 {
			out = append(out, localHour{day: day, hour: hour})
			i = len(out) - 1
		}
		if last := len(out[i].utc) - 1; last < 0 || !out[i].utc[last].Equal(utc) {
			out[i].utc = append(out[i].utc, utc)
		}
	}
	return out
}
