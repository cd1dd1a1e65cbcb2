package rawlog

import (
	"slices"
	"strings"
	"time"
)

// ConversionReport is the type of the days of the network's report of conversions. They are
// no raw logs, and none of Types: they come by the API alone, a day as a file, and the day
// may have other contents each time that it is asked for.
const ConversionReport Type = "conversion_report"

// All lists every type that has a table: those of Types, and the report of conversions.
func All() []Type { return append(Types(), ConversionReport) }

// ParseAny is ParseType for the words of All.
func ParseAny(s string) (Type, error) {
	if slices.Contains(All(), Type(s)) {
		return Type(s), nil
	}
	return ParseType(s)
}

// reportFolder begins the name of a day of a report.
const reportFolder = "report/"

// ReportDay is a day of the network's report of conversions. The day is one of the network's
// zone, whose date the time has in UTC: that is its Hour, too.
func ReportDay(day time.Time) File {
	from := DayOf(day).From
	return File{Type: ConversionReport, Name: reportFolder + "conversions-" + from.Format(DayLayout) + ".csv", Hour: from, Span: 24 * time.Hour, Size: -1}
}

// IsReport reports whether a name is one that ReportDay gives.
func IsReport(name string) bool { return strings.HasPrefix(name, reportFolder+"conversions-") }
