package reconcile

import (
	"fmt"
	"time"
)

// Words are how to compare, as written on a command line.
type Words struct {
	By          string // day, hour or offer
	Tolerance   string // 25 rows, or 0.1%
	ReportZone  string // "": that of the logs
	Conversions string // approved or all
}

// Config reads the words; who runs the comparison adds the rest.
func (w Words) Config() (Config, error) {
	var c Config
	var err error
	if c.By, err = ParseBy(w.By); err != nil {
		return c, err
	}
	if c.Tolerance, err = ParseTolerance(w.Tolerance); err != nil {
		return c, err
	}
	if w.ReportZone != "" {
		if c.Zone, err = time.LoadLocation(w.ReportZone); err != nil || w.ReportZone == "Local" {
			return c, fmt.Errorf("--report-zone: unknown zone %q: want an IANA name such as UTC or Europe/Prague", w.ReportZone)
		}
	}
	switch w.Conversions {
	case "", "approved":
	case "all":
		c.AllConversions = true
	default:
		return c, fmt.Errorf("--conversions %q: want approved or all", w.Conversions)
	}
	return c, nil
}
