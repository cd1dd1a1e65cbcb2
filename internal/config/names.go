package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"rawlogs/internal/rawlog"
)

// parseNames reads the patterns of renamed files.
func (l *Layers) parseNames(c *Config) (err error) {
	if c.Names, err = rawlog.ParseNames(l.text("files")); err != nil {
		wrong := l.wrong("files", err)
		wrong.hint = `docs/sources.md has examples, such as '(?P<type>clicks|conversions)_(?P<day>\d{8})'`
		return wrong
	}
	return nil
}

// joinPatterns puts what ingest.yaml may have into lines, as the flag has them: one
// pattern, a list of them, or one or a list for each type.
func joinPatterns(value any) (string, error) {
	switch value := value.(type) {
	case string:
		return value, nil
	case []any:
		var lines []string
		for _, one := range value {
			line, err := joinPatterns(one)
			if err != nil {
				return "", err
			}
			lines = append(lines, line)
		}
		return strings.Join(lines, "\n"), nil
	case map[string]any:
		var lines []string
		for _, typ := range slices.Sorted(maps.Keys(value)) {
			if _, err := rawlog.ParseType(typ); err != nil {
				return "", fmt.Errorf("files: %w", err)
			}
			of, err := joinPatterns(value[typ])
			if err != nil {
				return "", err
			}
			for line := range strings.SplitSeq(of, "\n") {
				lines = append(lines, typ+": "+line)
			}
		}
		return strings.Join(lines, "\n"), nil
	}
	return "", errors.New("files takes a pattern, a list of them, or one for each type, as in {clicks: PATTERN}")
}
