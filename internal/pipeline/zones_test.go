package pipeline

import (
	"archive/zip"
	"fmt"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/testkit"
)

// Files of one run may be of times with different zones; what lies off its hour by the
// zone that holds for it is an issue on every night, and is not moved.
func TestZonesByPeriod(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	zone := func(name string) *time.Location {
		z, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		return z
	}
	const hours = 24 * 365 * 3 // between the two files
	for _, c := range []struct {
		name        string
		old, young  string // the zones in which the two files are written
		zones       rawlog.Zones
		kinds, text string
	}{
		{"as set", "Europe/Prague", "UTC", rawlog.Zones{{Zone: zone("Europe/Prague"), Until: day(365)}, {Zone: time.UTC}}, "", ""},
		{"one zone for both", "Europe/Prague", "UTC", nil, "shifted", "+2 h off"},
		{"a zone of half an hour", "Asia/Kolkata", "UTC", nil, "shifted", "+5:30 h off"},
		{"the change came later", "UTC", "Asia/Kathmandu", rawlog.Zones{{Zone: time.UTC, Until: day(4000)}, {Zone: zone("Asia/Kathmandu")}}, "shifted", "+5:45 h off"},
		{"half hours as set", "Asia/Kolkata", "America/St_Johns", rawlog.Zones{{Zone: zone("Asia/Kolkata"), Until: day(365)}, {Zone: zone("America/St_Johns")}}, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			src := newFolder(t)
			put := func(hour int, in string) {
				text := "transaction_id,datetime\n"
				for i := range 60 {
					at := firstHour.Add(time.Duration(hour)*time.Hour + time.Duration(i)*time.Minute)
					text += fmt.Sprintf("t%d,%s\n", i, at.In(zone(in)).Format(time.DateTime))
				}
				src.raw(t, hour, 1, text, zip.Deflate)
			}
			put(0, c.old)
			put(hours, c.young)
			for night := range 2 {
				sum, err := Run(t.Context(), st, src.source(), Options{Network: c.name, Zones: c.zones})
				if err != nil {
					t.Fatal(err)
				}
				var got, text string
				for _, e := range sum.Issues {
					got, text = kinds(e.Issues), e.Issues[0].Text
				}
				if got != c.kinds || !strings.Contains(text, c.text) {
					t.Errorf("night %d: %q %q", night, got, text)
				}
			}
		})
	}
}

// Rows of other days altogether are an issue, too; a few that came late are not.
func TestScatteredTimes(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	for _, c := range []struct {
		name  string
		at    func(i int) time.Time
		kinds string
	}{
		{"of another year", func(i int) time.Time { return firstHour.AddDate(-1, 0, 0).Add(time.Duration(i) * time.Minute) }, "shifted"},
		{"of all the day", func(i int) time.Time { return firstHour.Add(time.Duration(i-30) * time.Hour) }, "shifted"},
		{"some came late", func(i int) time.Time { return firstHour.Add(time.Duration(i%20*4) * time.Minute) }, ""},
	} {
		src := newFolder(t)
		text := "transaction_id,datetime\n"
		for i := range 60 {
			text += fmt.Sprintf("t%d,%s\n", i, c.at(i).Format(time.DateTime))
		}
		name := src.raw(t, 0, 1, text, zip.Deflate)
		for night := range 2 {
			sum, err := Run(t.Context(), st, src.source(), Options{Network: c.name})
			if err != nil {
				t.Fatal(err)
			}
			var got string
			for _, e := range sum.Issues {
				got = kinds(e.Issues)
			}
			if got != c.kinds {
				t.Errorf("%s, night %d: %q, want %q", c.name, night, got, c.kinds)
			}
		}
		if e := entry(t, checkpoint.Open(st, c.name), name); e.Rows != 60 || e.State != checkpoint.Loaded {
			t.Errorf("%s: %+v", c.name, e)
		}
	}
}
