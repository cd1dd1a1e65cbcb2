// Package plain makes text of others harmless where it is shown: file names,
// errors of servers, cells. A terminal acts on control characters, a log line
// ends at a line break, and some characters reorder or hide what stands beside
// them.
package plain

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

func harmless(r rune) bool { return r != utf8.RuneError && unicode.IsPrint(r) }

// Text escapes control characters, invalid UTF-8, and the characters that hide
// or reorder text.
func Text(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return !harmless(r) }) < 0 { //guard:terminal-clean
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case harmless(r):
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == utf8.RuneError && n <= 1, r < utf8.RuneSelf:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		default:
			b.WriteString(unicodeEscape(r))
		}
		s = s[n:]
	}
	return b.String()
}

// unicodeEscape writes a character as JSON would.
func unicodeEscape(r rune) string {
	if high, low := utf16.EncodeRune(r); high != unicode.ReplacementChar {
		return fmt.Sprintf(`\u%04x\u%04x`, high, low)
	}
	return fmt.Sprintf(`\u%04x`, r)
}

// JSON is Text for valid JSON, in lines or not: its value stays the same.
func JSON(s string) string {
	var b strings.Builder
	for _, r := range s {
		if harmless(r) || r == '\n' {
			b.WriteRune(r)
		} else {
			b.WriteString(unicodeEscape(r))
		}
	}
	return b.String()
}

// Row is Text for a row of tsv, csv or json, in which tabs part cells and a
// quoted cell may hold line breaks.
func Row(s string) string { return except(s, "\t\n") }

// Lines is Text for text of several lines.
func Lines(s string) string { return except(s, "\n") }

func except(s, kept string) string {
	var b strings.Builder
	for {
		i := strings.IndexAny(s, kept)
		if i < 0 {
			b.WriteString(Text(s))
			return b.String()
		}
		b.WriteString(Text(s[:i]))
		b.WriteByte(s[i])
		s = s[i+1:]
	}
}

// Cut returns s, or its first characters and … where it has more than most of them.
func Cut(s string, most int) string {
	if utf8.RuneCountInString(s) > most {
		return string([]rune(s)[:most]) + "…"
	}
	return s
}

// Line is Text for one line of at most so many characters of s: line breaks
// become spaces.
func Line(s string, most int) string {
	return Text(strings.Join(strings.FieldsFunc(Cut(s, most), func(r rune) bool { return r == '\n' || r == '\r' }), " "))
}

// Name returns a file's name as it is, or quoted where it holds anything that a
// terminal or a log might take for more than text.
func Name(name string) string {
	q := strconv.Quote(name)
	if q[1:len(q)-1] == name { //guard:names-printable
		return name
	}
	return q
}
