package csv

import "bytes"

// SetEscape says whether the texts after the next Reset escape quotes by a backslash, as
// MySQL's SELECT … INTO OUTFILE does: in quotes \" is a quote and \\ a backslash, and a
// bare \N stands for a missing value. A backslash before anything else is a backslash, and "" is a
// quote as ever.
func (r *Cutter) SetEscape(backslash bool) { r.escape = backslash }

// Escaped counts the rejected lines since Reset whose records are whole if their quotes
// are escaped by a backslash.
func (r *Cutter) Escaped() uint64 { return r.escapedLines }

const (
	// escapedBytes bounds what is looked at for a record whose quotes are escaped.
	escapedBytes = 16 << 10
	// escapedTries is how many records of a text are looked at so in vain.
	escapedTries = 1000
)

// escapedEnd looks at a record at r.pos that is not one by RFC 4180, and returns where it
// ends if its quotes are escaped by a backslash. A record that has the header's number of
// fields that way proves it for the text; after that it takes any record that ends.
func (r *Cutter) escapedEnd() (next int, ok bool, err error) {
	if r.escape || !r.escapes && r.escapeTries >= escapedTries {
		return 0, false, nil
	}
	if err := r.need(escapedBytes); err != nil {
		return 0, false, err
	}
	text, eof := r.text, r.eof
	rest := text[r.pos:min(len(text), r.pos+escapedBytes)]
	line := rest
	if n := bytes.IndexByte(rest, r.ends.eol()); n >= 0 {
		line = rest[:n]
	}
	if !bytes.Contains(line, []byte(`\"`)) {
		return 0, false, nil
	}
	r.escapeTries++
	r.text, r.eof, r.escape = text[:r.pos+len(rest)], true, true
	next = r.begin(r.pos)
	fields, end := 0, endComma
	for end == endComma {
		_, next, end = r.field(r.pos, next)
		fields++
	}
	whole := len(r.text) == len(text) && eof
	r.text, r.eof, r.escape = text, eof, false
	if end != endLine && (end != endText || !whole) || fields != len(r.names) && !r.escapes {
		return 0, false, nil
	}
	r.escapes = true
	return next, true, nil
}

// doubtful reports whether a record that is whole by RFC 4180 may be the beginning of one
// whose quotes are escaped: its line ends behind \", or the text is known to escape quotes
// and it holds one. upto ends with the last field's closing quote.
func (r *Cutter) doubtful(record, upto []byte) bool {
	switch {
	case r.escape:
		return false
	case bytes.HasSuffix(upto, []byte(`\"`)):
		return true //guard:escaped-line-end
	}
	return r.escapes && bytes.Contains(record, []byte(`\"`))
}

// rejectEscaped rejects a record up to next, line by line: none of its tail may become a
// row.
func (r *Cutter) rejectEscaped(next int) error {
	for r.pos < next { //guard:escaped-tail
		if err := r.rejectLine(cutEscaped); err != nil {
			return err
		}
		r.escapedLines++
	}
	return nil
}

// escapes reports whether the byte behind t is escaped by a backslash.
func escapes(t []byte) bool {
	n := len(t)
	for n > 0 && t[n-1] == '\\' {
		n--
	}
	return (len(t)-n)%2 == 1
}
