package csv

import (
	"bytes"
	"slices"
	"strings"
	"unicode"

	"rawlogs/internal/records"
)

// SetNames tells the Cutter which texts are names of columns, beside those of the
// header that it has. By them it knows a header in mid-text: files were put one behind
// the other. A header of other names, or of the same in another order, is that of the
// records after it, and Headings counts it: whether it is to be trusted is for the caller
// to say. A repeated one changes nothing. Both are rejected lines.
func (r *Cutter) SetNames(known func(name string) bool) { r.known = known }

// SetSigns tells, of the header that Header returned last, the fields by which a record
// is known to be a row. Without them only records that are names throughout are headers,
// and every other record of the header's width is a row.
func (r *Cutter) SetSigns(s records.Signs) {
	r.signs = s
	r.lead, r.least = lead(s)
}

// Headings counts the headers since Reset, from the first record on, that replaced one.
func (r *Cutter) Headings() int { return r.headings }

const (
	// longestName bounds what is taken for a name in mid-text.
	longestName = 128
	// fewNames is below which every field of a header in mid-text must be a known name,
	// if no sign says that it is one: three texts of which two happen to be names do not
	// make a header.
	fewNames = 8
)

// isHeader reports whether a record repeats the header.
func (r *Cutter) isHeader(text []byte, record []records.Field) bool {
	for i, f := range record {
		name := r.names[i]
		if f.Bytes() < len(name) || f.Len < records.Doubled && int(f.Len) != len(name) {
			return false
		}
		var v []byte
		if v, r.scratch = f.In(text, r.scratch); string(v) != name {
			return false
		}
	}
	return true
}

// beginsName reports whether a text may be a name; most first fields are ids.
func beginsName(v []byte) bool {
	if len(v) == 0 || len(v) > longestName {
		return false
	}
	c := v[0]
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c == ' ' || c == '"' || c >= 0x80
}

func startsName(text []byte, f records.Field) bool { return beginsName(text[f.Off:][:f.Bytes()]) }

func (r *Cutter) isName(name string) bool {
	return slices.Contains(r.names, name) || r.known != nil && r.known(name)
}

// isHeading reports whether a record of the header's width is a header: the same again, or
// another one.
func (r *Cutter) isHeading(text []byte, record []records.Field) bool {
	return r.isHeader(text, record) || r.namesRecord(text, record)
}

// namesRecord reports whether a record of the header's width is another header.
func (r *Cutter) namesRecord(text []byte, record []records.Field) bool {
	if r.known == nil || len(record) < 2 {
		return false
	}
	if r.namesTyped(func(k int) (v []byte) {
		if startsName(text, record[k]) {
			v, r.scratch = record[k].In(text, r.scratch)
		}
		return v
	}) {
		return true
	}
	if !startsName(text, record[0]) && !startsName(text, record[1]) {
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

// namesTyped reports whether two fields that feed columns other than texts hold two
// names: no value of such a column is one, so the record is a header, whatever else it
// holds. at returns a field of it.
func (r *Cutter) namesTyped(at func(k int) []byte) bool {
	seen := ""
	for _, k := range r.signs.Typed {
		v := at(k)
		if !beginsName(v) || !r.isName(string(v)) || string(v) == seen {
			continue
		}
		if seen != "" {
			return true //guard:typed-heading
		}
		seen = string(v)
	}
	return false
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

// repeats reports whether names are the header's, in its order, but for what stands around
// them: a sign for a comment, or in front of the first the end of a line that lacks its
// line end.
func (r *Cutter) repeats(names []string) bool {
	bare := func(name string) string {
		return strings.ToLower(strings.TrimFunc(name, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) }))
	}
	for i, name := range names {
		is, was := bare(name), bare(r.names[i])
		if is != was && (i > 0 || !strings.HasSuffix(is, was)) {
			return false
		}
	}
	return true
}

// heading reads the record at r.pos as another header, and reports whether it is one.
func (r *Cutter) heading() (bool, error) {
	if r.known == nil {
		return false, nil
	}
	if f, _, end := r.field(r.pos, r.begin(r.pos)); r.stop != cutHeader && (end != endComma || !startsName(r.text, f)) {
		return false, nil
	}
	var names []string
	var next int
	var end fieldEnd
	for {
		if names, next, end = r.cutHeader(); end != endMore {
			break
		}
		if err := r.fill(); err != nil {
			return false, err
		}
	}
	if end != endLine && end != endText || next-r.pos > PieceBytes || len(names) > MaxColumns || slices.Equal(names, r.names) {
		return false, nil
	}
	if !r.areNames(names) && (r.stop != cutHeader || r.repeats(names)) {
		return false, nil
	}
	return true, r.replace(names, next)
}

// replace makes names the header of the lines from next on.
func (r *Cutter) replace(names []string, next int) error {
	raw := r.text[r.pos:next]
	r.rejected++
	err := r.reject(Rejected{Line: r.line, Reason: "another header, by which the lines after it are read", Raw: raw[:r.ends.trim(raw)]})
	r.names, r.head, r.headLine = names, nil, r.line
	r.headings++ //guard:second-header
	r.line += r.lineEnds(raw)
	r.pos = next
	return err
}

// gluedBytes bounds the line that is searched for a header at its end.
const gluedBytes = 64 << 10

// glued looks for a header of the present one's width at the end of the line at r.pos,
// which holds no record: the text before it had no line end at its end, or ended within
// quotes. It reads it as heading does.
func (r *Cutter) glued() (bool, error) {
	width := len(r.names)
	if r.known == nil || width < 2 {
		return false, nil
	}
	if err := r.need(gluedBytes); err != nil {
		return false, err
	}
	rest := r.text[r.pos:]
	next := len(rest)
	if n := bytes.IndexByte(rest[:min(next, gluedBytes)], r.ends.eol()); n >= 0 {
		next = n + 1
	} else if next > gluedBytes {
		return false, nil
	}
	line := rest[:r.ends.trim(rest[:next])]
	names := make([][]byte, width)
	for i := range slices.Backward(names) {
		comma := bytes.LastIndexByte(line, ',')
		if comma < 0 && i > 0 {
			return false, nil
		}
		names[i] = bytes.Trim(line[comma+1:], `" `)
		line = line[:max(comma, 0)]
	}
	if !r.namesTyped(func(k int) []byte { return names[k] }) { //guard:glued-heading
		return false, nil
	}
	texts := make([]string, width)
	for i, name := range names {
		texts[i] = string(name)
	}
	if r.repeats(texts) {
		return false, nil
	}
	return true, r.replace(texts, r.pos+next)
}

// begin returns where the first field of the record at i begins: behind the byte order
// mark of a text that was put behind another one.
func (r *Cutter) begin(i int) int {
	t := r.text[i:]
	if len(t) > 3 && t[0] == 0xef && t[1] == 0xbb && t[2] == 0xbf && t[3] != '\n' && t[3] != '\r' {
		return i + 3 //guard:bom-within
	}
	return i
}
