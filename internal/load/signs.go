package load

import (
	"slices"

	"rawlogs/internal/records"
)

// rowIDs are the ids of which every row has at least one.
var rowIDs = []string{"offer_id", "affiliate_id", "advertiser_id", "id"}

// Signs returns the fields by which a record under the header is known to be a row.
func (l *Layout) Signs() records.Signs {
	s := records.Signs{Time: -1}
	for i, k := range l.kinds {
		f := l.fields[i]
		if f < 0 {
			continue
		}
		switch k {
		case kindString, kindLow, kindFixed, kindEnum, kindBool:
			continue
		case kindDateTime, kindDateTime64:
			if l.columns[i] == colTime {
				s.Time = f
			}
		case kindUInt, kindInt:
			if slices.Contains(rowIDs, l.columns[i]) {
				s.IDs = append(s.IDs, f)
			}
		}
		s.Typed = append(s.Typed, f)
	}
	return s
}

// Lacks lists the columns that another header of the table feeds and this one does not.
func (l *Layout) Lacks(other *Layout) []string {
	var names []string
	for i, f := range other.fields {
		if f >= 0 && l.fields[i] < 0 {
			names = append(names, l.columns[i])
		}
	}
	return names
}
