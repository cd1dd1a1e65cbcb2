package csv

import (
	"bytes"

	"rawlogs/internal/records"
)

// lead makes of the signs a field at which a look is nearly always enough, the time or
// else an id, and how long it is at least.
func lead(s records.Signs) (field, least int) {
	switch {
	case s.Time >= 0:
		return s.Time, timeBytes
	case len(s.IDs) > 0:
		return s.IDs[0], 2
	}
	return -1, 0
}

// timeBytes is how long a time is at least, in any spelling.
const timeBytes = len("20160909")

// leads reports, at a glance, whether a record is a row: its leading field begins as the
// number of an id or a time after 1999 does.
func (r *Cutter) leads(text []byte, record []records.Field) bool {
	if r.lead < 0 {
		return false
	}
	f := record[r.lead]
	if f.Bytes() < r.least {
		return false
	}
	c := text[f.Off]
	return c-'1' <= '9'-'1' && (c != '1' || text[f.Off+1] != '9')
}

// isNeither reports whether a record of the header's width has neither a time nor an id:
// a total, units or types, a rule below the header, a spreadsheet's empty lines. Where the
// header has no time, it is not a row if it is empty, or if all ids, two at least, are
// words of a sentence.
func (r *Cutter) isNeither(text []byte, record []records.Field) bool {
	if len(r.signs.IDs) == 0 {
		return false
	}
	value := func(k int) (v []byte) {
		v, r.scratch = record[k].In(text, r.scratch)
		return bytes.TrimSpace(v)
	}
	words, sentence := 0, false
	for _, k := range r.signs.IDs {
		v := value(k)
		switch {
		case isID(v):
			return false
		case beginsName(v):
			words++
			sentence = sentence || bytes.IndexByte(v, ' ') >= 0
		}
	}
	if r.signs.Time >= 0 {
		return !isTime(value(r.signs.Time))
	}
	if words > 1 && words == len(r.signs.IDs) && sentence {
		return true
	}
	for k := range record {
		if len(value(k)) > 0 {
			return false
		}
	}
	return true
}

// isID reports whether a text begins as a number other than 0.
func isID(v []byte) bool {
	if len(v) > 0 && (v[0] == '-' || v[0] == '+') {
		v = v[1:]
	}
	v = bytes.TrimLeft(v, "0")
	return len(v) > 0 && v[0]-'1' <= '9'-'1'
}

// isTime reports whether a text begins as a time after the first day of 1970, which is
// what tools make of no time.
func isTime(v []byte) bool {
	if len(v) < timeBytes || v[0]-'1' > '9'-'1' {
		return false
	}
	if v[4] != '-' && v[4] != '/' {
		return true
	}
	year := string(v[:4])
	return year > "1970" || year == "1970" && string(v[5:7]) != "01" || year == "1970" && !bytes.HasPrefix(v[8:], []byte("01"))
}

// rejectWhole rejects the record at r.pos line by line: none of its tail may become a row.
func (r *Cutter) rejectWhole(why cutStop) error {
	for next := r.pos + r.whole; r.pos < next; {
		if err := r.rejectLine(why); err != nil {
			return err
		}
	}
	return nil
}
