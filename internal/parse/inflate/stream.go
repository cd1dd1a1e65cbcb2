package inflate

import (
	"errors"
	"io"
)

// Stream inflates from a reader in bounded memory: whole runs of codes at a time
// into a buffer that keeps the last 32 KiB in front, as matches reach back so far.
// Reset comes before reading.
type Stream struct {
	codes  *Decoder
	src    io.Reader
	unread int64 // bytes that src still has
	bits   bitReader
	out    []byte
	at, n  int // out[at:n] is inflated and not yet read

	started bool // within a block of codes
	last    bool // it is, or was, the last block
	err     error
}

const (
	streamWindow = 32 << 10
	// streamSoft is where a run ends; what it began may still be written behind.
	streamSoft = streamWindow + 256<<10
	streamIn   = 256 << 10
	// A stored block is taken at once, and a block's tables and a few dozen
	// codes are read without looking for the end of the input.
	mostStored = 1<<16 - 1
	blockIn    = mostStored + 16
	codesIn    = 1 << 10
)

// Reset begins a stream of size compressed bytes. It uses codes until the next Reset.
func (f *Stream) Reset(codes *Decoder, src io.Reader, size int64) {
	if f.out == nil {
		f.out = make([]byte, streamSoft+mostStored+fastOut)
		f.bits.src = make([]byte, 0, streamIn)
	}
	*f = Stream{codes: codes, src: src, unread: size, out: f.out, bits: bitReader{src: f.bits.src[:0]}}
}

// Read returns io.EOF at the end of the last block, whatever may follow it.
func (f *Stream) Read(p []byte) (int, error) {
	for f.at == f.n {
		if f.err != nil {
			return 0, f.err
		}
		f.err = f.run()
	}
	n := copy(p, f.out[f.at:f.n])
	f.at += n
	return n, nil
}

// Trailing is the number of compressed bytes after the last block.
func (f *Stream) Trailing() int64 {
	return f.unread + int64(len(f.bits.src)-f.bits.at) + int64(f.bits.count/8)
}

// run inflates some more, once all that there was is read.
func (f *Stream) run() (err error) {
	if f.n > streamWindow {
		copy(f.out, f.out[f.n-streamWindow:f.n])
		f.n = streamWindow
	}
	f.at = f.n
	for f.n < streamSoft {
		need := blockIn
		if f.started {
			need = codesIn
		}
		if err = f.fill(need); err != nil {
			return err
		}
		if !f.started {
			if err = f.block(); err != nil {
				return err
			}
			continue
		}
		var done bool
		f.n, done, err = f.codes.block(f.out, f.n, bounds{hard: streamSoft + mostStored, soft: streamSoft, open: f.unread > 0}, &f.bits)
		if err != nil {
			return err
		}
		f.started = !done
	}
	return nil
}

// block begins the next block, and takes it whole if it is a stored one.
func (f *Stream) block() (err error) {
	if f.last {
		return io.EOF
	}
	last, err := f.bits.take(1)
	if err != nil {
		return err
	}
	kind, err := f.bits.take(2)
	if err != nil {
		return err
	}
	f.last = last == 1
	switch kind {
	case 0:
		f.n, err = f.bits.stored(f.out[:streamSoft+mostStored], f.n)
	case 1, 2:
		f.started = true
		err = f.codes.codes(&f.bits, kind == 1)
	default:
		err = ErrDamaged
	}
	return err
}

// fill makes sure of need compressed bytes, or of all that are left.
func (f *Stream) fill(need int) error {
	b := &f.bits
	if len(b.src)-b.at >= need || f.unread == 0 {
		return nil
	}
	// What is in b.bits already may have to be given back.
	from := max(0, b.at-8)
	rest := copy(b.src[:cap(b.src)], b.src[from:])
	b.at -= from
	room := min(int64(cap(b.src)-rest), f.unread)
	n, err := io.ReadFull(f.src, b.src[rest:rest+int(room)])
	b.src = b.src[:rest+n]
	f.unread -= int64(n)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return err
}
