package setup

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rawlogs/internal/config"
	"rawlogs/internal/privacy"
)

// given is an interview whose answers are all given, in a folder of its own.
func given(t *testing.T, answers map[string]string) *Interview {
	t.Helper()
	return &Interview{
		File:   filepath.Join(t.TempDir(), "etc", "ingest.yaml"),
		Given:  func(key string) (value, from string) { return answers[key], "" },
		Flag:   func(key string) string { return "--" + key },
		Getenv: func(string) string { return "" },
		Out:    io.Discard,
	}
}

// What is written is read back as what was answered.
func TestReadBack(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	held := filepath.Join(folder, "held secret")
	if err := os.WriteFile(held, []byte("abc\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, answers := range map[string]map[string]string{
		"token":      {"source": "hasoffers:", "network_id": "acme", "sign_in": "token", "network_token": "NETx", "token_file": filepath.Join(folder, "t1"), "store": "embedded:/srv/x y", "timezone": "UTC"},
		"numbers":    {"source": "hasoffers:", "network_id": "010", "sign_in": "Token", "token_file": held, "store": "embedded:1e3", "timezone": "Europe/Prague until 2018, UTC", "api_url": "https://api.example/x?y=#z"},
		"integrator": {"source": "hasoffers:", "network_id": "acme", "sign_in": "integrator", "client_id": "yes", "integrator_id": "1_0", "client_secret": "s:#x", "client_secret_file": filepath.Join(folder, "t2"), "store": "embedded:x", "timezone": "UTC", "auth_url": "https://auth.example"},
		"affiliate":  {"source": "hasoffers:", "network_id": "acme", "sign_in": "affiliate", "api_key": "k", "api_key_file": filepath.Join(folder, "t3"), "store": "embedded:x", "timezone": "UTC"},
		"bucket":     {"source": "s3://archive/raw logs/", "network_id": "acme", "store": "clickhouse://u:p%40s%23s@ch1:9440/db?secure=true", "timezone": "America/New_York"},
		"events":     {"source": "firehose:" + folder, "network_id": "acme", "store": "embedded:x", "timezone": "UTC"},
		"folder":     {"source": folder, "network_id": "null", "files": "clicks: c(?P<day>\\d{8})\nconversions: v(?P<day>\\d{8})", "store": "embedded:x", "timezone": "UTC"},
	} {
		i := given(t, answers)
		written, err := i.Run(t.Context())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want, err := i.config()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		layers, err := config.Read(config.Given{
			Getenv: func(name string) string { return map[string]string{"INGEST_CONFIG": written.Config}[name] },
			Flag:   func(string) (string, string, bool) { return "", "", false },
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		all, err := layers.All(quiet)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(want, all[0], cmpopts.IgnoreUnexported(config.Config{}), cmpopts.IgnoreFields(config.Config{}, "Names", "Zones", "Risks"),
			cmp.Comparer(func(a, b *privacy.Policy) bool { return a.String() == b.String() })); diff != "" {
			t.Errorf("%s: (-answered +read)\n%s", name, diff)
		}
		if want.Zones.String() != all[0].Zones.String() || want.SignIn.Token != all[0].SignIn.Token || want.SignIn.ClientSecret != all[0].SignIn.ClientSecret || want.SignIn.Key != all[0].SignIn.Key {
			t.Errorf("%s: read back as %v", name, all[0])
		}
		for _, path := range []string{written.Config, written.SecretFile} {
			if info, err := os.Stat(path); path != "" && (err != nil || info.Mode().Perm() != 0o600) {
				t.Errorf("%s: %s: %v %v", name, path, info, err)
			}
		}
	}
}

// A file that comes to be there while the questions are asked is not written over, and
// nothing is left beside it.
func TestNothingWrittenOver(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	i := given(t, map[string]string{"source": "hasoffers:", "network_id": "acme", "sign_in": "token", "network_token": "NETx", "token_file": filepath.Join(dir, "token"), "store": "embedded:x"})
	i.File = filepath.Join(dir, "ingest.yaml")
	i.Ask = late{t, i.File}
	_, err := i.Run(t.Context())
	var exists *ExistsError
	if !errors.As(err, &exists) {
		t.Errorf("err = %v", err)
	}
	text, err := os.ReadFile(i.File)
	if err != nil || string(text) != "mine" {
		t.Errorf("%q, %v", text, err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("left %v, %v", left, err)
	}
}

// late is a person who writes the file by hand while being asked.
type late struct {
	t    *testing.T
	file string
}

func (l late) Line(_ context.Context, _, def string) (string, error) {
	if err := os.WriteFile(l.file, []byte("mine"), 0o600); err != nil {
		l.t.Fatal(err)
	}
	return def, nil
}

func (l late) Hidden(context.Context, string) (string, error) { return "", errors.New("not asked") }

// A device, a pipe or a folder is not replaced by a file, whatever is forced, neither for
// the settings nor for the secret.
func TestReplacesFilesOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, pipe} {
		for _, of := range []string{"settings", "secret"} {
			i := given(t, map[string]string{"source": "hasoffers:", "network_id": "acme", "sign_in": "token", "network_token": "NETx", "token_file": path, "store": "embedded:x", "timezone": "UTC"})
			i.Force = true
			if path == pipe && of == "secret" {
				continue // a pipe may well hold a secret, and is read
			}
			if of == "settings" {
				i = given(t, map[string]string{"source": dir, "network_id": "acme", "store": "embedded:x", "timezone": "UTC"})
				i.File, i.Force = path, true
			}
			if _, err := i.Run(t.Context()); err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("%s at %s: %v", of, path, err)
			}
			if info, err := os.Lstat(path); err != nil || info.Mode().IsRegular() {
				t.Fatalf("%s is %v now, %v", path, info.Mode(), err)
			}
		}
	}
}
