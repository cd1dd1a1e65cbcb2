package parse

import (
	"errors"
	"io"

	"rawlogs/internal/parse/inflate"
	"rawlogs/internal/rawlog"
)

func (e *entry) whole(z *Inflater, dst []byte) error {
	// Deflate makes incompressible data larger by 5 bytes in 64 KiB at most;
	// far more packed than unpacked bytes are not text.
	if e.compressed > e.size+e.size/8+1024 {
		return zipError("its entry packs %d bytes into %d", e.size, e.compressed)
	}
	if e.method == methodStored {
		return readFull(e.r, dst, e.offset)
	}
	z.packed = sized(z.packed, int(e.compressed))
	if err := readFull(e.r, z.packed, e.offset); err != nil {
		return err
	}
	switch n, used, err := z.memory.Inflate(dst, z.packed); {
	case errors.Is(err, inflate.ErrLarger):
		return zipError("it holds more than the declared %d bytes", e.size)
	case err != nil:
		return inflateError(err)
	case n < len(dst):
		return inflateError(io.ErrUnexpectedEOF)
	case used < len(z.packed):
		return errTrailing(int64(len(z.packed) - used))
	}
	return nil
}

func (e *entry) pieces(z *Inflater) (io.Reader, error) {
	data := e.data()
	if e.method == methodStored {
		return data, nil
	}
	z.stream.Reset(&z.memory, data, e.compressed)
	return deflated{&z.stream}, nil
}

// deflated reads an entry's data, all of which must be used up at its end.
type deflated struct{ *inflate.Stream }

func (d deflated) Read(p []byte) (int, error) {
	n, err := d.Stream.Read(p)
	if errors.Is(err, io.EOF) {
		if more := d.Trailing(); more > 0 {
			return n, errTrailing(more)
		}
		return n, err
	}
	return n, inflateError(err)
}

func errTrailing(n int64) error { return zipError("%d bytes follow the end of its entry's data", n) }

// inflateError words what went wrong in the packed data. An end that comes too
// early is io.ErrUnexpectedEOF beneath, never io.EOF.
func inflateError(err error) error {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &Error{Format: rawlog.Zip, Reason: "its entry's data ends too early", Err: io.ErrUnexpectedEOF}
	case errors.Is(err, inflate.ErrDamaged):
		return &Error{Format: rawlog.Zip, Reason: "its entry's data is damaged", Err: err}
	}
	return err
}
