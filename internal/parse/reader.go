// Package parse turns archives of CSV into blocks of typed columns: it inflates
// a ZIP's one entry, cuts the text into records by RFC 4180, and hands their
// fields to load. Whatever the bytes are, it does not panic, its memory is
// bounded, and every line of the text is accounted for.
package parse

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"rawlogs/internal/load"
	"rawlogs/internal/rawlog"
)

// Config says how a Reader reads.
type Config struct {
	Network string
	// Zone is the zone of the texts' times; nil means UTC.
	Zone *time.Location
	// MaxLine bounds a record in bytes; 0 means DefaultMaxLine. In streaming
	// mode it also bounds the Reader's memory, which may grow to little more.
	MaxLine int
	// Reject takes each line that is no record, in order. Its error ends the
	// reading. It is required: without it lines would vanish.
	Reject func(Rejected) error
}

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

// Counts says what became of a text: Lines = 1 + Rows + Rejected.
type Counts struct {
	Lines    uint64 // header, rows and rejected lines; blank lines are none
	Rows     uint64
	Rescued  uint64 // rows with something in _rescued
	Misfit   uint64 // rows with a value that did not fit the column that it feeds
	Rejected uint64 // lines, however many pieces each had
	// First and Last are the earliest and the latest time of the datetime
	// column, zero where no row has one.
	First, Last time.Time
	OutOfHour   uint64 // rows whose time is not in the file's hour
	// ShiftHours is not 0 when more than two thirds of the rows lie the same
	// whole number of hours after (or, below zero, before) the file's hour: a
	// zone that is ShiftHours further east would explain it.
	ShiftHours int
}

// HeaderError tells that a text's first record cannot be a header.
type HeaderError struct {
	Line   uint32
	Reason string
}

// Error says where and why.
func (e *HeaderError) Error() string { return fmt.Sprintf("line %d: header: %s", e.Line, e.Reason) }

// Reader reads the CSV text of one file after the other into blocks of one
// table. It is not safe for concurrent use.
//
// Lines end in LF or CR LF, and where the header's line does, in CR CR LF or in a
// CR alone. A text without a header, even an empty one, is a *HeaderError.
//
// A field is bare or in double quotes; within quotes "" is one quote, and
// commas and line breaks are text. A bare field that holds a quote, text after
// a closing quote, and quotes that never close make a record malformed, and so
// does a length over MaxLine. A record that is malformed or has another number
// of fields than the header costs its first physical line, which is rejected
// whole, and reading goes on at the next one: a stray quote costs one line.
//
// Because a quote in a bare field is malformed, every quote of a text opens or
// closes, so that a record which begins at one line with an odd number of
// quotes ends at the latest with the next such line. No line is therefore
// looked at more than twice, and reading is linear in the text's length.
type Reader struct {
	cfg   Config
	table *load.Table
	batch load.Batch

	src  io.Reader // nil when text is all there is
	eof  bool
	text []byte // the window; whole in bytes mode
	buf  []byte // backs text in streaming mode
	pos  int    // of the first byte of text that is not yet used
	line uint32 // physical line number at pos
	ends ends   // of its lines, once the header is read

	starts  []uint32 // by record of the batch: its offset from the batch's start
	names   []string // the header
	layout  *load.Layout
	ready   bool  // the header is read
	err     error // sticky
	counts  Counts
	scanned int64 // bytes looked at, for the test of linearity
}

// NewReader returns a Reader for texts that go into one table.
func NewReader(t *load.Table, cfg Config) (*Reader, error) {
	if cfg.Reject == nil {
		return nil, errors.New("parse: Config.Reject is required")
	}
	if err := t.CheckLineage(); err != nil {
		return nil, err
	}
	if cfg.MaxLine <= 0 {
		cfg.MaxLine = DefaultMaxLine
	}
	cfg.MaxLine = min(cfg.MaxLine, 1<<30) // offsets within a batch are 32 bits
	r := &Reader{cfg: cfg, table: t}
	r.batch.Network = cfg.Network
	r.batch.Clock = load.NewClock(cfg.Zone)
	r.err = errors.New("parse: Reset comes before reading")
	return r, nil
}

