// Package inflate decodes DEFLATE (RFC 1951). Inflating is half of what a load costs
// this side of the server, and a general decoder keeps a window and stops at every byte.
//
// It is proven against compress/flate: TestInflate, TestStream and FuzzInflate hold
// both sides of it against that on texts of every kind, packed in every way, cut at
// any byte and with any bit flipped. They must agree on each byte of the output, on
// how much of the input it took, and on whether there is an error. Whatever the
// input is, a Decoder writes no more than it was given room for.
package inflate

import (
	"encoding/binary"
	"errors"
	"math"
)

// Decoder inflates from memory to memory. A streaming decoder has to keep a window of
// its output and to be ready to stop at every byte; with both ends in memory neither
// is needed, which about doubles the speed. Its zero value is ready; it is used by one
// goroutine at a time.
type Decoder struct {
	lit, dist huffman
	lens      [maxLit + maxDist]uint8
	fixed     bool // lit and dist hold the fixed codes
}

// The errors of data that does not inflate. Data that ends too early is
// io.ErrUnexpectedEOF.
var (
	ErrDamaged = errors.New("invalid deflate data")
	ErrLarger  = errors.New("more data than declared")
)

const (
	maxLit   = 288
	maxDist  = 32
	litBits  = 11
	distBits = 9
)

// Inflate decodes src into dst, whose capacity beyond its length it may write to: with
// Slack more it is fastest. It returns how many bytes it wrote and how many of src it
// used. Less output than there is room for is not an error; more is ErrLarger.
func (z *Decoder) Inflate(dst, src []byte) (n, used int, err error) {
	size := len(dst)
	r := bitReader{src: src}
	for last := uint32(0); last == 0; {
		if last, err = r.take(1); err != nil {
			return n, 0, err
		}
		kind, err := r.take(2)
		if err != nil {
			return n, 0, err
		}
		switch kind {
		case 0:
			n, err = r.stored(dst[:size], n)
		case 1, 2:
			if err = z.codes(&r, kind == 1); err == nil {
				n, _, err = z.block(dst[:cap(dst)], n, bounds{hard: size, soft: math.MaxInt}, &r) //guard:inflate-bounded
			}
		default:
			err = ErrDamaged
		}
		if err != nil {
			return n, 0, err
		}
	}
	return n, r.at - int(r.count/8), nil
}

var codeOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// codes makes the tables for a block.
func (z *Decoder) codes(r *bitReader, fixed bool) error {
	if fixed {
		if !z.fixed {
			for i := range z.lens[:maxLit] {
				z.lens[i] = 8
				if i >= 144 && i < 256 {
					z.lens[i] = 9
				} else if i >= 256 && i < 280 {
					z.lens[i] = 7
				}
			}
			z.lit.build(z.lens[:maxLit], litBits, litEntry)
			z.lit.pair()
			for i := range z.lens[:maxDist] {
				z.lens[i] = 5
			}
			z.dist.build(z.lens[:maxDist], distBits, distEntry)
		}
		z.fixed = true
		return nil
	}
	z.fixed = false
	head, err := r.take(14)
	if err != nil {
		return err
	}
	lits, dists, codes := int(head&31)+257, int(head>>5&31)+1, int(head>>10)+4
	if lits > 286 || dists > 30 {
		return ErrDamaged
	}
	var lens [19]uint8
	for _, i := range codeOrder[:codes] {
		n, err := r.take(3)
		if err != nil {
			return err
		}
		lens[i] = uint8(n)
	}
	if !z.lit.build(lens[:], 7, codeEntry) {
		return ErrDamaged
	}
	for i := 0; i < lits+dists; {
		e, _, err := r.symbol(&z.lit)
		if err != nil {
			return err
		}
		sym := e >> 16
		if sym < 16 {
			z.lens[i] = uint8(sym)
			i++
			continue
		}
		extra, base, value := uint(2), 3, uint8(0)
		switch {
		case sym == 16 && i == 0:
			return ErrDamaged
		case sym == 16:
			value = z.lens[i-1]
		case sym == 17:
			extra = 3
		default:
			extra, base = 7, 11
		}
		times, err := r.take(extra)
		if err != nil {
			return err
		}
		end := i + base + int(times)
		if end > lits+dists {
			return ErrDamaged
		}
		for ; i < end; i++ {
			z.lens[i] = value
		}
	}
	if !z.lit.build(z.lens[:lits], litBits, litEntry) || !z.dist.build(z.lens[lits:lits+dists], distBits, distEntry) {
		return ErrDamaged
	}
	z.lit.pair()
	return nil
}

// bounds end a run of block: output beyond hard is an error, soft or more of
// it is enough. open says that more input than is at hand will come.
type bounds struct {
	hard, soft int
	open       bool
}

