package inflate

import "io"

// bitReader is the compressed data: the next count bits of it are in bits.
type bitReader struct {
	src   []byte
	at    int
	bits  uint64
	count uint
}

func (r *bitReader) refill() {
	for r.count <= 56 && r.at < len(r.src) {
		r.bits |= uint64(r.src[r.at]) << r.count
		r.at++
		r.count += 8
	}
}

// take returns the next n bits, at most 32.
func (r *bitReader) take(n uint) (uint32, error) {
	if r.count < n {
		if r.refill(); r.count < n {
			return 0, io.ErrUnexpectedEOF
		}
	}
	v := uint32(r.bits & (1<<n - 1))
	r.bits >>= n
	r.count -= n
	return v, nil
}

// symbol decodes one code, of a pair the first, and consumes it without its extra bits, whose
// number it returns.
func (r *bitReader) symbol(h *huffman) (e uint32, extra uint, err error) {
	r.refill()
	e = h.table[r.bits&(1<<h.first-1)]
	used := uint(0)
	if e&isLink != 0 {
		used = h.first
		e = h.table[uint64(e>>16)+r.bits>>used&(1<<(e>>8&31)-1)]
	}
	own := uint(e >> 8 & 31)
	if r.count < used+own || e == 0 && r.at == len(r.src) && r.count < 15 {
		return 0, 0, io.ErrUnexpectedEOF
	}
	if e == 0 {
		return 0, 0, ErrDamaged
	}
	r.bits >>= used + own
	r.count -= used + own
	return e, uint(e&31) - own, nil
}

func (r *bitReader) stored(dst []byte, n int) (int, error) {
	r.bits >>= r.count % 8
	r.count -= r.count % 8
	size, err := r.take(16)
	if err != nil {
		return n, err
	}
	check, err := r.take(16)
	if err != nil {
		return n, err
	}
	if size != check^0xffff {
		return n, ErrDamaged
	}
	r.at -= int(r.count / 8)
	r.bits, r.count = 0, 0
	if int(size) > len(r.src)-r.at {
		return n, io.ErrUnexpectedEOF
	}
	if int(size) > len(dst)-n {
		return n, ErrLarger
	}
	n += copy(dst[n:], r.src[r.at:][:size])
	r.at += int(size)
	return n, nil
}
