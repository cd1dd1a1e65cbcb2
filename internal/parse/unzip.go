package parse

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"rawlogs/internal/parse/inflate"
)

// Inflater takes entries out of archives, one after the other, and keeps its
// memory. It is not safe for concurrent use.
type Inflater struct {
	packed []byte
	memory inflate.Decoder
	stream inflate.Stream // for Stream
}

// Bytes inflates an entry whole into dst, which it may grow and write to up to
// its capacity, and verifies size and CRC-32. More than limit bytes are refused before anything is read.
func (z *Inflater) Bytes(e *Entry, dst []byte, limit int64) ([]byte, error) {
	if e.Size > limit {
		return dst, &ZipError{Reason: fmt.Sprintf("its entry declares %d bytes, more than the %d that fit in memory", e.Size, limit)}
	}
	// Deflate makes incompressible data larger by 5 bytes in 64 KiB at most;
	// far more packed than unpacked bytes are not text.
	if e.Compressed > e.Size+e.Size/8+1024 {
		return dst, &ZipError{Reason: fmt.Sprintf("its entry packs %d bytes into %d", e.Size, e.Compressed)}
	}
	dst = sized(dst, int(e.Size))
	if e.Method == methodStored {
		if err := readFull(e.r, dst, e.offset); err != nil {
			return dst[:0], err
		}
		return dst, e.verify(crc32.ChecksumIEEE(dst))
	}
	z.packed = sized(z.packed, int(e.Compressed))
	if err := readFull(e.r, z.packed, e.offset); err != nil {
		return dst[:0], err
	}
	switch n, used, err := z.memory.Inflate(dst, z.packed); {
	case errors.Is(err, inflate.ErrLarger):
		return dst[:0], errLonger(e)
	case err != nil:
		return dst[:0], inflateError(err)
	case n < len(dst):
		return dst[:0], inflateError(io.ErrUnexpectedEOF)
	case used < len(z.packed):
		return dst[:0], errTrailing(int64(len(z.packed) - used))
	}
	return dst, e.verify(crc32.ChecksumIEEE(dst))
}

// sized returns a slice of n bytes, in b's memory if that is large enough.
func sized(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n, n+n/8+inflate.Slack)
	}
	return b[:n]
}

func (e *Entry) verify(sum uint32) error {
	if sum != e.CRC32 { //guard:crc32
		return &ZipError{Reason: fmt.Sprintf("its entry's CRC-32 is %08x, declared is %08x: damaged", sum, e.CRC32)}
	}
	return nil
}

func errLonger(e *Entry) error {
	return &ZipError{Reason: fmt.Sprintf("its entry holds more than the declared %d bytes", e.Size)}
}

func errTrailing(n int64) error {
	return &ZipError{Reason: fmt.Sprintf("%d bytes follow the end of its entry's data", n)}
}

// inflateError words what went wrong in the packed data. An end that comes too
// early is io.ErrUnexpectedEOF beneath, never io.EOF.
func inflateError(err error) error {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &ZipError{Reason: "its entry's data ends too early", Err: io.ErrUnexpectedEOF}
	case errors.Is(err, inflate.ErrDamaged):
		return &ZipError{Reason: "its entry's data is damaged", Err: err}
	}
	return err
}

// Stream inflates an entry piece by piece. Reading returns io.EOF only when
// all of the declared bytes came, the CRC-32 is right and nothing follows; it
// never returns more than the declared bytes. The stream uses the Inflater
// until it is closed.
func (z *Inflater) Stream(e *Entry) io.ReadCloser {
	s := &stream{entry: e, left: e.Size, packed: e.data()}
	s.src = s.packed
	if e.Method == methodDeflate {
		z.stream.Reset(&z.memory, s.packed, e.Compressed)
		s.src, s.deflated = &z.stream, &z.stream
	}
	return s
}

type stream struct {
	entry    *Entry
	packed   *io.SectionReader
	deflated *inflate.Stream // nil for a stored entry
	src      io.Reader
	left     int64
	sum      uint32
	err      error
}

func (s *stream) Read(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	if s.left == 0 {
		s.err = s.end()
		return 0, s.err
	}
	if int64(len(p)) > s.left {
		p = p[:s.left]
	}
	n, err := s.src.Read(p)
	s.sum = crc32.Update(s.sum, crc32.IEEETable, p[:n])
	s.left -= int64(n)
	if err != nil && (err != io.EOF || s.left > 0) {
		s.err = inflateError(err)
		return n, s.err
	}
	return n, nil
}

// end checks that the data ends where it should, and is what it should be.
func (s *stream) end() error {
	var more [1]byte
	switch n, err := io.ReadFull(s.src, more[:]); {
	case n > 0:
		return errLonger(s.entry) //guard:stream-bounded
	case err != io.EOF:
		return inflateError(err)
	}
	if s.deflated != nil {
		if n := s.deflated.Trailing(); n > 0 {
			return errTrailing(n)
		}
	}
	if err := s.entry.verify(s.sum); err != nil {
		return err
	}
	return io.EOF
}

// Close ends the use of the Inflater.
func (s *stream) Close() error {
	if s.err == nil {
		s.err = errors.New("zip: read of a closed stream")
	}
	return nil
}
