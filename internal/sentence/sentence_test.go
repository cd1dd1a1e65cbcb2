package sentence_test

import (
	"errors"
	"testing"

	"rawlogs/internal/sentence"
)

func TestString(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]sentence.Sentence{
		"not found":                           {What: "not found"},
		"not found: HTTP 404 NoSuchKey; look": {What: "not found", Status: 404, Code: "NoSuchKey", Hint: "look"},
		"unavailable: refused (3 attempts)":   {What: "unavailable", Cause: errors.New("refused"), Attempts: 3},
		"invalid: a; b; c; and 2 more [id]":   {What: "invalid", Said: []string{"a", "b", "c", "d", "e"}, About: "id", Attempts: 1},
	} {
		if got := s.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
