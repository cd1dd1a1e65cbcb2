package config

import (
	"testing"
)

// TestNotCounted: the words of rows that the network does not count, of all networks and of one.
func TestNotCounted(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, yaml, env string
		want, err       string
	}{
		{name: "default", want: "learn"},
		{name: "one", yaml: "not_counted: deny", want: "deny"},
		{name: "a number", yaml: "not_counted: 0", want: "0"},
		{name: "a list", yaml: `not_counted: [deny, 0, ""]`, want: "deny,0,(empty)"},
		{name: "no word", yaml: "not_counted: []", want: "none"},
		{name: "a member without a value", yaml: "not_counted:\n- deny\n-", want: "deny,(empty)"},
		{name: "of a network", yaml: "not_counted: none\nnetworks: [{id: a, not_counted: [blocked]}]", want: "blocked"},
		{name: "the environment", yaml: "not_counted: none", env: "deny,(empty)", want: "deny,(empty)"},
		{name: "nothing", yaml: "not_counted:", want: "learn"},
		{name: "a map", yaml: "not_counted: {word: deny}", err: "want learn, none, or words"},
		{name: "a comma", yaml: `not_counted: ["a,b"]`, err: "a word with a comma"},
		{name: "a word is missing", env: "deny,", err: "HASOFFERS_NOT_COUNTED: \"deny,\": a word is missing"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			cfg := readOne(t, tc.yaml, "HASOFFERS_NOT_COUNTED", tc.env, tc.err)
			if cfg == nil {
				return
			}
			if got := cfg.NotCounted.String(); got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
		})
	}
}
