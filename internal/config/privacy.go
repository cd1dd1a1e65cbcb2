package config

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"rawlogs/internal/privacy"
)

// parsePrivacy reads what becomes of personal data, and the key of hashes.
func (l *Layers) parsePrivacy(c *Config, log *slog.Logger) (err error) {
	if c.privacyKey, err = l.secret("privacy_key", log); err != nil {
		return err
	}
	if c.Privacy, err = privacy.Parse(l.text("privacy"), []byte(c.privacyKey)); err != nil {
		return l.wrong("privacy", err)
	}
	return nil
}

// joinPrivacy puts privacy: of ingest.yaml into the words of the variable: ip=truncate,
// url_params.email=drop.
func joinPrivacy(value any) (string, error) {
	rules, ok := value.(map[string]any)
	if !ok {
		return fmt.Sprint(value), nil
	}
	var parts []string
	add := func(name string, action any) error {
		if strings.Contains(name, ",") {
			return fmt.Errorf("privacy: %q: a name with a comma cannot be named", name)
		}
		text, ok := action.(string)
		if !ok {
			return errors.New("privacy: " + name + ": want keep, drop, hash or truncate")
		}
		parts = append(parts, name+"="+text)
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(rules)) {
		inner, nested := rules[name].(map[string]any)
		if !nested {
			if err := add(name, rules[name]); err != nil {
				return "", err
			}
			continue
		}
		if name != "url_params" && name != "headers" {
			return "", fmt.Errorf("privacy: %s: want keep, drop, hash or truncate; only url_params and headers have names below them", name)
		}
		for _, n := range slices.Sorted(maps.Keys(inner)) {
			if err := add(name+"."+n, inner[n]); err != nil {
				return "", err
			}
		}
	}
	return strings.Join(parts, ", "), nil
}
