package config

import (
	"errors"
	"fmt"
	"strings"

	"rawlogs/internal/rawlog"
)

// joinWords puts not_counted: of ingest.yaml into the words of the flag: one, or a list
// of them, in which "" is the empty one and nothing means none.
func joinWords(value any) (string, error) {
	list, ok := value.([]any)
	if !ok {
		if _, nested := value.(map[string]any); nested {
			return "", errors.New("not_counted: want learn, none, or words of access_control_decision, as in [deny, blocked]")
		}
		return fmt.Sprint(value), nil
	}
	words := rawlog.NotCounted{Known: true}
	for _, word := range list {
		text := ""
		if word != nil { // "- " with nothing after it
			text = fmt.Sprint(word)
		}
		if strings.Contains(text, ",") {
			return "", fmt.Errorf("not_counted: %q: a word with a comma cannot be named", text)
		}
		words.Words = append(words.Words, text)
	}
	return words.String(), nil
}
