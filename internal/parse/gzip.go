package parse

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"

	"rawlogs/internal/rawlog"
)

// gzipped is a text in one gzip member or several, one after the other.
type gzipped struct {
	r    io.ReaderAt
	size int64
}

func (g gzipped) whole(z *Inflater, dst []byte) error { return readWhole(g, z, dst) }

func (g gzipped) pieces(z *Inflater) (io.Reader, error) {
	z.members.reset(g)
	return &z.members, nil
}

// members reads what gzip members hold, each held to its CRC-32 and length. Nothing
// but zeros, which tapes and disks are filled up with, may follow the last.
type members struct {
	src    source
	in     *bufio.Reader
	gz     *gzip.Reader
	size   int64
	n      int // members begun
	within bool
	err    error
}

func (m *members) reset(g gzipped) {
	m.src = source{r: io.NewSectionReader(g.r, 0, g.size)}
	if m.in == nil {
		m.in, m.gz = bufio.NewReaderSize(nil, 64<<10), new(gzip.Reader)
	}
	m.in.Reset(&m.src)
	m.size, m.n, m.within, m.err = g.size, 0, false, nil
}

func (m *members) Read(p []byte) (n int, err error) {
	for n == 0 && m.err == nil {
		if !m.within {
			m.err = m.next()
			continue
		}
		n, m.err = m.gz.Read(p)
		if errors.Is(m.err, io.EOF) { //guard:gzip-crc
			m.within, m.err = false, nil
		}
	}
	if n > 0 {
		return n, nil
	}
	if !errors.Is(m.err, io.EOF) {
		m.err = m.worded(m.err)
	}
	return 0, m.err
}

// next begins the next member; io.EOF says that there is none.
func (m *members) next() error {
	head, err := m.in.Peek(2)
	switch {
	case len(head) == 0 && errors.Is(err, io.EOF) && m.n > 0:
		return io.EOF
	case len(head) > 0 && m.n > 0 && (len(head) < 2 || head[0] != 0x1f || head[1] != 0x8b):
		return m.trailing()
	}
	m.n++
	m.within = true
	err = m.gz.Reset(m.in)
	m.gz.Multistream(false)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// trailing looks at what follows the last member.
func (m *members) trailing() error {
	left := m.size - m.src.read + int64(m.in.Buffered())
	for {
		c, err := m.in.ReadByte()
		if err != nil {
			return err
		}
		if c != 0 { //guard:gzip-trailing
			return &Error{Format: rawlog.Gzip, Reason: fmt.Sprintf("%d bytes follow the end of its data", left)}
		}
	}
}

// worded says what is wrong with a member.
func (m *members) worded(err error) error {
	var own *Error
	if m.src.err != nil {
		return m.src.err
	}
	if errors.As(err, &own) {
		return err
	}
	member := ""
	if m.n > 1 {
		member = fmt.Sprintf(" in member %d", m.n)
	}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &Error{Format: rawlog.Gzip, Reason: "its data ends too early" + member + ": cut short", Err: io.ErrUnexpectedEOF}
	case errors.Is(err, gzip.ErrChecksum):
		return &Error{Format: rawlog.Gzip, Reason: "its text's CRC-32 or length is not the declared one" + member + ": damaged"}
	case errors.Is(err, gzip.ErrHeader):
		return &Error{Format: rawlog.Gzip, Reason: "its header cannot be read" + member + ": damaged"}
	}
	return &Error{Format: rawlog.Gzip, Reason: "its data is damaged" + member, Err: err}
}

// source reads an archive, and remembers whether that failed: what a decoder makes of
// its errors does not tell.
type source struct {
	r    io.Reader
	read int64
	err  error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.read += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// readWhole unpacks a text by its pieces.
func readWhole(p packed, z *Inflater, dst []byte) error {
	src, err := p.pieces(z)
	if err == nil {
		_, err = io.ReadFull(src, dst)
	}
	return err
}
