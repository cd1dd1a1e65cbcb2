package csv

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"rawlogs/internal/records"
)

// cutStop says why cut stopped.
type cutStop int

const (
	cutEnough cutStop = iota // as many records as asked for
	cutEnd                   // the text is used up
	cutMore                  // the window ends within a record
	// The rest are records that cannot be rows.
	cutFields
	cutHeader
	cutNeither
	cutBareQuote
	cutAfterQuote
	cutUnclosed
	cutStray
	cutMixed
	cutLong
	cutEscaped
)

// reason is what rejected_rows says.
func (s cutStop) reason() string {
	switch s {
	case cutFields:
		return "wrong number of fields"
	case cutHeader:
		return "the header again"
	case cutNeither:
		return "neither a time nor an id: a total, a unit or an empty line of a table?"
	case cutBareQuote:
		return "quote in a bare field"
	case cutAfterQuote:
		return "text after a closing quote"
	case cutUnclosed:
		return "quotes that do not close"
	case cutStray:
		return "a stray quote before lines that are records by themselves"
	case cutMixed:
		return "a line feed among lines that end in carriage returns"
	case cutEscaped:
		return "quotes escaped by a backslash"
	case cutLong:
		return "longer than the longest allowed record"
	}
	return ""
}

// batchBytes ends a batch of long records early.
const batchBytes = 256 << 10

// cut cuts up to limit whole records from the window into the batch, and
// leaves r.pos at the first byte that they do not use. When it stops at a
// record that cannot be a row, that record begins at r.pos.
func (r *Cutter) cut(limit int) cutStop {
	t := r.text
	width := len(r.names)
	r.room(limit, width)
	fields := r.records.Fields
	base := r.pos
	i := base
	rows, lines := 0, 0
	fast := len(t) - 18 // the last byte at which a short cut may begin
	if r.escape {
		fast = -1
	}
	stop := cutEnough
records:
	for rows < limit && i-base < batchBytes {
		// A line with nothing in it does not count.
		if i < len(t) && (t[i] == '\n' || t[i] == '\r') {
			switch n, whole := r.ends.at(t[i:]); {
			case whole:
				i += n
				lines++
				continue
			case n > 0 && !r.eof:
				stop = cutMore
				break records
			default:
				i += n // half a line end, at the end
			}
		}
		if i == len(t) {
			stop = cutMore
			if r.eof {
				stop = cutEnd
			}
			break
		}
		start := i
		if t[i] == 0xef {
			i = r.begin(i)
		}
		record := fields[rows*width:][:width]
		n := 0 // fields cut so far
		for {
			if n == width {
				r.scanned += int64(i - start)
				i, stop = start, cutFields
				break records
			}
			if i <= fast {
				w := binary.LittleEndian.Uint64(t[i:])
				if w&(1<<24-1) == emptyField {
					// Most fields. That the branch is guessed frees the next
					// field from waiting for this one.
					record[n] = records.Field{Off: uint32(i + 1 - base)}
					n++
					i += 3
					continue
				}
				if byte(w) == '"' {
					w = binary.LittleEndian.Uint64(t[i+1:])
					if m := hasByte(w, quotes); m != 0 {
						k := bits.TrailingZeros64(m) >> 3
						end := i + 1 + k
						if next := t[end+1]; next == ',' {
							record[n] = records.Field{Off: uint32(i + 1 - base), Len: uint32(k)}
							n++
							i = end + 2
							continue
						}
					} else if k := bytes.IndexByte(t[i+9:max(i+9, min(len(t)-1, start+r.maxLine))], '"'); k >= 0 {
						end := i + 9 + k
						if t[end+1] == ',' {
							record[n] = records.Field{Off: uint32(i + 1 - base), Len: uint32(k + 8)}
							n++
							i = end + 2
							continue
						}
					}
				} else if m := hasLess(w); m != 0 {
					k := bits.TrailingZeros64(m) >> 3
					if t[i+k] == ',' {
						record[n] = records.Field{Off: uint32(i - base), Len: uint32(k)}
						n++
						i += k + 1
						continue
					}
				}
			}
			f, next, end := r.field(start, i)
			if r.escape && f.Len == 2 && t[i] == '\\' && t[i+1] == 'N' {
				f.Len = 0 //guard:escaped-null
			}
			i = next
			switch end {
			case endComma:
				record[n] = records.Field{Off: f.Off - uint32(base), Len: f.Len}
				n++
				continue
			case endLine, endText:
				r.scanned += int64(i - start)
				record[n] = records.Field{Off: f.Off - uint32(base), Len: f.Len}
				n++
			default:
				r.scanned += int64(i - start)
				i, stop = start, end.stop()
				break records
			}
			if n != width { //guard:short-line
				i, stop = start, cutFields
				break records
			}
			if i-start > r.maxLine {
				i, stop = start, cutLong
				break records
			}
			leads := r.leads(t[base:], record)
			if !leads && r.isHeading(t[base:], record) { //guard:repeated-header
				i, stop = start, cutHeader
				break records
			}
			if r.doubtful(t[start:i], t[:min(len(t), int(f.Off)+f.Bytes()+1)]) && (rows > 0 || r.plain != r.line) {
				r.whole = i - start
				i, stop = start, cutEscaped
				break records
			}
			if !leads && r.isNeither(t[base:], record) { //guard:neither
				r.whole = i - start
				i, stop = start, cutNeither
				if r.swallows(t[base:], record) {
					stop = cutStray
				}
				break records
			}
			r.starts[rows] = uint32(start - base)
			r.records.Lines[rows] = r.line + uint32(lines)
			rows++
			if end == endLine {
				lines++
			}
			break
		}
	}
	return r.finish(rows, i, lines, stop)
}

