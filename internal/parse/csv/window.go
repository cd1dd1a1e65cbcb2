package csv

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"rawlogs/internal/parse/ahead"
	"rawlogs/internal/records"
)

// Window is what a Cutter holds of a stream when records are short.
const Window = 256 << 10

// fill moves what is left of the window to its front and fills it from the
// source, however little that gives at a time. When more than half of it is
// left, the window doubles first, so that a record is begun again only after
// as many new bytes as it had.
func (r *Cutter) fill() error {
	rest := r.text[r.pos:]
	size := max(Window, len(r.buf))
	if len(rest) > size/2 {
		size *= 2
	}
	// That a record or a piece is too long shows within this much.
	size = min(size, max(r.maxLine, PieceBytes)+Window)
	if size > len(r.buf) {
		grown := make([]byte, size)
		copy(grown, rest)
		r.buf = grown
	} else {
		copy(r.buf, rest)
	}
	n, err := ahead.Fill(r.src, r.buf[len(rest):])
	n += len(rest)
	if errors.Is(err, io.EOF) {
		r.eof = true
	} else if err != nil {
		return err
	}
	r.text, r.pos = r.buf[:n], 0
	return nil
}

// rejectLine hands the physical line at r.pos to reject, in pieces if it is
// long, and leaves r.pos after it.
func (r *Cutter) rejectLine(why cutStop) error {
	rejected := Rejected{Line: r.line, Reason: why.reason()}
	r.rejected++
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
			if err := r.reject(rejected); err != nil {
				return err
			}
		}
		if end >= 0 || r.pos == len(r.text) && r.eof {
			return nil
		}
		rejected.Piece++
	}
}

// Header returns the names of the text's first record, which it reads at the first
// call. They are the Cutter's until Reset. An error of it, a *HeaderError or the
// source's, ends the reading.
func (r *Cutter) Header() ([]string, error) {
	if !r.ready && r.err == nil {
		r.err = r.readHeader()
		r.ready = r.err == nil
	}
	if !r.ready {
		return nil, r.err
	}
	return r.names, nil
}

// Not says why the record that Header read cannot be a header, and what the text
// looks like instead. It is to be called before the first Cut.
func (r *Cutter) Not(reason string) *HeaderError {
	return &HeaderError{Line: r.headLine, Reason: reason + looks(r.head)}
}

// Strange says why the header that Header returned last, which stands in mid-text, is not
// that of the lines after it; reason goes on after the line's number.
func (r *Cutter) Strange(reason string) *HeaderError {
	return &HeaderError{Line: r.headLine, Reason: reason, Within: true}
}

func (r *Cutter) readHeader() error {
	if err := r.need(3); err != nil {
		return err
	}
	if bytes.HasPrefix(r.text[r.pos:], []byte("\xef\xbb\xbf")) {
		r.pos += 3 //guard:bom
	}
	for { // blank lines do not count
		if err := r.need(2); err != nil {
			return err
		}
		rest := r.text[r.pos:]
		if len(rest) == 0 {
			return ErrEmpty //guard:empty-text
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
		r.head, r.headLine = r.text[r.pos:], line
		if end != endLine && end != endText {
			reason := end.stop().reason()
			if sep := r.Separator(); sep != "" {
				reason += ": it is separated by " + sep + ", raw logs are by commas"
			}
			return &HeaderError{Line: line, Reason: reason + looks(r.text[r.pos:])}
		}
		if len(names) > MaxColumns {
			return &HeaderError{Line: line, Reason: fmt.Sprintf("more than %d columns", MaxColumns)} //guard:header-bounded
		}
		if !slices.Equal(names, r.names) {
			r.names = names
		}
		r.line += r.lineEnds(r.text[r.pos:next])
		r.pos = next
		return nil
	}
}

// cutHeader cuts the record at r.pos into names. It stops after one more than
// MaxColumns.
func (r *Cutter) cutHeader() (names []string, next int, end fieldEnd) {
	next = r.begin(r.pos)
	for {
		var f records.Field
		f, next, end = r.field(r.pos, next)
		if end > endText {
			return nil, next, end
		}
		var name []byte
		name, r.scratch = f.In(r.text, r.scratch)
		names = append(names, string(name))
		if len(names) > MaxColumns {
			return names, next, endLine
		}
		if end != endComma {
			return names, next, end
		}
	}
}

// need fills the window until it holds n bytes, or the text has no more.
func (r *Cutter) need(n int) error {
	for len(r.text)-r.pos < n && !r.eof {
		if err := r.fill(); err != nil {
			return err
		}
	}
	return nil
}
