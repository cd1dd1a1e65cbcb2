package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestZones: one zone, or several one after the other, as text and as a list of
// ingest.yaml, for all networks and for one.
func TestZones(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, yaml, env, want, err string }{
		{"default", "", "", "UTC", ""},
		{"one", "timezone: Europe/Prague", "", "Europe/Prague", ""},
		{"a list", "timezone: [{until: 2018, zone: Europe/Prague}, {zone: UTC}]", "", "Europe/Prague until 2018-01-01, then UTC", ""},
		{"a list of one", "timezone: [{zone: Asia/Kolkata}]", "", "Asia/Kolkata", ""},
		{"days and months", "timezone: [{until: 2018-03-05, zone: Europe/Prague}, {until: 202004, zone: UTC}, {zone: America/New_York}]", "",
			"Europe/Prague until 2018-03-05, then UTC until 2020-04-01, then America/New_York", ""},
		{"text", "", "Europe/Prague until 2018, UTC", "Europe/Prague until 2018-01-01, then UTC", ""},
		{"of a network", "networks: [{id: a, timezone: [{until: 2018, zone: Europe/Prague}, {zone: UTC}]}]", "", "Europe/Prague until 2018-01-01, then UTC", ""},
		{"without an end", "", "Europe/Prague, UTC", "", "Europe/Prague is followed by another zone: say until when it holds"},
		{"nothing after the end", "", "Europe/Prague until 2018", "", "Europe/Prague ends with 2018-01-01: name the zone of the time after that"},
		{"out of order", "", "Europe/Prague until 2018, UTC until 2017, UTC", "", "UTC ends before the zone ahead of it"},
		{"no date", "", "Europe/Prague until then, UTC", "", `Europe/Prague: until: period "then"`},
		{"no zone", "", "Mars/Olympus until 2018, UTC", "", `unknown zone "Mars/Olympus"`},
		{"the machine's", "", "Local until 2018, UTC", "", `unknown zone "Local"`},
		{"a list of texts", "timezone: [Europe/Prague]", "", "", "want a zone, or a list whose members"},
		{"an unknown member", "timezone: [{from: 2018, zone: UTC}]", "", "", `unknown "from"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "ingest.yaml")
			if err := os.WriteFile(file, []byte(tc.yaml), 0o600); err != nil {
				t.Fatal(err)
			}
			env := map[string]string{"INGEST_CONFIG": file, "HASOFFERS_TIMEZONE": tc.env, "INGEST_SOURCE": t.TempDir()}
			got, err := readZones(Given{Getenv: func(k string) string { return env[k] }, Flag: func(string) (string, string, bool) { return "", "", false }})
			if got != tc.want || tc.err == "" && err != nil || tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func readZones(given Given) (string, error) {
	layers, err := Read(given)
	if err != nil {
		return "", err
	}
	all, err := layers.All(quiet)
	if err != nil {
		return "", err
	}
	return all[0].Zones.String(), nil
}

// TestZonesByHour: a zone holds for files before its end.
func TestZonesByHour(t *testing.T) {
	t.Parallel()
	zones, err := parseZones("Europe/Prague until 2018, UTC until 2020-02-03, Asia/Kolkata")
	if err != nil {
		t.Fatal(err)
	}
	for hour, want := range map[string]string{
		"1999-01-01T00:00:00Z": "Europe/Prague", "2017-12-31T23:00:00Z": "Europe/Prague", "2018-01-01T00:00:00Z": "UTC",
		"2020-02-02T23:00:00Z": "UTC", "2020-02-03T00:00:00Z": "Asia/Kolkata", "2033-01-01T00:00:00Z": "Asia/Kolkata",
	} {
		at, err := time.Parse(time.RFC3339, hour)
		if err != nil {
			t.Fatal(err)
		}
		if got := zones.At(at).String(); got != want {
			t.Errorf("%s: %s, want %s", hour, got, want)
		}
	}
	if got := zones.Now().String(); got != "Asia/Kolkata" {
		t.Errorf("now %s", got)
	}
}
