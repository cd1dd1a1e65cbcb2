package parse

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"

	"github.com/klauspost/compress/zstd"

	"rawlogs/internal/rawlog"
)

// zstandard is a text in one Zstandard frame or several (RFC 8878), among frames that
// are to be skipped.
type zstandard struct {
	r    io.ReaderAt
	size int64
}

func (s zstandard) whole(z *Inflater, dst []byte) error { return readWhole(s, z, dst) }

// leastWindow is what RFC 8878 asks every reader to take.
const leastWindow = 8 << 20

// pieces walks over the frames first, without unpacking them: the decoder takes a few
// bytes after the last frame for nothing, and says of no window how large it is.
func (s zstandard) pieces(z *Inflater) (io.Reader, error) {
	if z.frames.in == nil {
		z.frames.in = bufio.NewReaderSize(nil, 64<<10)
	}
	most := max(z.Window, leastWindow)
	z.frames.in.Reset(io.NewSectionReader(s.r, 0, s.size))
	w := walk{in: z.frames.in, size: s.size, left: s.size, most: uint64(most)}
	if err := w.frames(); err != nil {
		return nil, err
	}
	return &z.frames, z.frames.reset(s, most, w.patches)
}

// frames reads what frames hold, by the library.
type frames struct {
	in  *bufio.Reader
	src source
	dec *zstd.Decoder
}

func (f *frames) reset(s zstandard, window int64, patches []patch) (err error) {
	f.in.Reset(&patched{r: io.NewSectionReader(s.r, 0, s.size), patches: patches})
	f.src = source{r: f.in}
	if f.dec == nil {
		// One block at a time, which takes no goroutine and so no closing.
		if f.dec, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(uint64(window))); err != nil {
			return err
		}
	}
	if err := f.dec.Reset(&f.src); err != nil {
		return f.worded(err)
	}
	return nil
}

func (f *frames) Read(p []byte) (int, error) {
	n, err := f.dec.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = f.worded(err)
	}
	return n, err
}

func (f *frames) worded(err error) error {
	switch {
	case f.src.err != nil:
		return f.src.err
	case errors.Is(err, zstd.ErrCRCMismatch):
		return zstdError("its text's checksum is not the declared one: damaged")
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return &Error{Format: rawlog.Zstd, Reason: "its data ends too early: cut short", Err: io.ErrUnexpectedEOF}
	case errors.Is(err, zstd.ErrFrameSizeExceeded), errors.Is(err, zstd.ErrFrameSizeMismatch):
		return zstdError("it holds more or fewer bytes than it declares: damaged")
	}
	return &Error{Format: rawlog.Zstd, Reason: "its data is damaged", Err: err}
}

func zstdError(format string, args ...any) *Error {
	return &Error{Format: rawlog.Zstd, Reason: fmt.Sprintf(format, args...)}
}

// walk goes over frames by their heads and the lengths of their blocks.
type walk struct {
	in      *bufio.Reader
	size    int64
	left    int64  // bytes
	most    uint64 // that a window may have
	patches []patch
}

// patch is a byte of an archive that is read as another.
type patch struct {
	at    int64
	value byte
}

// mostPatches is more frames than anybody makes of a text who also wants large windows.
const mostPatches = 1000

// patched reads an archive with patches, which are in order.
type patched struct {
	r       io.Reader
	at      int64
	patches []patch
}

func (p *patched) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	for len(p.patches) > 0 && p.patches[0].at < p.at+int64(n) {
		b[p.patches[0].at-p.at] = p.patches[0].value
		p.patches = p.patches[1:]
	}
	p.at += int64(n)
	return n, err
}

const (
	frameMagic, skipMagic = 0xfd2fb528, 0x184d2a50
	blockHead             = 3
)

func (w *walk) frames() error {
	for first := true; w.left > 0; first = false {
		if w.left < 4 && !first {
			return w.trailing()
		}
		head, err := w.take(4)
		if err != nil {
			return err
		}
		switch magic := binary.LittleEndian.Uint32(head); {
		case magic == frameMagic:
			err = w.frame()
		case magic&^0xf == skipMagic:
			if head, err = w.take(4); err == nil {
				err = w.skip(int64(binary.LittleEndian.Uint32(head)))
			}
		default:
			w.left += 4
			return w.trailing()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) trailing() error { return zstdError("%d bytes follow the end of its data", w.left) } //guard:zstd-trailing

// frame goes over one frame, after its magic number.
func (w *walk) frame() error {
	b, err := w.take(1)
	if err != nil {
		return err
	}
	flags, at := b[0], w.size-w.left
	single, checksum := flags&(1<<5) != 0, int64(flags>>2&1)*4
	var window uint64
	if !single {
		if b, err = w.take(1); err != nil {
			return err
		}
		base := uint64(1) << (10 + b[0]>>3)
		window = base + base/8*uint64(b[0]&7)
	}
	dictionary := [4]int{0, 1, 2, 4}[flags&3]
	if b, err = w.take(dictionary); err != nil {
		return err
	}
	for _, c := range b {
		if c != 0 {
			return zstdError("it was packed with a dictionary: pack it again without one")
		}
	}
	length := [4]int{0, 2, 4, 8}[flags>>6]
	if single && length == 0 {
		length = 1
	}
	if b, err = w.take(length); err != nil {
		return err
	}
	if single { // its text is the window
		var eight [8]byte
		copy(eight[:], b)
		window = binary.LittleEndian.Uint64(eight[:])
	}
	text, err := w.blocks()
	if err != nil {
		return err
	}
	if err := w.fit(at, window, text, single); err != nil {
		return err
	}
	return w.skip(checksum)
}

// blocks goes over a frame's blocks and returns how many bytes of text they hold at most.
func (w *walk) blocks() (text uint64, err error) {
	for {
		b, err := w.take(blockHead)
		if err != nil {
			return 0, err
		}
		head := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16
		size := int64(head >> 3)
		text += uint64(size)
		switch head >> 1 & 3 {
		case 1: // one byte, size times
			size = 1
		case 2: // packed
			text += mostBlock
		}
		if err := w.skip(size); err != nil || head&1 != 0 {
			return text, err
		}
	}
}

// mostBlock is what a block holds at most.
const mostBlock = 128 << 10

// fit looks at whether a frame's window can be held. Whoever packs from a pipe does
// not know how much comes, and declares as large a window for an hour as for a year:
// what the frame's blocks can hold is enough, and put in its place.
func (w *walk) fit(at int64, window, text uint64, single bool) error {
	if window <= leastWindow {
		return nil
	}
	need := min(window, max(text, mostBlock))
	exponent := bits.Len64(need - 1)
	if rounded := uint64(1) << exponent; !single && rounded < window {
		need = rounded
		w.patches = append(w.patches, patch{at, byte(exponent-10) << 3})
	}
	if need > w.most || len(w.patches) > mostPatches { //guard:zstd-window
		return zstdError("it points %d bytes back, of which %d are held: give more --max-memory, or pack it again without --long and --ultra", need, w.most)
	}
	return nil
}

// take reads n bytes, which are good until the next read.
func (w *walk) take(n int) ([]byte, error) {
	b, err := w.in.Peek(n)
	if int64(n) <= w.left && err != nil {
		return nil, err
	}
	return b, w.skip(int64(n))
}

func (w *walk) skip(n int64) error {
	if n > w.left { //guard:zstd-truncated
		return &Error{Format: rawlog.Zstd, Reason: "its data ends too early: cut short", Err: io.ErrUnexpectedEOF}
	}
	w.left -= n
	_, err := w.in.Discard(int(n))
	return err
}
