// Package csv cuts a text into records by RFC 4180. Whatever the bytes are, it does not
// panic, its memory is bounded, and every line of the text is accounted for.
package csv

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"rawlogs/internal/records"
)

// DefaultMaxLine is far above any real record, and small beside the memory
// that a load has.
const DefaultMaxLine = 16 << 20

// PieceBytes bounds the raw text of one Rejected.
const PieceBytes = 1 << 20

// MaxColumns bounds the names of a header.
const MaxColumns = 16384

// Rejected is a line that did not become a row, or a piece of one that is
// longer than PieceBytes.
type Rejected struct {
	Line   uint32 // physical line number; the header is line 1
	Piece  int    // 0, 1, 2… within the line
	Reason string
	Raw    []byte // without the line's end; valid only during the call
}

// HeaderError is of a text whose first record cannot be a header, or that has another one
// which cannot be that of the lines after it.
type HeaderError struct {
	Line   uint32
	Reason string
	Within bool // in mid-text: Reason goes on after "line 7"
}

// Error says where and why.
func (e *HeaderError) Error() string {
	if e.Within {
		return fmt.Sprintf("line %d %s", e.Line, e.Reason)
	}
	return fmt.Sprintf("line %d: header: %s", e.Line, e.Reason)
}

// Cutter cuts the CSV text of one file after the other into records, which are its
// own and hold until the next call. It is not safe for concurrent use.
//
// Lines end in LF, CR LF or CR CR LF, and where the header's line does, in a CR
// alone. A text without a header, even an empty one, is a *HeaderError.
//
// A field is bare or in double quotes; within quotes "" is one quote, and
// commas and line breaks are text. A bare field that holds a quote, text after
// a closing quote, and quotes that never close make a record malformed, and so
// does a length over MaxLine. A record that is malformed or has another number
// of fields than the header costs its first physical line, which is rejected
// whole, and reading goes on at the next one: a stray quote costs one line, also where
// another one closes it lines below (see swallows).
//
// Because a quote in a bare field is malformed, every quote of a text opens or
// closes, so that a record which begins at one line with an odd number of
// quotes ends at the latest with the next such line. No line is therefore
// looked at more than twice, and reading is linear in the text's length.
type Cutter struct {
	maxLine int
	reject  func(Rejected) error

	src  io.Reader // nil when text is all there is
	eof  bool
	text []byte // the window; whole in bytes mode
	buf  []byte // backs text in streaming mode
	pos  int    // of the first byte of text that is not yet used
	line uint32 // physical line number at pos
	ends ends   // of its lines, once the header is read

	records  records.Records
	starts   []uint32 // by record: its offset from the first one's start
	scratch  []byte
	names    []string // the header
	head     []byte   // the header's text, until the first Cut
	headLine uint32
	ready    bool  // the header is read
	err      error // of the header
	stop     cutStop
	rejected uint64
	scanned  int64
	known    func(name string) bool // names of columns; nil: none but the header's
	headings int
	signs    records.Signs
	lead     int // the sign that is looked at first, or -1
	least    int // its bytes, at least
	pace     int // how many records the next Cut takes at most; 0: as many as asked for

	escape       bool // quotes are escaped by a backslash
	escapes      bool // a record of the text showed that they are, although escape says no
	escapeTries  int
	escapedLines uint64
	whole        int    // length of a doubtful record by RFC 4180, or of one that is not a row
	plain        uint32 // line of a record that is whole by RFC 4180 only
}

// New returns a Cutter. maxLine bounds a record in bytes, and in streaming mode also
// the Cutter's memory, which may grow to little more; 0 means DefaultMaxLine. reject
// takes each line that is not a record, in order; its error ends the reading. It is
// required: without it lines would vanish.
func New(maxLine int, reject func(Rejected) error) (*Cutter, error) {
	if reject == nil {
		return nil, errors.New("csv: lines that are not records have to go somewhere")
	}
	if maxLine <= 0 {
		maxLine = DefaultMaxLine
	}
	return &Cutter{
		maxLine: min(maxLine, 1<<30-1), // offsets within a batch are 32 bits
		reject:  reject, err: errors.New("csv: Reset comes before reading"),
	}, nil
}

