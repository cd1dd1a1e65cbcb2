package csv

import (
	"slices"

	"rawlogs/internal/records"
)

// SetNames tells the Cutter which texts are names of columns, beside those of the
// header that it has. By them it knows a header in mid-text: files were put one behind
// the other. A header of other names, or of the same in another order, is that of the
// records after it, and Headings counts it; a repeated one changes nothing. Both are
// rejected lines.
func (r *Cutter) SetNames(known func(name string) bool) { r.known = known }

// Headings counts the headers since Reset, from the first record on, that replaced one.
func (r *Cutter) Headings() int { return r.headings }

const (
	// longestName bounds what is taken for a name in mid-text.
	longestName = 128
	// fewNames is below which every field of a header in mid-text must be a known name:
	// three texts of which two happen to be names do not make a header.
	fewNames = 8
)

// startsName reports whether a text may begin a name; most first fields are ids.
func startsName(text []byte, f records.Field) bool {
	n := f.Bytes()
	if n == 0 || n > longestName {
		return false
	}
	c := text[f.Off]
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c == ' ' || c == '"' || c >= 0x80
}

func (r *Cutter) isName(name string) bool {
	return slices.Contains(r.names, name) || r.known != nil && r.known(name)
}

// namesRecord reports whether a record of the header's width is a header.
func (r *Cutter) namesRecord(text []byte, record []records.Field) bool {
	if r.known == nil || len(record) < 2 || !startsName(text, record[0]) && !startsName(text, record[1]) {
		return false
	}
	var first []byte
	first, r.scratch = record[0].In(text, r.scratch)
	if !r.isName(string(first)) {
		if first, r.scratch = record[1].In(text, r.scratch); !r.isName(string(first)) {
			return false
		}
	}
	names := make([]string, len(record))
	for i, f := range record {
		var v []byte
		v, r.scratch = f.In(text, r.scratch)
		names[i] = string(v)
	}
	return r.areNames(names)
}

// areNames reports whether texts are the names of a header.
func (r *Cutter) areNames(names []string) bool {
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		if len(name) <= longestName && r.isName(name) {
			seen[name] = true
		}
	}
	if len(names) < fewNames {
		return len(seen) == len(names) && len(names) > 1
	}
	return 4*len(seen) >= 3*len(names)
}

// heading reads the record at r.pos as another header, and reports whether it is one.
func (r *Cutter) heading() (bool, error) {
	if r.known == nil {
		return false, nil
	}
	f, _, end := r.field(r.pos, r.pos)
	if end != endComma || !startsName(r.text, f) {
		return false, nil
	}
	var names []string
	var next int
	for {
		names, next, end = r.cutHeader()
		if end != endMore {
			break
		}
		if err := r.fill(); err != nil {
			return false, err
		}
	}
	if end != endLine && end != endText || next-r.pos > PieceBytes || len(names) > MaxColumns || slices.Equal(names, r.names) || !r.areNames(names) {
		return false, nil
	}
	raw := r.text[r.pos:next]
	r.rejected++
	err := r.reject(Rejected{Line: r.line, Reason: "another header, by which the lines after it are read", Raw: raw[:r.ends.trim(raw)]})
	r.names, r.head, r.headLine = names, nil, r.line
	r.headings++ //guard:second-header
	r.line += r.lineEnds(raw)
	r.pos = next
	return true, err
}
