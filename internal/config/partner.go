package config

import (
	"strings"

	"rawlogs/internal/rawlog"
)

// parsePartner gives what a partner's key sees a name of its own. The partner's report of a
// day is a part of the network's: under the network's name it would replace the whole day or
// pass for it. Rows from a bucket or folder are the network's, even if a key is set as well.
func (l *Layers) parsePartner(c *Config) error {
	c.NetworkID = c.Network
	side := l.partner()
	if side == "" || c.Source.Kind != API {
		return nil
	}
	if c.Network != "" {
		c.NetworkID = strings.TrimSuffix(c.Network, "."+side)
		c.Network = c.NetworkID + "." + side //guard:partner-apart
		if err := rawlog.CheckNetwork(c.Network); err != nil {
			return l.wrong("network_id", err)
		}
	}
	if l.origins["conversions_report"].Kind == Default { // a partner has no raw logs
		c.ConversionsReport, c.ReportOnly = true, true
	}
	return nil
}

// partner is the side whose key signs in, as a text; the key itself is not looked at.
func (l *Layers) partner() string {
	side := strings.ToLower(l.text("api_key_side"))
	if l.text("client_id") != "" || l.text("api_key") == "" && l.text("api_key_file") == "" && !l.keyed {
		return ""
	}
	return side
}

// name is what a network of the list is called in the store, and picked by.
func (m member) name() string {
	side := strings.ToLower(m.values["api_key_side"])
	if _, inEnv := m.env["api_key"]; side == "" || m.values["client_id"] != "" || m.values["api_key_file"] == "" && !inEnv {
		return m.id()
	}
	return strings.TrimSuffix(m.id(), "."+side) + "." + side
}
