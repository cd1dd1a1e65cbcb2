package parse

import (
	"errors"
	"io"
)

// flow inflates from a reader in bounded memory: whole runs of codes at a time
// into a buffer that keeps the last 32 KiB in front, as matches reach back so far.
type flow struct {
	codes  *inflater
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
	flowWindow = 32 << 10
	// flowSoft is where a run ends; what it began may still be written behind.
	flowSoft = flowWindow + 256<<10
	flowIn   = 256 << 10
	// A stored block is taken at once, and a block's tables and a few dozen
	// codes are read without looking for the end of the input.
	mostStored = 1<<16 - 1
	blockIn    = mostStored + 16
	codesIn    = 1 << 10
)

// reset begins a stream of size compressed bytes.
func (f *flow) reset(codes *inflater, src io.Reader, size int64) {
	if f.out == nil {
		f.out = make([]byte, flowSoft+mostStored+fastOut)
		f.bits.src = make([]byte, 0, flowIn)
	}
	*f = flow{codes: codes, src: src, unread: size, out: f.out, bits: bitReader{src: f.bits.src[:0]}}
}

// Read returns io.EOF at the end of the last block, whatever may follow it.
func (f *flow) Read(p []byte) (int, error) {
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

// trailing is the number of compressed bytes after the last block.
func (f *flow) trailing() int64 {
	return f.unread + int64(len(f.bits.src)-f.bits.at) + int64(f.bits.count/8)
}

// run inflates some more, once all that there was is read.
func (f *flow) run() (err error) {
	if f.n > flowWindow {
		copy(f.out, f.out[f.n-flowWindow:f.n])
		f.n = flowWindow
	}
	f.at = f.n
	for f.n < flowSoft {
		need := blockIn
		if f.started {
			need = codesIn
		}
		if err := f.fill(need); err != nil {
			return err
		}
		if !f.started {
			if err := f.block(); err != nil {
				return err
			}
			continue
		}
		var done bool
		f.n, done, err = f.codes.block(f.out, f.n, bounds{hard: flowSoft + mostStored, soft: flowSoft, open: f.unread > 0}, &f.bits)
		if err != nil {
			return err
		}
		f.started = !done
	}
	return nil
}

// block begins the next block, and takes it whole if it is a stored one.
func (f *flow) block() (err error) {
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
		f.n, err = f.bits.stored(f.out[:flowSoft+mostStored], f.n)
	case 1, 2:
		f.started = true
		err = f.codes.codes(&f.bits, kind == 1)
	default:
		err = errDamaged
	}
	return err
}

// fill makes sure of need compressed bytes, or of all that are left.
func (f *flow) fill(need int) error {
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
