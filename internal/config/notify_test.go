package config

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// notified reads a file, named or found as ingest.yaml says, and returns its networks.
func notified(t *testing.T, yaml string, env map[string]string) ([]*Config, string, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"own.yaml": yaml, "hook": " https://hook.example/canary-file?a=b \n", "ping": "https://ping.example/canary-file\n",
		"headers": "Authorization: Bearer canary-bearer\n\nX-Team: data\n", "open": "https://h.example/x",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all := map[string]string{"INGEST_CONFIG": filepath.Join(dir, "own.yaml"), "INGEST_SOURCE": dir}
	for k, v := range env {
		all[k] = v
	}
	layers, err := Read(given(all))
	if err != nil {
		return nil, "", err
	}
	var log bytes.Buffer
	configs, err := layers.All(slog.New(slog.NewTextHandler(&log, nil)))
	return configs, log.String(), err
}

// A ping and webhooks at the top are the command's, those of a member its network's.
func TestNotify(t *testing.T) {
	t.Parallel()
	all, log, err := notified(t, `
ping_url: https://ping.example/canary-top
notify:
  - url_file: hook
    headers_file: headers
    on: [failed, recovered]
    days: 3
networks:
  - id: acme
    ping_url_file: ping
    notify: {url: "https://hook.example/canary-own", on: failed}
  - id: beta
  - id: gamma
    ping_url_env: GAMMA_PING
`, map[string]string{"GAMMA_PING": "http://127.0.0.1:1/canary-env"})
	if err != nil {
		t.Fatal(err)
	}
	if log != "" {
		t.Errorf("logged %s", log)
	}
	const top = "https://ping.example/canary-top"
	for i, want := range []struct {
		own   string
		hooks int
	}{{"https://ping.example/canary-file", 2}, {"", 1}, {"http://127.0.0.1:1/canary-env", 1}} {
		n := all[i].Notify
		if string(n.Whole) != top || string(n.Own) != want.own || len(n.Hooks) != want.hooks || n.Refused != nil {
			t.Errorf("network %d: %q, %q, %d webhooks, %v", i+1, string(n.Whole), string(n.Own), len(n.Hooks), n.Refused)
		}
	}
	h := all[0].Notify.Hooks
	if string(h[0].URL) != "https://hook.example/canary-file?a=b" || string(h[0].Headers["Authorization"]) != "Bearer canary-bearer" || len(h[0].Headers) != 2 ||
		!slices.Equal(h[0].On, []string{"failed", "recovered"}) || h[0].Days != 3 {
		t.Errorf("the first webhook is %+v", h[0])
	}
	if string(h[1].URL) != "https://hook.example/canary-own" || !slices.Equal(h[1].On, []string{"failed"}) || h[1].Days != 7 || !strings.HasSuffix(h[1].Name, "network 1: notify 1") {
		t.Errorf("the second webhook is %+v", h[1])
	}
	if secrets := all[0].Secrets(); !slices.Contains(secrets, top) || !slices.Contains(secrets, "Bearer canary-bearer") {
		t.Errorf("secrets are %q", secrets)
	}
	all, _, err = notified(t, "notify:\n- {url: https://hook.example/file}\n", map[string]string{"INGEST_NOTIFY": "https://hook.example/env", "INGEST_PING_URL": "https://ping.example/env?x=1"})
	if err != nil || len(all) != 1 || len(all[0].Notify.Hooks) != 1 || string(all[0].Notify.Hooks[0].URL) != "https://hook.example/env" || string(all[0].Notify.Whole) != "https://ping.example/env?x=1" {
		t.Errorf("from the environment: %v", err)
	}
}

// What cannot be used is told, and the address is not.
func TestNotifyWrong(t *testing.T) {
	t.Parallel()
	for yaml, want := range map[string]string{
		"ping_url: canary.example":                                   "own.yaml:1: ping_url: want an address like https://",
		"ping_url: ftp://canary.example/x":                           "want an address like https://",
		"ping_url_file: nowhere":                                     "own.yaml:1: open ",
		"notify: https://canary.example":                             "notify: want a list",
		"notify:\n- {on: failed}":                                    "own.yaml:1: notify 1: want a url, or a url_file",
		"notify:\n- {url: canary}":                                   "notify 1: want an address like https://",
		"notify:\n- {url: https://x/canary, on: faild}":              `on: unknown "faild": did you mean failed?`,
		"notify:\n- {url: https://x/canary, ulr_file: x}":            `own.yaml:2: unknown "ulr_file" in notify: did you mean url_file?`,
		"notify:\n- {url: https://x/canary, days: 0}":                "days: 0: want a number",
		"notify:\n- {url: https://x/canary, headers_file: own.yaml}": "own.yaml: line 2: want NAME: VALUE",
	} {
		_, log, err := notified(t, yaml, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", yaml, err, want)
		}
		if err != nil && strings.Contains(log+err.Error(), "canary") {
			t.Errorf("%q: shows %v %s", yaml, err, log)
		}
	}
	all, log, err := notified(t, "notify:\n", map[string]string{"INGEST_PING_URL": "http://ping.example/canary"})
	if err != nil || len(all[0].Risks) != 1 || !strings.Contains(log, "ping_url is http") || strings.Contains(log, "canary") {
		t.Errorf("%v: %s", err, log)
	}
}

// A file that was only found names nobody who hears of what the user's own credentials
// read; what its folder brings along may be told.
func TestNotifyFound(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for name, text := range map[string]string{"token": "t", "ping": "https://ping.example/canary", "ingest.yaml": "network_id: acme\nping_url_file: ping\nnotify: [{url: 'https://x/canary'}]\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func(env map[string]string) *Config {
		t.Helper()
		layers, err := Read(given(env))
		if err != nil {
			t.Fatal(err)
		}
		all, err := layers.All(quiet)
		if err != nil {
			t.Fatal(err)
		}
		return all[0]
	}
	n := read(map[string]string{"HASOFFERS_NETWORK_TOKEN": "t"}).Notify
	if n.Refused == nil || n.Whole != "" || len(n.Hooks) > 0 ||
		n.Refused.Error() != "ingest.yaml:2: ping_url_file is not followed, as this file was only found in the working folder: what becomes of what HASOFFERS_NETWORK_TOKEN reads would be told there" {
		t.Errorf("with a token of the user's: %v", n.Refused)
	}
	if n = read(map[string]string{"HASOFFERS_NETWORK_TOKEN": "t", "INGEST_CONFIG": "ingest.yaml"}).Notify; n.Refused != nil || n.Whole == "" || len(n.Hooks) != 1 {
		t.Errorf("of a file that is named: %v", n.Refused)
	}
	if n = read(map[string]string{"INGEST_SOURCE": "."}).Notify; n.Refused != nil || n.Whole == "" || len(n.Hooks) != 1 {
		t.Errorf("with what the folder brings: %v", n.Refused)
	}
}
