// Package records holds records of a text that are cut into fields and not converted:
// what parse/csv cuts, and load makes columns of. It is all that the two share.
package records

// Records are some whole records of one text.
type Records struct {
	// Text is what the fields point into. It may go on after the records; the
	// more of it there is, the more fields are read eight bytes at a time.
	Text   []byte
	Valid  bool     // the records are valid UTF-8; false means unknown
	Rows   int      // number of records
	Width  int      // fields in a record
	Fields []Field  // Rows × Width, record by record
	Lines  []uint32 // by record: its physical line in the text
}

// Field is one field of a text: where it starts and how long it is, without
// its outer quotes. Doubled in Len means that every "" in it stands for one
// quote; Escaped beside it that \" stands for a quote and \\ for a backslash, too.
type Field struct{ Off, Len uint32 }

// Bits of Field.Len. Escaped is never without Doubled.
const (
	Doubled = 1 << 31
	Escaped = 1 << 30
	flags   = Doubled | Escaped
)

// Bytes returns how many bytes of the text the field takes.
func (f Field) Bytes() int { return int(f.Len &^ flags) }

// Value returns the text of record r's field f; see Field.In.
func (b *Records) Value(r, f int, scratch []byte) (v, reuse []byte) {
	s := b.Fields[r*b.Width+f]
	if s.Len < Doubled {
		return b.Text[s.Off:][:s.Len], scratch
	}
	return s.In(b.Text, scratch)
}

// In returns the field's text, out of the text that it was cut from. Doubled quotes
// are undone in scratch, which is returned for reuse.
func (f Field) In(text, scratch []byte) (v, reuse []byte) {
	raw := text[f.Off:][:f.Bytes()]
	if f.Len < Doubled {
		return raw, scratch
	}
	scratch = scratch[:0]
	escaped := f.Len&Escaped != 0
	for i := 0; i < len(raw); i++ {
		if escaped && raw[i] == '\\' && i+1 < len(raw) && (raw[i+1] == '"' || raw[i+1] == '\\') {
			i++
			scratch = append(scratch, raw[i])
			continue
		}
		scratch = append(scratch, raw[i])
		if raw[i] == '"' {
			i++
		}
	}
	return scratch, scratch
}
