package config

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"rawlogs/internal/rawlog"
)

// parseCSV reads how quotes are escaped: "quote", or by period: "backslash until 2018, quote".
func parseCSV(text string) (rawlog.Escapes, error) {
	var out rawlog.Escapes
	parts := strings.Split(text, ",")
	for i, part := range parts {
		word, end, ends := strings.Cut(strings.TrimSpace(part), " until ")
		var next rawlog.EscapeUntil
		switch strings.TrimSpace(word) {
		case "quote":
		case "backslash":
			next.Backslash = true
		default:
			return nil, fmt.Errorf("escape %q: want backslash, or quote where quotes are doubled", strings.TrimSpace(word))
		}
		if ends {
			day, err := rawlog.ParsePeriod(strings.TrimSpace(end))
			if err != nil {
				return nil, fmt.Errorf("%s: until: %w", word, err)
			}
			next.Until = day.From
		}
		switch last := i == len(parts)-1; {
		case last && ends:
			return nil, fmt.Errorf("%s ends with %s: say how quotes are escaped after that", word, next.Until.Format(time.DateOnly))
		case !last && !ends:
			return nil, fmt.Errorf("%s is followed by another: say until when it holds, as in %s until 2018", word, word)
		case i > 0 && ends && !next.Until.After(out[i-1].Until):
			return nil, fmt.Errorf("%s ends before the one ahead of it", word)
		}
		out = append(out, next)
	}
	return out, nil
}

// joinCSV puts csv: of ingest.yaml into the words that parseCSV reads: {escape: backslash},
// or a list of such with until, and a last one without.
func joinCSV(value any) (string, error) {
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	var parts []string
	for _, member := range list {
		values, ok := member.(map[string]any)
		if !ok || values["escape"] == nil {
			return "", errors.New("csv: want {escape: backslash}, or a list whose members are like {until: 2018, escape: backslash} and a last one like {escape: quote}")
		}
		part := fmt.Sprint(values["escape"])
		if values["until"] != nil {
			part += " until " + untilText(values["until"])
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", "), nil
}