// Reset begins a file whose text is streamed from src. The Reader holds a
// window of it: some 256 KiB, or as much as its longest record needs.
func (r *Reader) Reset(f rawlog.File, src io.Reader) {
	r.reset(f)
	r.src, r.eof = src, false
	r.text = r.buf[:0]
}

// ResetBytes begins a file whose text is in memory. The Reader uses text until
// the next Reset, and does not change it.
func (r *Reader) ResetBytes(f rawlog.File, text []byte) {
	r.reset(f)
	r.src, r.eof = nil, true
	r.text = text
}

func (r *Reader) reset(f rawlog.File) {
	r.pos, r.line, r.err, r.ready = 0, 1, nil, false
	r.counts, r.scanned = Counts{}, 0
	r.batch.File, r.batch.Hour = f.Name, f.Hour
	r.batch.Clock.Reset(f.Hour)
}

// Shape reads the header and returns which columns with a DEFAULT expression
// it lacks. A *HeaderError says that the file is not what it should be.
func (r *Reader) Shape() (load.Shape, error) {
	if err := r.header(); err != nil {
		return "", err
	}
	return r.layout.Shape(), nil
}

// Unknown reads the header and lists its names that feed no column.
func (r *Reader) Unknown() ([]string, error) {
	if err := r.header(); err != nil {
		return nil, err
	}
	return r.layout.Unknown(), nil
}

// Append adds up to maxRows rows to b, fewer when b is full or the text ends,
// and returns their number; at the end it returns io.EOF, with or without
// rows. An error of the source or of Config.Reject is returned as it is, and
// the file cannot be read on.
func (r *Reader) Append(b *load.Block, maxRows int) (n int, err error) {
	if err := r.header(); err != nil {
		return 0, err
	}
	for n < maxRows && !b.Full() {
		if r.err != nil {
			return n, r.err
		}
		stop := r.cut(min(r.batchRows(), maxRows-n))
		if r.batch.Rows > 0 {
			kept, err := b.Append(&r.batch, r.layout)
			if err != nil {
				r.err = err
				return n, err
			}
			n += r.batch.Rows
			r.counts.Rows += uint64(r.batch.Rows)
			r.counts.Lines += uint64(r.batch.Rows)
			r.counts.Rescued += uint64(kept.Rescued)
			r.counts.Misfit += uint64(kept.Misfit)
		}
		switch stop {
		case cutEnough:
		case cutEnd:
			r.err = io.EOF
		case cutMore:
			r.err = r.fill()
		default:
			r.err = r.reject(stop)
		}
	}
	if r.err != nil {
		return n, r.err
	}
	return n, nil
}

// batchRows is how many records are cut before they are converted: enough that
// a column's loop pays, few enough that text and fields stay in the cache.
func (r *Reader) batchRows() int { return max(1, min(128, 8192/len(r.names))) }

// Counts returns the account of what was read since Reset.
func (r *Reader) Counts() Counts {
	c := r.counts
	seen := r.batch.Clock.Seen()
	if seen.Rows > 0 {
		c.First, c.Last = time.Unix(seen.First, 0).UTC(), time.Unix(seen.Last, 0).UTC()
		c.OutOfHour, c.ShiftHours = seen.OutOfHour, seen.Shift()
	}
	return c
}

// finish completes the batch that cut left: the line numbers of its records,
// and whether its text is UTF-8. end is where it ends, and lines the number of
// line ends between its records.
func (r *Reader) finish(rows, end, lines int) {
	b := &r.batch
	b.Rows = rows
	b.Text = r.text[r.pos:]
	text := r.text[r.pos:end]
	b.Valid = utf8.Valid(text)
	breaks := r.lineEnds(text)
	if breaks != uint32(lines) {
		// Some line breaks are inside quotes.
		at, line := 0, r.line
		for i, s := range r.starts[:rows] {
			line += r.lineEnds(text[at:s])
			at = int(s)
			b.Lines[i] = line
		}
	}
	r.line += breaks
	r.pos = end
}

// lineEnds counts the physical lines that end in text.
func (r *Reader) lineEnds(text []byte) uint32 {
	return uint32(bytes.Count(text, []byte{r.ends.eol()}))
}