// room makes the batch large enough.
func (r *Cutter) room(rows, width int) {
	b := &r.records
	b.Width = width
	if cap(b.Fields) < rows*width {
		b.Fields = make([]records.Field, rows*width)
	}
	b.Fields = b.Fields[:rows*width]
	if cap(b.Lines) < rows {
		b.Lines = make([]uint32, rows)
		r.starts = make([]uint32, rows)
	}
	b.Lines, r.starts = b.Lines[:rows], r.starts[:rows]
}

const (
	ones   = 0x0101010101010101
	highs  = 0x8080808080808080
	quotes = '"' * ones

	// emptyField is "", with the comma after it.
	emptyField = '"' | '"'<<8 | ','<<16
)

// hasByte marks, by its highest bit, the first byte of w that equals the byte
// of which pattern consists; bits above it mean nothing.
func hasByte(w, pattern uint64) uint64 {
	x := w ^ pattern
	return (x - ones) &^ x & highs
}

// hasLess marks the first byte of w below '0', as hasByte does: comma, quote,
// line ends, but also point, minus and blank.
func hasLess(w uint64) uint64 { return (w - '0'*ones) &^ w & highs }

// fieldEnd says what ended a field.
type fieldEnd int

const (
	endComma fieldEnd = iota
	endLine           // a line end, which is used up
	endText           // the end of the text
	endMore           // the end of the window
	endBareQuote
	endAfterQuote
	endUnclosed
	endMixed
	endLong
)

func (e fieldEnd) stop() cutStop {
	switch e {
	case endMore:
		return cutMore
	case endBareQuote:
		return cutBareQuote
	case endAfterQuote:
		return cutAfterQuote
	case endUnclosed:
		return cutUnclosed
	case endMixed:
		return cutMixed
	}
	return cutLong
}

// field cuts the field at i of a record that begins at start. It knows every
// case; cut only takes short cuts to it. Off counts from the window's begin,
// and next is where the field after it begins.
func (r *Cutter) field(start, i int) (f records.Field, next int, end fieldEnd) {
	// A record may have MaxLine bytes and a line end; what lies beyond is not
	// looked at.
	t, out := r.text, endMore
	if r.eof {
		out = endText
	}
	if bound := start + r.maxLine + 2; bound < len(t) { //guard:record-bounded
		t, out = t[:bound], endLong
	}
	if i < len(t) && t[i] == '"' {
		return r.quoted(t, i+1, out)
	}
	for j := i; j < len(t); j++ {
		switch t[j] {
		case ',':
			return span(i, j), j + 1, endComma
		case '\n':
			if r.ends.alone {
				return f, j + 1, endMixed
			}
			return span(i, r.ends.before(t, i, j)), j + 1, endLine
		case '\r':
			if r.ends.alone {
				return span(i, j), j + 1, endLine
			}
		case '"':
			return f, j + 1, endBareQuote
		}
	}
	last := len(t)
	if out == endText {
		last = r.ends.before(t, i, last) // half a line end
	}
	return span(i, last), len(t), out
}

// quoted cuts a field whose opening quote is before i. out is what the end of
// t means.
func (r *Cutter) quoted(t []byte, i int, out fieldEnd) (f records.Field, next int, end fieldEnd) {
	doubled := false
	for j := i; ; {
		k := bytes.IndexByte(t[j:], '"')
		if k < 0 {
			if out == endText {
				out = endUnclosed
			}
			return f, len(t), out
		}
		j += k
		if r.escape && escapes(t[i:j]) { //guard:escaped-quote
			j++
			continue
		}
		f = span(i, j)
		if doubled {
			f.Len |= records.Doubled //guard:doubled-quotes
		}
		if r.escape && bytes.IndexByte(t[i:j], '\\') >= 0 {
			f.Len |= records.Doubled | records.Escaped
		}
		rest := t[j+1:]
		switch {
		case len(rest) == 0:
			return f, len(t), out
		case rest[0] == ',':
			return f, j + 2, endComma
		case rest[0] == '"':
			doubled = true
			j += 2
			continue
		}
		switch n, whole := r.ends.at(rest); {
		case whole:
			return f, j + 1 + n, endLine
		case n > 0:
			return f, len(t), out
		}
		return f, j + 1, endAfterQuote //guard:quote-resync
	}
}

func span(from, to int) records.Field {
	return records.Field{Off: uint32(from), Len: uint32(to - from)}
}
