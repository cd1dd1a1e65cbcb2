package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// readOne reads an ingest.yaml beside a variable of the environment, and returns the
// settings of its first network. With an error that is wanted it returns nil.
func readOne(t *testing.T, yaml, variable, value, wantErr string) *Config {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ingest.yaml")
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"INGEST_CONFIG": file, variable: value, "INGEST_SOURCE": t.TempDir()}
	layers, err := Read(Given{Getenv: func(k string) string { return env[k] }, Flag: func(string) (string, string, bool) { return "", "", false }})
	var all []*Config
	if err == nil {
		all, err = layers.All(quiet)
	}
	if wantErr != "" {
		if err == nil || !strings.Contains(err.Error(), wantErr) {
			t.Errorf("got %v", err)
		}
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return all[0]
}
