package csv

import (
	"bytes"

	"rawlogs/internal/records"
)

// fewFields is below which a record's separators say nothing about a quote in it.
const fewFields = 4

// swallows reports whether a quoted field of a record holds other records: an exporter
// that does not quote wrote a value that begins with a quote, and a later one, in the same
// column, that ends with one. Then the fragment before the first line break holds as many
// separators as fields follow, the one behind the last as many as stand before it, and each
// line between them as many as a record has. One line in four may be broken, and blank
// ones do not count. Text that somebody typed over several lines hardly ever looks like
// that.
//
// Only records that span lines are asked.
func (r *Cutter) swallows(text []byte, record []records.Field) bool {
	if len(record) < fewFields {
		return false
	}
	for k, f := range record {
		if r.isTorn(text[f.Off:][:f.Bytes()], k, len(record)-1) {
			return true
		}
	}
	return false
}

// isTorn reports whether the text of field before, of a record of so many separators, is
// that of other records.
func (r *Cutter) isTorn(field []byte, before, separators int) bool {
	eol, comma := []byte{r.ends.eol()}, []byte{','}
	line, rest, more := bytes.Cut(field, eol)
	if !more || bytes.Count(line, comma) != separators-before {
		return false
	}
	lines, whole := 0, 0
	for {
		line, rest, more = bytes.Cut(rest, eol)
		n := bytes.Count(line, comma)
		if !more {
			return n == before && 4*whole >= 3*lines
		}
		if r.ends.before(line, 0, len(line)) > 0 {
			lines++
		}
		if n == separators {
			whole++
		}
	}
}

// slow has the next Cut take one record, and those after it twice as many each: what a
// record that swallows others cuts off a batch is cut again, and must not be much.
func (r *Cutter) slow() { r.pace = 1 }

// paced returns how many records a Cut may take.
func (r *Cutter) paced(limit int) int {
	if r.pace == 0 || r.pace >= limit {
		r.pace = 0
		return limit
	}
	n := r.pace
	r.pace *= 2
	return n
}
