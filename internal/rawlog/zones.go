package rawlog

import (
	"strings"
	"time"
)

// Zones are the zones of the times inside a network's files, one after the other:
// networks have changed theirs. Each holds for files whose hour lies before its
// Until; the last has none. The zero Zones is UTC.
type Zones []ZoneUntil

// ZoneUntil is a zone and when it ends; a zero Until is never.
type ZoneUntil struct {
	Zone  *time.Location
	Until time.Time
}

// InZone is one zone for all files.
func InZone(zone *time.Location) Zones { return Zones{{Zone: zone}} }

// At is the zone of the file of an hour.
func (z Zones) At(hour time.Time) *time.Location {
	for _, span := range z {
		if span.Until.IsZero() || hour.Before(span.Until) { //guard:zone-by-period
			return span.Zone
		}
	}
	return time.UTC
}

// Now is the zone of the newest files.
func (z Zones) Now() *time.Location {
	if len(z) == 0 {
		return time.UTC
	}
	return z[len(z)-1].Zone
}

// String is "Europe/Prague until 2018-01-01, then UTC".
func (z Zones) String() string {
	var out []string
	for _, span := range z {
		text := span.Zone.String()
		if !span.Until.IsZero() {
			text += " until " + span.Until.Format(time.DateOnly)
		}
		out = append(out, text)
	}
	return strings.Join(out, ", then ")
}
