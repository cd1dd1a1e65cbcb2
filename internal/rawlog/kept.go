package rawlog

import "time"

// Kept is for how many days after its hour a source keeps a file of each type. Of a type
// that it does not name nothing is known; 0 says no more.
type Kept map[Type]int

// Left returns in how many days the source may delete the files of an hour: from 0 on at
// any time. Days are those of UTC.
func (k Kept) Left(typ Type, hour, now time.Time) (days int, known bool) {
	n := k[typ]
	end := DayOf(hour).From.AddDate(0, 0, n)
	return int(end.Sub(DayOf(now).From) / (24 * time.Hour)), n > 0
}

// Over reports whether the source keeps the files of an hour no longer for sure: at which
// time of its last day it deletes them is not known.
func (k Kept) Over(typ Type, hour, now time.Time) bool {
	n := k[typ]
	return n > 0 && now.Sub(hour) > time.Duration(n+1)*24*time.Hour //guard:expiry-slack
}
