package config

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"rawlogs/internal/rawlog"
)

// parseZone reads "UTC", or zones by period: "Europe/Prague until 2018, UTC".
func (l *Layers) parseZone(c *Config) (err error) {
	if c.Zones, err = parseZones(l.text("timezone")); err != nil {
		return l.wrong("timezone", err)
	}
	return nil
}

func parseZones(text string) (rawlog.Zones, error) {
	var zones rawlog.Zones
	parts := strings.Split(text, ",")
	for i, part := range parts {
		name, end, ends := strings.Cut(strings.TrimSpace(part), " until ")
		zone, err := loadZone(strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		next := rawlog.ZoneUntil{Zone: zone}
		if ends {
			day, err := rawlog.ParsePeriod(strings.TrimSpace(end))
			if err != nil {
				return nil, fmt.Errorf("%s: until: %w", zone, err)
			}
			next.Until = day.From
		}
		switch last := i == len(parts)-1; {
		case last && ends:
			return nil, fmt.Errorf("%s ends with %s: name the zone of the time after that", zone, next.Until.Format(time.DateOnly))
		case !last && !ends:
			return nil, fmt.Errorf("%s is followed by another zone: say until when it holds, as in %s until 2018", zone, zone)
		case i > 0 && ends && !next.Until.After(zones[i-1].Until):
			return nil, fmt.Errorf("%s ends before the zone ahead of it", zone)
		}
		zones = append(zones, next)
	}
	return zones, nil
}

func loadZone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		// "Local" would make the rows depend on the machine that loads them.
		return nil, fmt.Errorf("unknown zone %q: want an IANA name such as UTC or Europe/Prague", name)
	}
	return zone, nil
}

// joinZones puts a list of ingest.yaml into the words of the flag: its members are
// {until: 2018, zone: Europe/Prague}, and a last one without until.
func joinZones(value any) (string, error) {
	list, ok := value.([]any)
	if !ok {
		return strings.TrimSpace(fmt.Sprint(value)), nil
	}
	var parts []string
	for _, member := range list {
		values, ok := member.(map[string]any)
		if !ok || values["zone"] == nil {
			return "", errors.New("want a zone, or a list whose members are like {until: 2018, zone: Europe/Prague} and a last one like {zone: UTC}")
		}
		part := fmt.Sprint(values["zone"])
		if values["until"] != nil {
			part += " until " + untilText(values["until"])
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", "), nil
}

// untilText undoes what YAML made of a date.
func untilText(v any) string {
	if t, ok := v.(time.Time); ok {
		return t.Format(time.DateOnly)
	}
	return fmt.Sprint(v)
}
