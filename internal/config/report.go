package config

import (
	"errors"
	"strings"
)

// parseReport reads whether a run loads the report of conversions.
func (l *Layers) parseReport(c *Config) error {
	switch strings.ToLower(l.text("conversions_report")) {
	case "true", "yes", "on", "1":
		c.ConversionsReport = true
	case "false", "no", "off", "0":
	default:
		return l.wrong("conversions_report", errors.New("want true or false"))
	}
	return nil
}
