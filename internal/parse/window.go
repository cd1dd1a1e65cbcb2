package parse

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"rawlogs/internal/load"
)

// windowBytes is what a Reader holds of a stream when records are short.
const windowBytes = 256 << 10

// fill moves what is left of the window to its front and fills it from the
// source, however little that gives at a time. When more than half of it is
// left, the window doubles first, so that a record is begun again only after
// as many new bytes as it had.
func (r *Reader) fill() error {
	rest := r.text[r.pos:]
	size := max(windowBytes, len(r.buf))
	if len(rest) > size/2 {
		size *= 2
	}
	// That a record or a piece is too long shows within this much.
	size = min(size, max(r.cfg.MaxLine, PieceBytes)+windowBytes)
	if size > len(r.buf) {
		grown := make([]byte, size)
		copy(grown, rest)
		r.buf = grown
	} else {
		copy(r.buf, rest)
	}
	n, err := fullRead(r.src, r.buf[len(rest):])
	n += len(rest)
	if errors.Is(err, io.EOF) {
		r.eof = true
	} else if err != nil {
		return err
	}
	r.text, r.pos = r.buf[:n], 0
	return nil
}

// reject hands the physical line at r.pos to Config.Reject, in pieces if it is
// long, and leaves r.pos after it.
func (r *Reader) reject(why cutStop) error {
	rejected := Rejected{Line: r.line, Reason: why.reason()}
	r.counts.Rejected++
	r.counts.Lines++
	for {
		rest := r.text[r.pos:]
		end := bytes.IndexByte(rest[:min(len(rest), PieceBytes+1)], r.ends.eol())
		switch {
		case end >= 0:
			rejected.Raw = rest[:r.ends.before(rest, 0, end)]
			r.pos += end + 1
			r.line++
		case len(rest) > PieceBytes:
			rejected.Raw = rest[:PieceBytes]
			r.pos += PieceBytes
		case !r.eof:
			if err := r.fill(); err != nil {
				return err
			}
			continue
		default:
			rejected.Raw = rest
			r.pos = len(r.text)
		}
		if len(rejected.Raw) > 0 || rejected.Piece == 0 {
			if err := r.cfg.Reject(rejected); err != nil {
				return err
			}
		}
		if end >= 0 || r.pos == len(r.text) && r.eof {
			return nil
		}
		rejected.Piece++
	}
}

// header reads the first record, once.
func (r *Reader) header() error {
	if r.ready {
		return nil
	}
	if r.err != nil {
		return r.err
	}
	if err := r.readHeader(); err != nil {
		r.err = err
		return err
	}
	r.ready = true
	return nil
}

func (r *Reader) readHeader() error {
	if err := r.need(3); err != nil {
		return err
	}
	if bytes.HasPrefix(r.text[r.pos:], []byte("\xef\xbb\xbf")) {
		r.pos += 3 //guard:bom
	}
	for { // blank lines are no lines
		if err := r.need(2); err != nil {
			return err
		}
		rest := r.text[r.pos:]
		if len(rest) == 0 {
			return errEmpty //guard:empty-text
		}
		if rest[0] != '\n' && rest[0] != '\r' {
			break
		}
		if rest[0] == '\n' || len(rest) == 1 || rest[1] != '\n' {
			r.line++
		}
		r.pos++
	}
	if err := r.findEnds(); err != nil {
		return err
	}
	line := r.line
	for {
		names, next, end := r.cutHeader()
		if end == endMore {
			if err := r.fill(); err != nil {
				return err
			}
			continue
		}
		if end != endLine && end != endText {
			return &HeaderError{Line: line, Reason: end.stop().reason() + looks(r.text[r.pos:])}
		}
		if len(names) > MaxColumns {
			return &HeaderError{Line: line, Reason: fmt.Sprintf("more than %d columns", MaxColumns)} //guard:header-bounded
		}
		if r.layout == nil || !slices.Equal(names, r.names) { //guard:fields-by-name
			r.layout = load.NewLayout(r.table, names)
			r.names = names
		}
		if len(r.layout.Unknown()) == len(names) { //guard:header-known
			return &HeaderError{Line: line, Reason: fmt.Sprintf("none of its %d names, the first of them %.40q, is a column of %s: is the header missing?%s",
				len(names), names[0], r.table.Name, looks(r.text[r.pos:]))}
		}
		r.line += r.lineEnds(r.text[r.pos:next])
		r.pos = next
		r.counts.Lines = 1
		return nil
	}
}

// cutHeader cuts the record at r.pos into names. It stops after one more than
// MaxColumns.
func (r *Reader) cutHeader() (names []string, next int, end fieldEnd) {
	next = r.pos
	for {
		var f load.Field
		f, next, end = r.field(r.pos, next)
		if end > endText {
			return nil, next, end
		}
		raw := r.text[f.Off:][:f.Len&^load.Doubled]
		if f.Len >= load.Doubled {
			raw = bytes.ReplaceAll(raw, []byte(`""`), []byte(`"`))
		}
		names = append(names, string(raw))
		if len(names) > MaxColumns {
			return names, next, endLine
		}
		if end != endComma {
			return names, next, end
		}
	}
}

// need fills the window until it holds n bytes, or the text has no more.
func (r *Reader) need(n int) error {
	for len(r.text)-r.pos < n && !r.eof {
		if err := r.fill(); err != nil {
			return err
		}
	}
	return nil
}
