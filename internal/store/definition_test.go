package store

import (
	"slices"
	"testing"
)

func TestBare(t *testing.T) {
	t.Parallel()
	for create, want := range map[string]string{
		"":                           "",
		"a":                          "a",
		"a 'b' c 'd'":                "a '' c ''",
		`a 'it\'s' b`:                "a '' b",
		`a 'it''s' b`:                "a '' b",
		`a '\\' b 'c'`:               "a '' b ''",
		`a '\\\'' b`:                 "a '' b",
		`a '' b ''`:                  "a '' b ''",
		`a '\\''' TTL 'x' b`:         "a '' TTL '' b",
		"a 'TTL x, INDEX y z TYPE b": "a ''",
	} {
		if got := bare(create); got != want {
			t.Errorf("%s: %q, want %q", create, got, want)
		}
	}
}

func TestAfter(t *testing.T) {
	t.Parallel()
	got := slices.Collect(after("TTL 1, MYTTL 2, TTL_ 3, (TTL 4", "TTL"))
	if want := []string{"1, MYTTL 2, TTL_ 3, (TTL 4", "4"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	for text, want := range map[string][2]string{"a b": {"a", " b"}, "`a b` c": {"`a b`", " c"}, "`a": {"`a", ""}, "": {}} {
		if name, rest := leadingName(text); name != want[0] || rest != want[1] {
			t.Errorf("%q: %q and %q", text, name, rest)
		}
	}
}
