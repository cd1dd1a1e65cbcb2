package schema

import (
	"testing"
)

func TestQuoting(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, identifier, literal string }{
		{"größe", "`größe`", "'größe'"},
		{"it`s", "`it\\`s`", "'it`s'"},
		{"it's", "`it's`", `'it\'s'`},
		{`back\slash`, "`back\\\\slash`", `'back\\slash'`},
		{"line\nend\x00", "`line\\x0aend\\x00`", `'line\x0aend\x00'`},
		{"a.b \"c\" 😀", "`a.b \"c\" 😀`", `'a.b "c" 😀'`},
		{"?{a:b}$1@c", "`\\x3f\\x7ba:b}\\x241\\x40c`", `'\x3f\x7ba:b}\x241\x40c'`},
		{"\xff\ufffd", "`\\xff\ufffd`", "'\\xff\ufffd'"},
		{"", "``", "''"},
	} {
		if got := Identifier(tc.name); got != tc.identifier {
			t.Errorf("identifier of %q: %s, want %s", tc.name, got, tc.identifier)
		}
		if got := Literal(tc.name); got != tc.literal {
			t.Errorf("literal of %q: %s, want %s", tc.name, got, tc.literal)
		}
	}
}
