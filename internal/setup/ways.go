package setup

import (
	"fmt"
	"strings"
)

// way is a way of signing in: its name, its settings beside the secret, and the secret.
type way struct {
	name   string
	others []string // settings beside the secret
	secret string
	file   string
	noun   string
	side   string // of an api_key
}

func ways() []way {
	return []way{
		{name: "token", secret: "network_token", file: "token_file", noun: "network's token"},
		{name: "integrator", others: []string{"client_id", "integrator_id"}, secret: "client_secret", file: "client_secret_file", noun: "client secret"},
		{name: "affiliate", secret: "api_key", file: "api_key_file", noun: "affiliate's api_key", side: "affiliate"},
		{name: "advertiser", secret: "api_key", file: "api_key_file", noun: "advertiser's api_key", side: "advertiser"},
	}
}

// Ways are the names of the ways of signing in.
func Ways() []string {
	var names []string
	for _, w := range ways() {
		names = append(names, w.name)
	}
	return names
}

func wayOf(name string) (way, error) {
	for _, w := range ways() {
		if w.name == strings.ToLower(name) {
			return w, nil
		}
	}
	return way{}, &WayError{name}
}

// WayError reports a way to sign in that there is not.
type WayError struct{ Name string }

func (e *WayError) Error() string {
	return fmt.Sprintf("unknown way to sign in %q: want %s", e.Name, strings.Join(Ways(), ", "))
}

// secretName names the file that a secret is kept in, beside the configuration.
func secretName(network string, w way) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, network)
	return name + "." + strings.TrimPrefix(w.secret, "network_")
}