// Reset begins a text that is streamed from src. The Cutter holds a window of it:
// some 256 KiB, or as much as its longest record needs.
func (r *Cutter) Reset(src io.Reader) {
	r.reset()
	r.src, r.eof = src, false
	r.text = r.buf[:0]
}

// ResetBytes begins a text that is in memory. The Cutter uses it until the next
// Reset, and does not change it.
func (r *Cutter) ResetBytes(text []byte) {
	r.reset()
	r.src, r.eof = nil, true
	r.text = text
}

func (r *Cutter) reset() {
	r.pos, r.line, r.err, r.ready, r.head = 0, 1, nil, false, nil
	r.rejected, r.scanned, r.headings = 0, 0, 0
	r.escapes, r.escapeTries, r.escapedLines, r.plain = false, 0, 0, 0
}

// Cut returns up to limit whole records of what is at hand, which may be none. Header
// comes before the first Cut, and Next after each.
func (r *Cutter) Cut(limit int) *records.Records {
	r.head = nil
	r.stop = r.cut(r.paced(limit))
	return &r.records
}

// Next deals with what ended the last Cut: it reads on, or rejects a line. At the end
// of the text it returns io.EOF; an error of the source or of reject is returned as it
// is, and the text cannot be read on.
func (r *Cutter) Next() error {
	switch r.stop {
	case cutEnough:
		return nil
	case cutEnd:
		return io.EOF
	case cutMore:
		return r.fill()
	case cutHeader, cutFields:
		if is, err := r.heading(); is || err != nil {
			return err
		}
	}
	switch r.stop {
	case cutNeither:
		return r.rejectWhole(r.stop)
	case cutFields, cutBareQuote, cutAfterQuote, cutUnclosed, cutStray, cutEscaped:
		if is, err := r.glued(); is || err != nil {
			return err
		}
		next, ok, err := r.escapedEnd()
		switch {
		case err != nil:
			return err
		case ok && (r.stop != cutEscaped || next-r.pos != r.whole):
			return r.rejectEscaped(next)
		case r.stop == cutEscaped: // it ends there either way
			r.plain = r.line
			return nil
		}
	}
	return r.rejectLine(r.stop)
}

// Rejected returns how many lines were rejected since Reset, however many pieces each had.
func (r *Cutter) Rejected() uint64 { return r.rejected }

// Held returns how many bytes the window takes.
func (r *Cutter) Held() int { return len(r.buf) }

// Scanned returns how many bytes were looked at since Reset, to cut them.
func (r *Cutter) Scanned() int64 { return r.scanned }

// finish completes the records that cut left: the line numbers of its records,
// and whether its text is UTF-8. end is where it ends, and lines the number of
// line ends between its records. A record that swallows others is left where it is, with
// all behind it, and is why cut stopped.
func (r *Cutter) finish(rows, end, lines int, stop cutStop) cutStop {
	b := &r.records
	b.Text = r.text[r.pos:]
	text := r.text[r.pos:end]
	breaks := r.lineEnds(text)
	if breaks != uint32(lines) {
		// Some line breaks are inside quotes.
		at, line := 0, r.line
		for i, s := range r.starts[:rows] {
			line += r.lineEnds(text[at:s])
			at = int(s)
			b.Lines[i] = line
			next := len(text)
			if i+1 < rows {
				next = int(r.starts[i+1])
			}
			if first := bytes.IndexByte(text[at:next], r.ends.eol()); first >= 0 && at+first+1 < next && r.swallows(text, b.Fields[i*b.Width:][:b.Width]) { //guard:stray-pair
				rows, text, breaks, stop = i, text[:at], line-r.line, cutStray
				r.slow()
				break
			}
		}
	}
	b.Rows = rows
	b.Valid = utf8.Valid(text)
	r.line += breaks
	r.pos += len(text)
	return stop
}

// lineEnds counts the physical lines that end in text.
func (r *Cutter) lineEnds(text []byte) uint32 {
	return uint32(bytes.Count(text, []byte{r.ends.eol()}))
}
