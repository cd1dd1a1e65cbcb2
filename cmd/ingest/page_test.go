package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"rawlogs/internal/config"
)

// TestOwnZones: on the page of a store each network has the days of its own zone.
func TestOwnZones(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ingest.yaml")
	text := "timezone: Europe/Prague\nnetworks:\n  - id: acme\n    token_file: t\n  - id: beta\n    token_file: t\n    timezone: America/New_York\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	read := func(env map[string]string) []*config.Config {
		layers, err := config.Read(config.Given{Getenv: func(name string) string { return env[name] }, Flag: func(string) (string, string, bool) { return "", "", false }})
		if err != nil {
			t.Fatal(err)
		}
		all, err := layers.StoreAll(slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	// The tokens' files are not there: a page needs none.
	several, one := read(map[string]string{"INGEST_CONFIG": path}), read(map[string]string{"HASOFFERS_TIMEZONE": "Asia/Tokyo"})
	for _, tc := range []struct {
		all           []*config.Config
		network, zone string
	}{{several, "acme", "Europe/Prague"}, {several, "beta", "America/New_York"}, {several, "gone", ""}, {one, "acme", "Asia/Tokyo"}} {
		if got := of(tc.all, tc.network).Zones.String(); got != tc.zone {
			t.Errorf("%s of %d networks has the zone %q, want %q", tc.network, len(tc.all), got, tc.zone)
		}
	}
}
