package parse

import "io"

// plain is a text that is not packed.
type plain struct {
	r    io.ReaderAt
	size int64
}

func (p plain) whole(z *Inflater, dst []byte) error { return readWhole(p, z, dst) }

func (p plain) pieces(*Inflater) (io.Reader, error) { return io.NewSectionReader(p.r, 0, p.size), nil }
