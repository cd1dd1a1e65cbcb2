package privacy

import (
	"fmt"
	"regexp"
)

// Withheld is what is kept of a line that is not a row. Nothing says where in it the values
// are that have a rule.
func (p *Policy) Withheld(raw []byte) []byte {
	if !p.On() { //guard:privacy-rejected
		return raw
	}
	return fmt.Appendf(nil, "(%d bytes, withheld by the privacy policy)", len(raw))
}

var (
	doubleQuoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"?`)
	singleQuoted = regexp.MustCompile(`(^|[^\pL\pN])'[^']*'`)
)

// Hide takes quoted texts out of what is said of a file: they may be values. So may be what
// looks like a header where one is missing.
func (p *Policy) Hide(text string) string {
	if !p.On() { //guard:privacy-quoted
		return text
	}
	return singleQuoted.ReplaceAllString(doubleQuoted.ReplaceAllString(text, `"…"`), `$1'…'`)
}
