package csv

import "bytes"

// ends is how a text's lines end: in a line feed, before which up to crs carriage
// returns may stand, or in a carriage return alone.
type ends struct {
	alone bool
	crs   int
}

// usual are the ends that RFC 4180 and Unix know, and a CR LF that was made CR LF once
// more, which may begin below a header that was not.
var usual = ends{crs: 2} //guard:cr-cr-lf

// eol is the byte that ends a line.
func (e ends) eol() byte {
	if e.alone {
		return '\r'
	}
	return '\n'
}

// at looks for a line end at the beginning of t. whole reports whether there is
// one, of n bytes; otherwise n is the length of a t that is only the beginning of
// one, or 0.
func (e ends) at(t []byte) (n int, whole bool) {
	if e.alone {
		if t[0] == '\r' {
			return 1, true
		}
		return 0, false
	}
	for n < len(t) && n < e.crs && t[n] == '\r' {
		n++
	}
	switch {
	case n == len(t):
		return n, false
	case t[n] == '\n':
		return n + 1, true
	}
	return 0, false
}

// before returns where a field that began at i ends, if its line's last byte or
// the text's end is at j.
func (e ends) before(t []byte, i, j int) int {
	for n := 0; n < e.crs && j > i && t[j-1] == '\r'; n++ {
		j--
	}
	return j
}

// trim returns the length of a record without the line end that it ends in, if any.
func (e ends) trim(record []byte) int {
	n := len(record)
	if n > 0 && record[n-1] == e.eol() {
		n--
	}
	if e.alone {
		return n
	}
	return e.before(record, 0, n)
}

// findEnds tells from the header's line how the lines end. A carriage return
// alone ends lines only where no line feed does: a text that has both is refused,
// as its rows would be read as one long header or torn apart.
func (r *Cutter) findEnds() error {
	r.ends = usual
	quoted := false
	for at := 0; ; at++ {
		// Three more bytes tell the ends apart.
		if err := r.need(at + 4); err != nil {
			return err
		}
		rest := r.text[r.pos:]
		if at >= len(rest) || at >= r.maxLine {
			return nil
		}
		switch c := rest[at]; {
		case c == '"':
			quoted = !quoted
		case quoted || c != '\n' && c != '\r':
		case c == '\n' && at+2 < len(rest) && rest[at+1] == '\r' && rest[at+2] != '\n' && rest[at+2] != '\r': //guard:lf-cr
			return &HeaderError{Line: r.line, Reason: "it ends in a line feed and a carriage return, in that order, which no reader takes for one line end: write CR LF or LF" +
				looks(rest)}
		case c == '\n' || at+1 == len(rest):
			return nil
		default:
			return r.carriage(at + 1)
		}
	}
}

// endsWithin is how far the text after a header is looked at for line feeds.
const endsWithin = Window / 2

// carriage decides what the carriage return before at means, which ends the
// header, by the text from there on.
func (r *Cutter) carriage(at int) error {
	if err := r.need(at + endsWithin); err != nil {
		return err
	}
	rest := r.text[r.pos+at:]
	rest = rest[:min(len(rest), endsWithin)]
	switch {
	case rest[0] == '\n', bytes.HasPrefix(rest, []byte("\r\n")):
		return nil
	}
	quoted := false
	for _, c := range rest {
		switch {
		case c == '"':
			quoted = !quoted
		case c == '\n' && !quoted: //guard:cr-mixed
			return &HeaderError{Line: r.line, Reason: "it ends in a carriage return alone, and later lines in a line feed: one of the two must end every line" +
				looks(r.text[r.pos:])}
		}
	}
	r.ends = ends{alone: true} //guard:cr-only
	return nil
}

// ErrEmpty is of a text without a header. The network writes a header for an hour
// without rows, too, so that the text was lost somewhere.
var ErrEmpty = &HeaderError{Line: 1, Reason: "the text is empty or nothing but blank lines; an hour without rows has a header"}
