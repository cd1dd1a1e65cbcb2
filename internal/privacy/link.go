package privacy

import (
	"bytes"
	"net/url"
	"strings"
)

// linkScratch is the memory of looking through links.
type linkScratch struct{ plain, out []byte }

// deepest is how many times a link can be packed into a parameter of another one.
const deepest = 5

// link returns a text with the parameters of links replaced that have a rule, and whether
// there were any. The text is valid until the scratch is used again.
func (p *Policy) link(v []byte, s *linkScratch) ([]byte, bool) {
	if bytes.IndexByte(v, '=') < 0 && bytes.IndexByte(v, '%') < 0 {
		return v, false
	}
	out, changed := p.params(s.out[:0], v, deepest)
	if s.out = out; !changed {
		return v, false
	}
	return out, true
}

// params appends a text with its parameters replaced.
func (p *Policy) params(to, v []byte, depth int) (out []byte, changed bool) {
	for len(v) > 0 {
		end := bytes.IndexAny(v, "?&;#")
		piece := v
		if end >= 0 {
			piece = v[:end]
		}
		var is bool
		to, is = p.param(to, piece, depth)
		changed = changed || is
		if end < 0 {
			break
		}
		to = append(to, v[end])
		v = v[end+1:]
	}
	return to, changed
}

// param appends what stands between two separators.
func (p *Policy) param(to, piece []byte, depth int) (out []byte, changed bool) {
	name, value, named := bytes.Cut(piece, []byte("="))
	if named {
		if r, ok := p.ofParam(name); ok {
			plain, err := url.QueryUnescape(string(value))
			if err != nil {
				plain = string(value)
			}
			to = append(append(to, name...), '=')
			return p.replace(to, []byte(plain), r.action, false), true
		}
		to = append(append(to, name...), '=')
	} else {
		value = piece
	}
	// A link may be packed into a parameter, or be packed as a whole.
	if depth > 0 && bytes.IndexByte(value, '%') >= 0 {
		if plain, err := url.QueryUnescape(string(value)); err == nil && strings.ContainsAny(plain, "=%") {
			if inner, is := p.params(nil, []byte(plain), depth-1); is { //guard:privacy-packed-link
				return append(to, url.QueryEscape(string(inner))...), true
			}
		}
	}
	if named && depth > 0 && bytes.IndexByte(value, '=') >= 0 { // ?to=http://x/email=a
		inner, is := p.param(to, value, depth-1)
		return inner, is
	}
	return append(to, value...), false
}

// ofParam finds the rule of a parameter, whatever the case of its letters.
func (p *Policy) ofParam(name []byte) (rule, bool) {
	text := string(name)
	if plain, err := url.QueryUnescape(text); err == nil {
		text = plain
	}
	text = strings.TrimSuffix(strings.TrimSpace(text), "[]")
	for _, r := range p.rules {
		if r.kind == parameter && strings.EqualFold(r.name, text) {
			return r, true
		}
	}
	return rule{}, false
}
