package privacy

import (
	"fmt"
	"regexp"
)

// Withheld is what is kept of a line that is not a row. Nothing says where in it the values
// are that have a rule.
//
// Of a long line, which may come in pieces, nothing is kept once somebody was forgotten: the
// value may be cut in two.
func (p *Policy) Withheld(raw []byte, piece int) []byte {
	if p.obeys() && (piece > 0 || len(raw) > longLine || newWatch(p).inLine(raw)) { //guard:forgotten-rejected
		return fmt.Appendf(nil, "(%d bytes, withheld as somebody was forgotten)", len(raw))
	}
	if !p.On() { //guard:privacy-rejected
		return raw
	}
	return fmt.Appendf(nil, "(%d bytes, withheld by the privacy policy)", len(raw))
}

// longLine is far less than a piece of a line has.
const longLine = 4 << 10

var (
	doubleQuoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"?`)
	singleQuoted = regexp.MustCompile(`(^|[^\pL\pN])'[^']*'`)
)

// Hides reports whether texts of files are kept out of what is said of them: a policy is on,
// or somebody was forgotten.
func (p *Policy) Hides() bool { return p.On() || p.obeys() }

// Hide takes quoted texts out of what is said of a file: they may be values. So may be what
// looks like a header where one is missing.
func (p *Policy) Hide(text string) string {
	if !p.Hides() { //guard:privacy-quoted
		return text
	}
	return Unquoted(text)
}

// Unquoted is a text without what it quotes.
func Unquoted(text string) string {
	return singleQuoted.ReplaceAllString(doubleQuoted.ReplaceAllString(text, `"…"`), `$1'…'`)
}
