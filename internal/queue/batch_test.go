package queue

import "testing"

// A body becomes one line that means the same.
func TestLine(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"":                  `""`,
		" \r\n\t":           `""`,
		"x":                 "x",
		" H4sI=\n":          "H4sI=",
		"H4\r\nsI=":         `"H4\r\nsI="`,
		"two\nlines":        `"two\nlines"`,
		"{\n \"a\": 1\r\n}": `{  "a": 1  }`,
		"[1]\n[2]":          "[1] [2]",
		"{\"a\":\n":         `{"a":`,
		"\"a\"\n\"b\"":      `"a" "b"`,
	} {
		if got := string(line(body)); got != want {
			t.Errorf("%q: %s, want %s", body, got, want)
		}
	}
}
