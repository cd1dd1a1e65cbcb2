// Package parse takes the one text out of an archive: a ZIP, gzip or zstd, or the
// text as it is. inflate unpacks what a ZIP holds, csv cuts the text that comes out,
// ahead reads one side by side with the other. Whatever the bytes are, it does not
// panic and its memory is bounded.
package parse

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"

	"rawlogs/internal/parse/inflate"
	"rawlogs/internal/rawlog"
)

// Error tells what is wrong with an archive. The archive is the file's own
// fault: fetching it again may help, reading it again does not.
type Error struct {
	Format rawlog.Format
	Reason string
	Err    error // the error behind it, if any
}

// Error says it in words.
func (e *Error) Error() string {
	text := strings.ToLower(string(e.Format)) + ": " + e.Reason
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the error behind it.
func (e *Error) Unwrap() error { return e.Err }

// Text is the one text of an archive. It is read by an Inflater, as often as wanted.
type Text struct {
	Format rawlog.Format
	Size   int64  // bytes of the text
	CRC32  uint32 // of the text, IEEE
	// Proven says that Open has read the whole archive and found it sound. Else Size
	// and CRC32 are what it declares. Either way whoever reads is held to them.
	Proven bool

	packed packed
}

// packed is a text as one format holds it. Errors that come of the bytes are an
// *Error, those of reading the archive are returned as they are.
type packed interface {
	// whole unpacks the text into dst, which is as long as the text should be.
	whole(z *Inflater, dst []byte) error
	// pieces unpacks it piece by piece. io.EOF comes only where the archive ends as
	// it should. The reader is z's, until the next use of it.
	pieces(z *Inflater) (io.Reader, error)
}

// Inflater takes texts out of archives, one after the other, and keeps its memory.
// It is not safe for concurrent use.
type Inflater struct {
	// Hold is how many bytes of text may be held whole.
	Hold int64
	// Window is how many bytes before a place a zstd text may point back to, and the
	// decoder has to hold; below 8 MiB, which every reader should take, it is these.
	Window int64

	text  []byte // what Bytes returns
	holds *Text  // whose text that is
	piece []byte // for measuring

	packed  []byte
	memory  inflate.Decoder
	stream  inflate.Stream
	members members
	frames  frames
}

// Open finds the text of an archive, in a format that its first bytes tell and a
// text's name. Only a ZIP declares length and CRC-32 of its text where they can be
// relied on; any other archive is read to its end for them, and so known to be sound
// before a row of it is sent. Errors of r are returned as they are.
func (z *Inflater) Open(r io.ReaderAt, size int64, name string) (*Text, error) {
	head := make([]byte, min(max(size, 0), 4))
	if err := readFull(r, head, 0); err != nil {
		return nil, err
	}
	format, _ := rawlog.FormatOf(head, name)
	t := &Text{Format: format}
	switch format {
	case rawlog.Gzip:
		t.packed = gzipped{r, size}
	case rawlog.Zstd:
		t.packed = zstandard{r, size}
	case rawlog.Plain:
		t.packed = plain{r, size}
	default: // whatever it is, the reason why it is no ZIP tells
		e, err := openZip(r, size)
		if err != nil {
			return nil, err
		}
		t.Format, t.Size, t.CRC32, t.packed = rawlog.Zip, e.size, e.crc32, e
		return t, nil
	}
	if err := z.measure(t, size); err != nil {
		return nil, err
	}
	return t, nil
}

// DEFLATE makes of a byte 1032 at most, and so does what is loaded of any format.
// A text up to harmless is read in a second, whatever it was packed to.
const (
	mostRatio = 1032
	harmless  = 1 << 30
)

// measure reads an archive to its end, and holds the text while it is small enough.
func (z *Inflater) measure(t *Text, size int64) error {
	src, err := t.packed.pieces(z)
	if err != nil {
		return err
	}
	z.holds = nil
	if z.piece == nil {
		z.piece = make([]byte, 64<<10)
	}
	most := max(harmless, mostRatio*size)
	held := z.text[:0]
	for {
		n, err := src.Read(z.piece)
		t.CRC32 = crc32.Update(t.CRC32, crc32.IEEETable, z.piece[:n])
		t.Size += int64(n)
		if t.Size > most { //guard:bomb
			return &Error{Format: t.Format, Reason: fmt.Sprintf("it holds more than %d bytes, of %d packed ones: a bomb?", most, size)}
		}
		if t.Size <= z.Hold {
			held = grown(held, n, z.Hold)
			held = append(held, z.piece[:n]...)
		}
		if err == io.EOF { //guard:truncated
			break
		}
		if err != nil {
			return err
		}
	}
	t.Proven = true
	if z.text = held; t.Size <= z.Hold {
		z.holds = t
	}
	return nil
}

// grown makes room for n more bytes in b, which never has more than limit.
func grown(b []byte, n int, limit int64) []byte {
	if len(b)+n <= cap(b) {
		return b
	}
	room := min(max(2*int64(cap(b)), int64(len(b)+n)), limit)
	return append(make([]byte, 0, room), b...)
}

// Bytes returns a text whole, its length and CRC-32 verified. It may be read until
// the next Bytes or Open. More than z.Hold bytes are refused before anything is read.
func (z *Inflater) Bytes(t *Text) ([]byte, error) {
	if z.holds == t {
		return z.text, nil
	}
	if t.Size > z.Hold {
		return nil, &Error{Format: t.Format, Reason: fmt.Sprintf("its text has %d bytes, more than the %d that fit in memory", t.Size, z.Hold)}
	}
	z.holds = nil
	z.text = sized(z.text, int(t.Size))
	if err := t.packed.whole(z, z.text); err != nil {
		var worded *Error
		if !errors.As(err, &worded) && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) {
			err = t.short()
		}
		return nil, err
	}
	if err := t.verify(crc32.ChecksumIEEE(z.text)); err != nil {
		return nil, err
	}
	z.holds = t
	return z.text, nil
}

// sized returns a slice of n bytes, in b's memory if that is large enough.
func sized(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n, n+n/8+inflate.Slack)
	}
	return b[:n]
}

func (t *Text) verify(sum uint32) error {
	if sum != t.CRC32 { //guard:crc32
		return &Error{Format: t.Format, Reason: fmt.Sprintf("its text's CRC-32 is %08x, declared is %08x: damaged", sum, t.CRC32)}
	}
	return nil
}

func (t *Text) short() error {
	return &Error{Format: t.Format, Reason: "its data ends too early", Err: io.ErrUnexpectedEOF}
}

func (t *Text) longer() error {
	return &Error{Format: t.Format, Reason: fmt.Sprintf("it holds more than the declared %d bytes", t.Size)}
}
