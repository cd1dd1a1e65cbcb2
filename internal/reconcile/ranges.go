package reconcile

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// hourRanges shortens a list of hours: 2016-09-09 05:00–09:00, 12:00; all of
// 2016-09-10. Hours are named by their beginning.
func hourRanges(hours []string) string {
	var parts []string
	for i := 0; i < len(hours); {
		day := hours[i][:len(isoDay)]
		end := i
		var own []string
		for end < len(hours) && strings.HasPrefix(hours[end], day) {
			own = append(own, hours[end][len(isoDay)+1:])
			end++
		}
		i = end
		if len(own) >= 23 {
			parts = append(parts, "all of "+day)
			continue
		}
		parts = append(parts, day+" "+strings.Join(clockRanges(own), ", "))
	}
	const most = 6
	if len(parts) > most {
		parts = append(parts[:most], fmt.Sprintf("and %d more days", len(parts)-most))
	}
	return strings.Join(parts, "; ")
}

// clockRanges joins hours that follow each other.
func clockRanges(clocks []string) []string {
	var out []string
	for i := 0; i < len(clocks); {
		end := i
		for end+1 < len(clocks) && follows(clocks[end], clocks[end+1]) {
			end++
		}
		if end == i {
			out = append(out, clocks[i])
		} else {
			out = append(out, clocks[i]+"–"+clocks[end])
		}
		i = end + 1
	}
	return out
}

func follows(a, b string) bool {
	x, err1 := time.Parse("15:04", a)
	y, err2 := time.Parse("15:04", b)
	return err1 == nil && err2 == nil && y.Sub(x) == time.Hour
}

// utcHours names the files' hours, which are UTC, as their names and folders do.
func utcHours(hours []time.Time) string {
	hours = slices.Clone(hours)
	slices.SortFunc(hours, time.Time.Compare)
	hours = slices.CompactFunc(hours, time.Time.Equal)
	if len(hours) == 0 {
		return "UTC"
	}
	var list []string
	for _, h := range hours {
		list = append(list, h.UTC().Format("2006-01-02 15:04"))
	}
	return "UTC " + hourRanges(list)
}
