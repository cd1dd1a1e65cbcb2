package main

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"rawlogs/internal/hasoffers"
)

// signInSettings are the settings about who calls and how fast, beside the
// network's token.
func signInSettings() []setting {
	return []setting{
		{"client_id", "HASOFFERS_CLIENT_ID", "", "", "integrator's client id"},
		{"client_secret", "HASOFFERS_CLIENT_SECRET", "", "", "integrator's client secret (environment only)"},
		{"client_secret_file", "HASOFFERS_CLIENT_SECRET_FILE", "", "", "file that holds the integrator's client secret"},
		{"integrator_id", "HASOFFERS_INTEGRATOR_ID", "", "", "integrator id"},
		{"audience", "HASOFFERS_AUDIENCE", "", "BrandAPI", "integrator's audience"},
		{"auth_url", "HASOFFERS_AUTH_URL", "", "", "where integrators sign in; empty: HasOffers' own"},
		{"api_key", "HASOFFERS_API_KEY", "", "", "affiliate's or advertiser's api_key (environment only)"},
		{"api_key_file", "HASOFFERS_API_KEY_FILE", "", "", "file that holds the api_key"},
		{"api_key_side", "HASOFFERS_API_KEY_SIDE", "", "", "whose the api_key is: affiliate or advertiser"},
		{"rate_limit", "HASOFFERS_RATE_LIMIT", "", "50/10s", "calls in a span of time that the network allows"},
	}
}

// signIn is how a network is signed in to: exactly one of the ways, or none.
type signIn struct {
	Token        secret // the network's
	ClientID     string // an integrator's
	ClientSecret secret
	IntegratorID string
	Audience     string
	AuthURL      string
	Key          secret // an affiliate's or advertiser's
	Side         string

	Calls int
	Per   time.Duration
}

// way names the way; "" is none.
func (s signIn) way() string {
	switch {
	case s.ClientID != "":
		return "integrator"
	case s.Key != "":
		return "api_key"
	case s.Token != "":
		return "token"
	}
	return ""
}

// parseSignIn reads the settings of who calls; the token is read already.
func parseSignIn(v values, token secret, log *slog.Logger) (signIn, error) {
	s := signIn{
		Token: token, ClientID: v.text("client_id"), IntegratorID: v.text("integrator_id"),
		Audience: v.text("audience"), AuthURL: v.text("auth_url"),
	}
	var err error
	if s.ClientSecret, err = readSecret(v, "client_secret", "client_secret_file", log); err != nil {
		return s, err
	}
	if s.Key, err = readSecret(v, "api_key", "api_key_file", log); err != nil {
		return s, err
	}
	switch side := strings.ToLower(v.text("api_key_side")); side {
	case "":
	case "affiliate":
		s.Side = hasoffers.Affiliate
	case "advertiser":
		s.Side = hasoffers.Advertiser
	default:
		return s, v.wrong("api_key_side", fmt.Errorf("%q: want affiliate or advertiser", side))
	}
	if s.Calls, s.Per, err = parseRate(v.text("rate_limit")); err != nil {
		return s, v.wrong("rate_limit", err)
	}
	if integrator := s.ClientID != "" || s.ClientSecret != "" || s.IntegratorID != ""; integrator {
		var missing []string
		for _, m := range []struct {
			name  string
			there bool
		}{{"client_id", s.ClientID != ""}, {"client_secret_file (or HASOFFERS_CLIENT_SECRET)", s.ClientSecret != ""}, {"integrator_id", s.IntegratorID != ""}} {
			if !m.there {
				missing = append(missing, m.name)
			}
		}
		if len(missing) > 0 {
			return s, &usageError{err: fmt.Errorf("an integrator's sign-in lacks %s", strings.Join(missing, " and "))}
		}
		if s.Key != "" {
			return s, &usageError{err: errors.New("both an integrator's sign-in and an api_key are set: keep the one that is meant")}
		}
	}
	return s, nil
}

// readSecret reads a secret from its environment variable or a file of its own;
// ingest.yaml names the file and never holds the secret.
func readSecret(v values, inline, file string, log *slog.Logger) (secret, error) {
	if from := v.from[inline]; strings.Contains(from, ":") {
		return "", v.wrong(inline, fmt.Errorf("put the secret into a file of its own and name it with %s", file))
	}
	text, path := v.text(inline), v.text(file)
	if text != "" || path == "" {
		return secret(text), nil
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", v.wrong(file, err)
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		log.Warn("others can read this secret; chmod 600 it", "file", path)
	}
	if text = strings.TrimSpace(string(raw)); text == "" {
		return "", v.wrong(file, fmt.Errorf("%s is empty", path))
	}
	return secret(text), nil
}

// parseRate reads calls in a span: 50/10s, 100/1m.
func parseRate(s string) (int, time.Duration, error) {
	wrong := fmt.Errorf("%q: want calls and a span, such as 50/10s", s)
	left, right, ok := strings.Cut(s, "/")
	calls, err := strconv.Atoi(strings.TrimSpace(left))
	if !ok || err != nil || calls < 1 || calls > 10_000 {
		return 0, 0, wrong
	}
	per, err := time.ParseDuration(strings.TrimSpace(right))
	if err != nil || per < 10*time.Millisecond || per > time.Hour {
		return 0, 0, wrong
	}
	return calls, per, nil
}

// auth makes the configured sign-in. An integrator's is made once and shared by
// its networks, as its token opens all of them.
func (a *app) auth(cfg *Config) (hasoffers.Auth, error) {
	s := cfg.SignIn
	switch s.way() {
	case "api_key":
		return hasoffers.APIKey{Key: string(s.Key), Side: s.Side}, nil
	case "token":
		return hasoffers.NetworkToken(s.Token), nil
	case "":
		return nil, cfg.requireAPI()
	}
	id := strings.Join([]string{s.ClientID, s.Audience, s.AuthURL, s.IntegratorID, string(s.ClientSecret)}, "\x00")
	if shared := a.integrators[id]; shared != nil {
		return shared, nil
	}
	cache := ""
	if dir, err := a.cacheDir(); err == nil {
		cache = filepath.Join(dir, "rawlogs")
	} else {
		a.log.Debug("no folder for caches: the sign-in is not kept for the next run", "err", err)
	}
	i, err := hasoffers.NewIntegrator(hasoffers.IntegratorConfig{
		ClientID: s.ClientID, ClientSecret: string(s.ClientSecret), IntegratorID: s.IntegratorID,
		Audience: s.Audience, AuthURL: s.AuthURL, CacheDir: cache, Log: a.log,
	})
	if err != nil {
		return nil, err
	}
	if a.integrators == nil {
		a.integrators = map[string]*hasoffers.Integrator{}
	}
	a.integrators[id] = i
	return i, nil
}

// cacheDir is os.UserCacheDir by the environment that the command was given.
func (a *app) cacheDir() (string, error) {
	if dir := a.getenv("XDG_CACHE_HOME"); filepath.IsAbs(dir) {
		return dir, nil
	}
	if home := a.getenv("HOME"); filepath.IsAbs(home) {
		return filepath.Join(home, ".cache"), nil
	}
	return "", errors.New("neither XDG_CACHE_HOME nor HOME is set")
}

// apiURL is where the API is called: the setting, or what the way of signing in
// implies; "" is the network's own.
func (c *Config) apiURL() string {
	if c.SignIn.way() == "integrator" {
		return cmp.Or(c.APIURL, hasoffers.IntegratorURL)
	}
	return c.APIURL
}
