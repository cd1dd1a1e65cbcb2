package reconcile

import (
	"testing"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/rawlog"
)

// A day's file is missing in none of its hours, and parts of an hour are no double.
func TestFilesOfOtherNames(t *testing.T) {
	t.Parallel()
	names, err := rawlog.ParseNames(`clicks: day_(?P<day>\d{8})(?:_(?P<hour>\d\d)_(?P<part>\d))?`)
	if err != nil {
		t.Fatal(err)
	}
	day := time.Date(2016, 9, 9, 0, 0, 0, 0, time.UTC)
	entry := func(name string, hour int) checkpoint.Entry {
		return checkpoint.Entry{State: checkpoint.Loaded, File: rawlog.File{Type: rawlog.Clicks, Name: name, Hour: day.Add(time.Duration(hour) * time.Hour)}}
	}
	whole, one, two := entry("20160909/day_20160909", 0), entry("20160909/day_20160909_05_1", 5), entry("20160909/day_20160909_05_2", 5)
	own := entry("20160909/clicks-1473397200-SlY9UO.zip", 5)
	f := &facts{typ: rawlog.Clicks, names: names, entries: map[string]checkpoint.Entry{}}
	at := day.Add(5 * time.Hour)
	if !f.covers(whole, at) || !f.covers(whole, day) || !f.covers(whole, day.Add(23*time.Hour)) || f.covers(whole, day.Add(24*time.Hour)) || !f.covers(own, at) || f.covers(own, day) {
		t.Error("files cover other hours than they are for")
	}
	causes := func(ask func(*hourFacts, *int64, func(Cause)), entries ...checkpoint.Entry) (kinds []Kind) {
		h := &hourFacts{localHour: localHour{utc: []time.Time{at}}, entries: entries, byFile: map[string]int64{}}
		for _, e := range entries {
			h.byFile[e.File.Name], f.entries[e.File.Name] = 5, e
		}
		left := int64(5)
		ask(h, &left, func(c Cause) { kinds = append(kinds, c.Kind) })
		return kinds
	}
	if got := causes(f.absent, whole); len(got) != 0 {
		t.Errorf("rows that a day's file lacks: %v", got)
	}
	if got := causes(f.absent); len(got) != 1 || got[0] != Missing {
		t.Errorf("rows of an hour without a file: %v", got)
	}
	if got := causes(f.surplus, one, two); len(got) != 0 {
		t.Errorf("two parts of an hour: %v", got)
	}
	if got := causes(f.surplus, whole, own); len(got) != 1 || got[0] != Duplicate {
		t.Errorf("a day's file and its hour's: %v", got)
	}
}
