package rawlog

import (
	"slices"
	"strings"
	"testing"
)

func TestNotCounted(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text  string
		known bool
		words []string
		back  string
	}{
		{"", false, nil, "learn"}, {" learn ", false, nil, "learn"}, {"none", true, nil, "none"},
		{"deny", true, []string{"deny"}, "deny"}, {" deny , 0,deny", true, []string{"deny", "0"}, "deny,0"},
		{"(empty)", true, []string{""}, "(empty)"}, {"blocked by rule,(empty)", true, []string{"blocked by rule", ""}, "blocked by rule,(empty)"},
		{"none,deny", true, []string{"none", "deny"}, "none,deny"},
	} {
		got, err := ParseNotCounted(tc.text)
		if err != nil || got.Known != tc.known || !slices.Equal(got.Words, tc.words) || got.String() != tc.back {
			t.Errorf("%q: %+v (%s), %v", tc.text, got, got, err)
		}
		if got.Has("deny") != slices.Contains(tc.words, "deny") {
			t.Errorf("%q: has deny: %v", tc.text, got.Has("deny"))
		}
	}
	for _, bad := range []string{",", "deny,", ",deny", "deny,,0"} {
		if _, err := ParseNotCounted(bad); err == nil || !strings.Contains(err.Error(), "a word is missing") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