// block decodes up to the end of a block, which makes it done, or to one of
// the bounds. The bulk goes through fast, the ends of input and output through
// the careful loop here.
func (z *Decoder) block(room []byte, n int, to bounds, r *bitReader) (_ int, done bool, err error) {
	size := to.hard
	if to.soft < size {
		// No turn of fast that begins before soft ends later than this.
		room, size = room[:to.soft+fastOut], to.soft+fastOut-wideCopy
	}
	for {
		if n, done, err = z.fast(room, n, size, r); done || err != nil {
			return n, done, err
		}
		if n >= to.soft || to.open && len(r.src)-r.at < codesIn {
			return n, false, nil
		}
		for i := 0; i < 64 && n < to.soft; i++ {
			e, extra, err := r.symbol(&z.lit)
			if err != nil {
				return n, false, err
			}
			if e&isEnd != 0 {
				return n, true, nil
			}
			if e&isLiteral != 0 {
				if n == size {
					return n, false, ErrLarger
				}
				room[n] = byte(e >> 16)
				n++
				continue
			}
			more, err := r.take(extra)
			if err != nil {
				return n, false, err
			}
			length := int(e>>16 + more)
			if e, extra, err = r.symbol(&z.dist); err != nil {
				return n, false, err
			}
			if more, err = r.take(extra); err != nil {
				return n, false, err
			}
			distance := int(e>>16 + more)
			if distance > n {
				return n, false, ErrDamaged
			}
			if length > size-n {
				return n, false, ErrLarger
			}
			for range length {
				room[n] = room[n-distance]
				n++
			}
		}
	}
}

// Slack is the capacity beyond a text's length with which Inflate is fastest.
const Slack = fastOut

// fastOut is how much output one turn of fast may write, and fastIn how much
// input it may load.
const (
	fastOut = 2*2 + 258 + wideCopy
	fastIn  = 24
	// wideCopy is how far a match's last copy may write beyond its end.
	wideCopy = 32
)

// fast decodes while neither input nor output is near its end.
func (z *Decoder) fast(out []byte, n, size int, r *bitReader) (_ int, done bool, err error) {
	src, at, buf, count := r.src, r.at, r.bits, r.count
	lit, dist := z.lit.table, z.dist.table
	_ = lit[1<<litBits-1]
	_ = dist[1<<distBits-1]
	last := min(size, len(out)-fastOut)
	for n < last && at+fastIn <= len(src) {
		buf |= binary.LittleEndian.Uint64(src[at:]) << (count & 63)
		at += int((63 - count) >> 3)
		count |= 56
		e := lit[buf&(1<<litBits-1)]
		if e&isLiteral != 0 {
			binary.LittleEndian.PutUint16(out[n:], uint16(e>>16))
			n += 1 + int(e&isPair/isPair)
			buf >>= e & 31
			count -= uint(e & 31)
			e = lit[buf&(1<<litBits-1)]
			if e&isLiteral != 0 {
				binary.LittleEndian.PutUint16(out[n:], uint16(e>>16))
				n += 1 + int(e&isPair/isPair)
				buf >>= e & 31
				count -= uint(e & 31)
				e = lit[buf&(1<<litBits-1)]
				if e&isLiteral != 0 {
					binary.LittleEndian.PutUint16(out[n:], uint16(e>>16))
					n += 1 + int(e&isPair/isPair)
					buf >>= e & 31
					count -= uint(e & 31)
					continue
				}
			}
		}
		if e&isLink != 0 {
			buf >>= litBits
			count -= litBits
			e = lit[uint64(e>>16)+buf&(1<<(e>>8&31)-1)]
			if e&isLiteral != 0 {
				out[n] = byte(e >> 16)
				n++
				buf >>= e & 31
				count -= uint(e & 31)
				continue
			}
		}
		if e&isEnd != 0 {
			buf >>= e & 31
			count -= uint(e & 31)
			done = true
			break
		}
		if e == 0 {
			err = ErrDamaged
			break
		}
		length := int(e>>16) + int(buf&(1<<(e&31)-1)>>(e>>8&31))
		buf >>= e & 31
		count -= uint(e & 31)

		buf |= binary.LittleEndian.Uint64(src[at:]) << (count & 63)
		at += int((63 - count) >> 3)
		count |= 56
		e = dist[buf&(1<<distBits-1)]
		if e&isLink != 0 {
			buf >>= distBits
			count -= distBits
			e = dist[uint64(e>>16)+buf&(1<<(e>>8&31)-1)]
		}
		distance := int(e>>16) + int(buf&(1<<(e&31)-1)>>(e>>8&31))
		buf >>= e & 31
		count -= uint(e & 31)
		if e == 0 || distance > n {
			err = ErrDamaged
			break
		}
		end := n + length
		switch from := n - distance; {
		case distance >= 16:
			// Most matches are short: without a loop there is nothing to guess about their length.
			to := out[n : n+wideCopy]
			*(*[16]byte)(to) = *(*[16]byte)(out[from:])
			*(*[16]byte)(to[16:]) = *(*[16]byte)(out[from+16:])
			for n, from = n+wideCopy, from+wideCopy; n < end; n, from = n+16, from+16 {
				*(*[16]byte)(out[n:]) = *(*[16]byte)(out[from:])
			}
		case distance >= 8:
			for n < end {
				binary.LittleEndian.PutUint64(out[n:], binary.LittleEndian.Uint64(out[from:]))
				n += 8
				from += 8
			}
		default:
			for n < end {
				out[n] = out[from]
				n++
				from++
			}
		}
		n = end
	}
	r.at, r.bits, r.count = at, buf&(1<<count-1), count
	if n > size {
		return n, false, ErrLarger
	}
	return n, done, err
}
