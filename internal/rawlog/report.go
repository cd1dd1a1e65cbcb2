package rawlog

import (
	"strings"
	"time"
)

// reportFolder begins the name of a day of a report.
const reportFolder = "report/"

// ReportDay is a day of the network's report of conversions. The day is one of the network's
// zone, whose date the time has in UTC: that is its Hour, too.
func ReportDay(day time.Time) File {
	from := DayOf(day).From
	return File{Type: ConversionReport, Name: reportFolder + "conversions-" + from.Format(DayLayout) + ".csv", Hour: from, Span: ConversionReport.Unit(), Size: -1}
}

// IsReport reports whether a name is one that ReportDay gives.
func IsReport(name string) bool { return strings.HasPrefix(name, reportFolder+"conversions-") }
