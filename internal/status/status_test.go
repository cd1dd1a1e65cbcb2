package status

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/rawlog"
)

func TestExpiryWarnings(t *testing.T) {
	t.Parallel()
	now := time.Date(2016, 12, 1, 12, 0, 0, 0, time.UTC)
	day := func(typ, day string, missing, failed int64) Day {
		return Day{Type: typ, Day: day, Missing: &missing, Failed: failed}
	}
	got := expiryWarnings([]Day{
		day("clicks", "20160801", 0, 0),      // loaded: may go
		day("clicks", "20160804", 3, 1),      // the 123rd day from there is in 4 days
		day("clicks", "20161130", 24, 0),     // long time left
		day("impressions", "20161130", 2, 0), // kept for a day
		day("conversions", "20160801", 5, 0), // unknown
		day("clicks", "20160803", 0, 2),      // failed, and ignored
	}, map[dayKey]int64{
		{rawlog.Clicks, "20160804"}: 4, {rawlog.Clicks, "20161130"}: 24, {rawlog.Impressions, "20161130"}: 2, {rawlog.Conversions, "20160801"}: 5,
	}, rawlog.Kept{rawlog.Clicks: 123, rawlog.Impressions: 1}, now)
	want := []string{
		"clicks of 20160804 expire in 4 days: 4 files not loaded",
		"impressions of 20161130 may be deleted by the network any time: 2 files not loaded",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestDayLines(t *testing.T) {
	t.Parallel()
	d1, d2 := time.Date(2016, 9, 9, 0, 0, 0, 0, time.UTC), time.Date(2016, 9, 10, 0, 0, 0, 0, time.UTC)
	days := []checkpoint.DayStatus{{Type: rawlog.Clicks, Day: d2, Loaded: 2, Rows: 7}, {Type: rawlog.Clicks, Day: d1, Failed: 1}}
	missing := map[dayKey]int64{{rawlog.Clicks, "20160910"}: 4, {rawlog.Conversions, "20160909"}: 1}
	var got []string
	for _, l := range dayLines(days, missing, true) {
		got = append(got, fmt.Sprintf("%s %s %d %d %d %d", l.Type, l.Day, l.Loaded, l.Failed, *l.Missing, l.Rows))
	}
	want := []string{"clicks 20160909 0 1 0 0", "clicks 20160910 2 0 4 7", "conversions 20160909 0 0 1 0"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if l := dayLines(days, nil, false); l[0].Missing != nil {
		t.Error("without a listing, missing is known")
	}
}
