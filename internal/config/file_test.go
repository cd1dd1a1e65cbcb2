package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Ids are text: what YAML would make of them is another network.
func TestIDsAsWritten(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		yaml string
		want []string
		err  string
	}{
		{"network_id: 010", []string{"010"}, ""},
		{"network_id: 1e3", []string{"1e3"}, ""},
		{"network_id: 0x1F", []string{"0x1F"}, ""},
		{"network_id: \"12\"", []string{"12"}, ""},
		{"network_id: acme", []string{"acme"}, ""},
		{"networks:\n- id: 010\n- id: 1_000\n- id: acme", []string{"010", "1_000", "acme"}, ""},
		{"network_id: acme\n---\nnetwork_id: beta", nil, "second document"},
		{"---\nnetwork_id: acme\n---\n", nil, "second document"},
		{"---\nnetwork_id: acme\n", []string{"acme"}, ""},
	} {
		file := filepath.Join(t.TempDir(), "ingest.yaml")
		if err := os.WriteFile(file, []byte(tc.yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		env := map[string]string{"INGEST_CONFIG": file, "INGEST_SOURCE": t.TempDir()}
		got, err := networksOf(Given{Getenv: func(k string) string { return env[k] }, Flag: func(string) (string, string, bool) { return "", "", false }})
		if !slices.Equal(got, tc.want) || tc.err == "" && err != nil || tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)) {
			t.Errorf("%q: %q, %v", tc.yaml, got, err)
		}
	}
}

func networksOf(given Given) (ids []string, err error) {
	layers, err := Read(given)
	if err != nil {
		return nil, err
	}
	all, err := layers.All(quiet)
	for _, cfg := range all {
		ids = append(ids, cfg.Network)
	}
	return ids, err
}

// A key that nothing reads is told with its line and with the one that was meant, at
// every depth.
func TestUnknownKeys(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ yaml, want string }{
		{"source: x\nlook-back: 3\n", `ingest.yaml:2: unknown setting "look-back": did you mean lookback?`},
		{"Store: embedded:x\n", `ingest.yaml:1: unknown setting "Store": did you mean store?`},
		{"frobnicate: 1\n", `ingest.yaml:1: unknown setting "frobnicate"`},
		{"networks:\n- id: acme\n- id: beta\n  tokenfile: x\n", `ingest.yaml:4: network 2: unknown setting "tokenfile": did you mean token_file?`},
		{"networks:\n- id: acme\n  csv:\n    escpae: quote\n", `ingest.yaml:4: network 1: unknown "escpae" in csv: did you mean escape?`},
		{"timezone:\n- {until: 2018, zone: UTC}\n- zones: UTC\n", `ingest.yaml:3: unknown "zones" in timezone: did you mean zone?`},
		{"networks:\n- &a\n  id: acme\n  tokn_file: x\n- <<: *a\n  id: beta\n", `ingest.yaml:4: network 1: unknown setting "tokn_file": did you mean token_file?`},
	} {
		file := filepath.Join(t.TempDir(), "ingest.yaml")
		if err := os.WriteFile(file, []byte(tc.yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Read(given(map[string]string{"INGEST_CONFIG": file}))
		if err == nil || strings.TrimPrefix(err.Error(), filepath.Dir(file)+"/") != tc.want {
			t.Errorf("%q: %v", tc.yaml, err)
		}
	}
}
