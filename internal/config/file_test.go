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
