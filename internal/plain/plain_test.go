package plain

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestText(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ in, want string }{
		{"", ""},
		{"20160909/clicks-1-x.zip", "20160909/clicks-1-x.zip"},
		{"Žluťoučký 馬", "Žluťoučký 馬"},
		{"a\x1b[31mb", `a\x1b[31mb`},
		{"a\nb\tc\rd\x00", `a\nb\tc\x0dd\x00`},
		{"\xff\xfe", `\xff\xfe`},
		{"c1\u009b31m", `c1\u009b31m`},
		{"bidi\u202egpj.exe", `bidi\u202egpj.exe`},
		{"zero\u200bwidth", `zero\u200bwidth`},
		{"tag\U000e0041", `tag\udb40\udc41`},
	} {
		if got := Text(tc.in); got != tc.want {
			t.Errorf("%q: got %q, want %q", tc.in, got, tc.want)
		}
	}
}

func TestName(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"a/b-1.zip": "a/b-1.zip", "ž.zip": "ž.zip", "a\x1b[2J": `"a\x1b[2J"`, "a\nb": `"a\nb"`, "\xff": `"\xff"`} {
		if got := Name(in); got != want {
			t.Errorf("%q: got %s", in, got)
		}
	}
}

func TestLine(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"a\nb": "a b", "a\r\n\nb\x1b": `a b\x1b`, strings.Repeat("ž", 11): strings.Repeat("ž", 10) + "…", `say "x" \ y`: `say "x" \ …`} {
		if got := Line(in, 10); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// JSON that is made harmless means what it meant.
func TestJSON(t *testing.T) {
	t.Parallel()
	const in = "[\n  \"c1\u009b31m \u2028 \U000e0041 \u00a0 ž \x7f \\n\"\n]"
	out := JSON(in)
	var before, after []string
	if err := json.Unmarshal([]byte(in), &before); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(out), &after); err != nil || before[0] != after[0] {
		t.Errorf("%q became %q: %v", in, out, err)
	}
	if Lines(out) != out || strings.Count(out, "\n") != 2 {
		t.Errorf("still acts on a terminal: %q", out)
	}
}
