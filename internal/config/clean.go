package config

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
)

// clean takes away what comes with a value and is none of it: blanks and line ends, a
// byte order mark, and the quotes that a shell would have taken and an env file keeps.
func clean(text string) string {
	text = strings.TrimFunc(decode(text), padding)
	for _, q := range []struct{ open, end string }{{`"`, `"`}, {"'", "'"}, {"“", "”"}, {"‘", "’"}} {
		if rest, ok := strings.CutPrefix(text, q.open); ok {
			if inner, ok := strings.CutSuffix(rest, q.end); ok {
				return strings.TrimFunc(inner, padding)
			}
		}
	}
	return text
}

// padding reports whether a character is a blank, or is not seen at all.
func padding(r rune) bool {
	return unicode.IsSpace(r) || r == 0 || r == '\ufeff' || unicode.Is(unicode.Cf, r)
}

// decode turns UTF-16 into UTF-8: some editors and shells write it, with its mark.
func decode(text string) string {
	var order binary.ByteOrder
	switch {
	case strings.HasPrefix(text, "\xff\xfe"):
		order = binary.LittleEndian
	case strings.HasPrefix(text, "\xfe\xff"):
		order = binary.BigEndian
	default:
		return text
	}
	raw := []byte(text)[2:]
	units := make([]uint16, 0, len(raw)/2)
	for ; len(raw) >= 2; raw = raw[2:] {
		units = append(units, order.Uint16(raw))
	}
	return string(utf16.Decode(units))
}

// checkSecret refuses a text that no request can carry. The error says where the odd
// character stands, and shows nothing of the rest.
func checkSecret(text string) error {
	for i, r := range []rune(text) {
		switch {
		case r == '\n' || r == '\r':
			return fmt.Errorf("it has a second line after %d characters: keep one secret in one file", i)
		case r <= ' ' || r > '~':
			return fmt.Errorf("character %d is %U, which is in no such secret: was it copied from a formatted text?", i+1, r)
		}
	}
	return nil
}
