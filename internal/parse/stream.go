package parse

import (
	"errors"
	"hash/crc32"
	"io"
)

// Stream unpacks a text piece by piece. Reading returns io.EOF only when all bytes
// came, their CRC-32 is right and the archive ends where it should; it never returns
// more bytes than the text has. The stream uses the Inflater until it is closed.
func (z *Inflater) Stream(t *Text) io.ReadCloser {
	src, err := t.packed.pieces(z)
	return &stream{text: t, left: t.Size, src: src, err: err}
}

type stream struct {
	text *Text
	src  io.Reader
	left int64
	sum  uint32
	err  error
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
	switch {
	case err == nil:
	case err != io.EOF:
		s.err = err
	case s.left > 0:
		s.err = s.text.short()
	}
	return n, s.err
}

// end checks that the data ends where it should, and is what it should be.
func (s *stream) end() error {
	var more [1]byte
	switch n, err := io.ReadFull(s.src, more[:]); {
	case n > 0:
		return s.text.longer() //guard:stream-bounded
	case err != io.EOF:
		return err
	}
	if err := s.text.verify(s.sum); err != nil {
		return err
	}
	return io.EOF
}

// Close ends the use of the Inflater.
func (s *stream) Close() error {
	if s.err == nil {
		s.err = errors.New("parse: read of a closed stream")
	}
	return nil
}
