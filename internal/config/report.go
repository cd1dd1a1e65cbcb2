package config

import (
	"errors"
	"fmt"
	"strings"
)

// parseReport reads whether a run loads the report of conversions, beside raw logs or in
// their place, and in which way.
func (l *Layers) parseReport(c *Config) error {
	switch strings.ToLower(l.text("conversions_report")) {
	case "true", "yes", "on", "1":
		c.ConversionsReport = true
	case "only":
		if c.Source.Kind != API {
			return l.wrong("conversions_report", fmt.Errorf("only is for networks without raw logs, and the source is %s", c.Source))
		}
		c.ConversionsReport, c.ReportOnly = true, true
	case "false", "no", "off", "0":
	default:
		return l.wrong("conversions_report", errors.New("want true, false or only"))
	}
	switch strings.ToLower(l.text("conversions_by")) {
	case "auto":
	case "pages":
		c.ReportPages = true
	default:
		return l.wrong("conversions_by", errors.New("want auto or pages"))
	}
	return nil
}
