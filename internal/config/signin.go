package config

import (
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"rawlogs/internal/hasoffers"
	"rawlogs/internal/trust"
)

// SignIn is how a network is signed in to: in exactly one of the ways, or not at
// all; and how fast it may be called.
type SignIn struct {
	Token        Secret // the network's
	ClientID     string // an integrator's
	ClientSecret Secret
	IntegratorID string
	Audience     string
	AuthURL      string // "" is HasOffers' own
	Key          Secret // an affiliate's or advertiser's
	Side         string // whose the Key is: hasoffers.Affiliate or Advertiser; "" is to be guessed

	Calls int // that the network allows in Per
	Per   time.Duration
}

// Way is how a network is signed in to; "" is none.
type Way string

// The ways of signing in.
const (
	Integrator Way = "integrator"
	APIKey     Way = "api_key"
	Token      Way = "token"
)

// Way returns the way that the settings mean.
func (s SignIn) Way() Way {
	switch {
	case s.ClientID != "":
		return Integrator
	case s.Key != "":
		return APIKey
	case s.Token != "":
		return Token
	}
	return ""
}

// Partner is the side whose key signs in; "" for the network itself, an integrator, or a key
// whose side is not set.
func (s SignIn) Partner() string {
	if s.Way() != APIKey {
		return ""
	}
	return s.Side
}

// Secrets are the texts that must not be shown; some may be empty.
func (s SignIn) Secrets() []string {
	return []string{string(s.Token), string(s.ClientSecret), string(s.Key)}
}

// Secret is text that must not be printed: every way fmt, slog and
// encoding/json have of printing it gives dots.
type Secret string

func (Secret) String() string { return "…" }

// GoString is String.
func (Secret) GoString() string { return "…" }

// LogValue is String.
func (Secret) LogValue() slog.Value { return slog.StringValue("…") }

// MarshalText is String.
func (Secret) MarshalText() ([]byte, error) { return []byte("…"), nil }

// parseSignIn reads the settings of who calls.
func (l *Layers) parseSignIn(log *slog.Logger) (SignIn, error) {
	s := SignIn{
		ClientID: l.text("client_id"), IntegratorID: l.text("integrator_id"),
		Audience: l.text("audience"), AuthURL: l.text("auth_url"),
	}
	var err error
	for _, to := range []struct {
		key string
		to  *Secret
	}{{"network_token", &s.Token}, {"client_secret", &s.ClientSecret}, {"api_key", &s.Key}} {
		if *to.to, err = l.secret(to.key, log); err != nil {
			return s, err
		}
	}
	switch side := strings.ToLower(l.text("api_key_side")); side {
	case "":
	case "affiliate":
		s.Side = hasoffers.Affiliate
	case "advertiser":
		s.Side = hasoffers.Advertiser
	default:
		return s, l.wrong("api_key_side", fmt.Errorf("%q: want affiliate or advertiser", side))
	}
	if s.Calls, s.Per, err = parseRate(l.text("rate_limit")); err != nil {
		return s, l.wrong("rate_limit", err)
	}
	return s, s.checkIntegrator()
}

// checkIntegrator reports what an integrator's sign-in lacks.
func (s SignIn) checkIntegrator() error {
	if s.ClientID == "" && s.ClientSecret == "" && s.IntegratorID == "" {
		return nil
	}
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
		return wrong("an integrator's sign-in lacks %s", strings.Join(missing, " and "))
	}
	if s.Key != "" {
		return wrong("both an integrator's sign-in and an api_key are set: keep only one of them")
	}
	return nil
}

// secret reads a secret from its variable or from a file of its own. One rule
// for every file of ours: ingest.yaml names the file and never holds the secret,
// so that it can be shown to a colleague.
func (l *Layers) secret(key string, log *slog.Logger) (Secret, error) {
	s, _ := find(key)
	text, path := l.text(key), l.text(s.file)
	if text != "" && l.origins[key].Kind == File && !s.has(mayStand) {
		return "", l.wrong(key, fmt.Errorf("put the %s into a file of its own and name it with %s, or into %s", s.noun, s.file, s.env))
	}
	if text != "" || path == "" {
		if err := checkSecret(text); err != nil {
			return "", l.wrong(key, err)
		}
		return Secret(text), nil
	}
	text, err := readSecret(path, s.noun, log)
	if err != nil {
		return "", l.wrong(s.file, err)
	}
	return Secret(text), nil
}

// readSecret reads a file that holds one secret.
func readSecret(path, noun string, log *slog.Logger) (string, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if info, err := os.Stat(path); err == nil && trust.OthersRead(info) {
		log.Warn("others can read the "+noun+" in this file; chmod 600 it", "file", path)
	}
	text := clean(string(raw))
	if text == "" {
		return "", fmt.Errorf("%s is empty", path)
	}
	if err := checkSecret(text); err != nil { //guard:secret-checked
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return text, nil
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

// checkKeys refuses half of a key of the storage: the SDK passes over it without a word
// and looks for credentials elsewhere.
func (l *Layers) checkKeys() error {
	const id, secret = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"
	hasID, hasSecret := l.given.Getenv(id) != "", l.given.Getenv(secret) != ""
	switch {
	case hasID && !hasSecret:
		return wrong("%s is set, and %s is not", id, secret)
	case hasSecret && !hasID:
		return wrong("%s is set, and %s is not", secret, id)
	}
	return nil
}
