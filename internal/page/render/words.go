package render

import (
	"time"

	"rawlogs/internal/page"
	"rawlogs/internal/term"
)

// sum is how many hours of a network are in a state, for people.
func sum(n page.Network, state string) string { return term.Count(n.Sums[state]) }

// daySum is sum for what is loaded by day.
func daySum(n page.Network, state string) string { return term.Count(n.DaySums[state]) }

// utc writes seconds since 1970 for people.
func utc(seconds int64) string {
	return time.Unix(seconds, 0).UTC().Format("2 January 2006, 15:04") + " UTC"
}
