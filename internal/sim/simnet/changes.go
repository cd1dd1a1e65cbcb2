package simnet

import (
	"fmt"
	"net/url"
	"time"
)

// ExclusiveEnds makes end_date of findUpdatedConversions and findAddedConversions the
// first day that is not shown; without, it is the last one that is. The vendor's
// documentation does not say which it is.
func (n *Network) ExclusiveEnds(exclusive bool) {
	n.Entities.mu.Lock()
	defer n.Entities.mu.Unlock()
	n.Entities.exclusiveEnds = exclusive
}

// changedConversions shows the conversions whose column names an instant on one of the
// days asked for. It takes plain dates, as documented, and nothing else.
func (n *Network) changedConversions(q url.Values, k *kind, column string) *Answer {
	var days [2]time.Time
	for i, name := range []string{"start_date", "end_date"} {
		if q.Get(name) == "" {
			return invalid(name, name+" is a required parameter.")
		}
		day, err := time.Parse(time.DateOnly, q.Get(name))
		if err != nil {
			return invalid(name, fmt.Sprintf("%s must be a date in the format YYYY-MM-DD.", name))
		}
		days[i] = day
	}
	if days[1].Before(days[0]) {
		return invalid("end_date", "end_date must not be before start_date.")
	}
	end := days[1]
	if !n.Entities.exclusiveEnds {
		end = end.AddDate(0, 0, 1)
	}
	var rows []map[string]any
	for _, row := range k.all() {
		at, _ := row[column].(string)
		if at != "" && at >= days[0].Format(time.DateOnly) && at < end.Format(time.DateOnly) {
			rows = append(rows, row)
		}
	}
	return n.find(q, "Conversion", k, rows)
}
