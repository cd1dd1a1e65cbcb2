package schema

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Identifier quotes a name of any bytes, so that SQL takes it as it is.
//
// Letters of every script stay readable. Control characters, bytes that are not
// UTF-8, and what the driver takes for placeholders even within quotes are
// written as \xHH.
func Identifier(name string) string { return between(name, '`') } //guard:identifier-quoted

// Literal makes a String literal of any bytes, by the same rules.
func Literal(s string) string { return between(s, '\'') }

func between(s string, quote byte) string {
	var b strings.Builder
	b.Grow(len(s) + 2)
	b.WriteByte(quote)
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		switch c := s[0]; {
		case c == quote || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case r < ' ', r == 0x7f, r == utf8.RuneError && size == 1, strings.IndexByte("?{@$", c) >= 0:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteString(s[:size])
		}
		s = s[size:]
	}
	b.WriteByte(quote)
	return b.String()
}
