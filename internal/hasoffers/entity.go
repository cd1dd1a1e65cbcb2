package hasoffers

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ParseTime reads a point in time as entities carry it: "2016-09-09 14:00:28" in
// the network's zone, a bare day, or epoch seconds (modified was a number in
// 2016 and a text in 2018). The zero dates of the API's database, "", "0" and
// "0000-00-00 00:00:00", are the zero time.
func ParseTime(s string, zone *time.Location) (time.Time, error) {
	s = strings.TrimSpace(s)
	if s == "" || s == "0" || strings.HasPrefix(s, "0000-00-00") {
		return time.Time{}, nil
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		if n < 0 || n > 1<<32-1 {
			return time.Time{}, fmt.Errorf("%d is not a second between 1970 and 2106", n)
		}
		return time.Unix(n, 0).UTC(), nil
	}
	for _, layout := range []string{time.DateTime, time.DateOnly, time.RFC3339} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%.40q is not a date and time", s)
}
