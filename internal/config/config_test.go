package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// given is a command without flags in an environment.
func given(env map[string]string) Given {
	return Given{
		Getenv: func(name string) string { return env[name] },
		Flag:   func(string) (name, value string, ok bool) { return "", "", false },
	}
}

var quiet = slog.New(slog.DiscardHandler)

// A secret stays one however it is printed.
func TestSecret(t *testing.T) {
	t.Parallel()
	cfg := Config{SignIn: SignIn{Token: "NETcanary", ClientSecret: "SECcanary", Key: "KEYcanary"}}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "token", cfg.SignIn.Token, "config", cfg)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "token", cfg.SignIn.Token, "config", cfg)
	raw, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	all := log.String() + string(raw) + fmt.Sprintf("%v %+v %#v %s %q", cfg, cfg, cfg, cfg.SignIn.Token, cfg.SignIn.Token)
	if strings.Contains(all, "canary") {
		t.Errorf("the token shows in %s", all)
	}
}

// Settings that let a secret travel in clear or lie open are said aloud, by the
// log and by the Config.
func TestRisksAreSaid(t *testing.T) {
	t.Parallel()
	open := filepath.Join(t.TempDir(), "open.yaml")
	text := "store: clickhouse://loader:canary@127.0.0.1:1/raw\n"
	if err := os.WriteFile(open, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	closed := filepath.Join(t.TempDir(), "closed.yaml")
	if err := os.WriteFile(closed, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		env  map[string]string
		want string // "" is silence
	}{
		{map[string]string{"HASOFFERS_API_URL": "http://api.example.com/x"}, "HASOFFERS_API_URL: api_url is http: the credentials"},
		{map[string]string{"HASOFFERS_AUTH_URL": "http://auth.example.com/x"}, "HASOFFERS_AUTH_URL: auth_url is http"},
		{map[string]string{"HASOFFERS_API_URL": "https://api.example.com/x"}, ""},
		{map[string]string{"HASOFFERS_API_URL": "http://127.0.0.1:8080"}, ""},
		{map[string]string{"HASOFFERS_API_URL": "http://[::1]:8080"}, ""},
		{map[string]string{"HASOFFERS_API_URL": "http://localhost:8080"}, ""},
		{map[string]string{"INGEST_CONFIG": open}, "open.yaml:1: others can read the store's password"},
		{map[string]string{"INGEST_CONFIG": closed}, ""},
		{map[string]string{"INGEST_CONFIG": open, "INGEST_STORE": "embedded:x"}, ""},
	} {
		layers, err := Read(given(tc.env))
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		all, err := layers.All(slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		for name, said := range map[string]string{"log": log.String(), "config": strings.Join(all[0].Risks, "\n")} {
			if got := strings.Contains(said, tc.want); !got || tc.want == "" && said != "" {
				t.Errorf("%v: %s says %q", tc.env, name, said)
			}
			if strings.Contains(said, "canary") {
				t.Errorf("%v: %s shows the password", tc.env, name)
			}
		}
	}
}

// Each layer covers the one below, and a value's origin says which it was.
func TestPrecedence(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "own.yaml")
	if err := os.WriteFile(file, []byte("network_id: acme\nlookback: 4\nparsers: 5\nfetchers: 6\nspool:\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	from := given(map[string]string{"INGEST_PARSERS": "7", "INGEST_FETCHERS": "8", "INGEST_SPOOL": ""})
	from.Flag = func(key string) (name, value string, ok bool) {
		value, ok = map[string]string{"config": file, "fetchers": "9"}[key]
		return "--" + key, value, ok
	}
	layers, err := Read(from)
	if err != nil {
		t.Fatal(err)
	}
	all, err := layers.All(quiet)
	if err != nil {
		t.Fatal(err)
	}
	c := all[0]
	if c.Network != "acme" || c.Lookback != 4 || c.Parsers != 7 || c.Fetchers != 9 || c.MaxMemory != 256<<20 {
		t.Errorf("%+v", c)
	}
	for key, want := range map[string]Origin{
		"network_id": {Kind: File, Name: file, Line: 1}, "lookback": {Kind: File, Name: file, Line: 2}, "parsers": {Kind: Env, Name: "INGEST_PARSERS"},
		"fetchers": {Kind: Flag, Name: "--fetchers"}, "max_memory": {}, "spool": {},
	} {
		if got := c.Origin(key); got != want {
			t.Errorf("%s comes from %v, want %v", key, got, want)
		}
	}
	if got := (Origin{Kind: File, Name: "ingest.yaml", Line: 3, Member: 2}).String(); got != "ingest.yaml:3: network 2" {
		t.Errorf("a member is named %s", got)
	}
}

// A member of networks: has its own sign-in whole or not at all; of the rest,
// the environment wins.
func TestMembers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "own.yaml")
	text := `client_id: common
integrator_id: i
client_secret_file: common.secret
audience: all
networks:
  - id: acme
    token_file: acme.token
    timezone: Europe/Prague
  - id: beta
    source: ` + dir + `
  - id: gamma
    token_env: GAMMA
    audience: own
`
	for name, content := range map[string]string{file: text, filepath.Join(dir, "common.secret"): "s", filepath.Join(dir, "acme.token"): " t \n"} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := map[string]string{"INGEST_CONFIG": file, "HASOFFERS_TIMEZONE": "America/New_York", "GAMMA": "g", "HASOFFERS_AUDIENCE": "env", "HASOFFERS_NETWORK_TOKEN": ""}
	read := func() ([]*Config, error) {
		layers, err := Read(given(env))
		if err != nil {
			return nil, err
		}
		return layers.All(quiet)
	}
	all, err := read()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range all {
		got = append(got, fmt.Sprint(c.Network, " ", c.SignIn.Way(), " ", c.Zones, " ", string(c.SignIn.Token), " ", c.SignIn.ClientID, " ", c.SignIn.Audience, " ", c.Source.Kind))
	}
	want := []string{
		"acme token America/New_York t  env 0", "beta integrator America/New_York  common env 2", "gamma token America/New_York g  own 0",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	env["HASOFFERS_NETWORK_ID"] = "Gamma, acme"
	if all, err = read(); err != nil || len(all) != 2 || all[0].Network != "gamma" || all[1].Network != "acme" {
		t.Errorf("picked %v, %v", all, err)
	}
	env["HASOFFERS_NETWORK_ID"] = "delta"
	if _, err = read(); err == nil || !strings.HasPrefix(err.Error(), `HASOFFERS_NETWORK_ID: unknown network "delta": want acme, beta, gamma`) {
		t.Errorf("err = %v", err)
	}
	env["HASOFFERS_NETWORK_ID"], env["GAMMA"] = "", ""
	if _, err = read(); err == nil || !strings.Contains(err.Error(), "own.yaml:5: network 3: GAMMA is not set") {
		t.Errorf("err = %v", err)
	}
}

// The table of settings is the only list, and names nothing twice.
func TestSettings(t *testing.T) {
	t.Parallel()
	keys, variables := map[string]bool{}, map[string]bool{}
	for _, s := range settings() {
		if keys[s.key] || variables[s.env] || s.env == "" {
			t.Errorf("%s (%s) twice, or without a variable", s.key, s.env)
		}
		keys[s.key], variables[s.env] = true, true
		if _, ok := find(s.file); s.file != "" && (!ok || s.noun == "") {
			t.Errorf("%s: no setting %s, or no word for it", s.key, s.file)
		}
	}
}
