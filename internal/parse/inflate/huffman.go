package inflate

import "math/bits"

// A table entry is a code taken apart:
//
//	bits 0–4   bits to consume, extra bits included; of a link those of the first table
//	bit 5      it is a pair: of two literals, whose bits are both consumed
//	bits 8–12  of these, the (first) code's own; of a link the bits of the second table
//	bits 13–15 what it is
//	bits 16–31 literals, base of a length or distance, or where the second table begins
//
// An entry of 0 is not a code.
const (
	isPair    = 1 << 5
	isLiteral = 1 << 13
	isEnd     = 1 << 14
	isLink    = 1 << 15
)

type huffman struct {
	table []uint32
	first uint // bits of the first table
}

var lengthBase, lengthExtra, distBase, distExtra = func() (lb, le, db, de [32]uint32) {
	base := uint32(3)
	for i := range 28 {
		if i >= 8 {
			le[i] = uint32(i-4) / 4
		}
		lb[i] = base
		base += 1 << le[i]
	}
	lb[28], le[28] = 258, 0
	base = 1
	for i := range 30 {
		if i >= 4 {
			de[i] = uint32(i-2) / 2
		}
		db[i] = base
		base += 1 << de[i]
	}
	return lb, le, db, de
}()

func litEntry(sym int, n uint32) uint32 {
	switch {
	case sym < 256:
		return uint32(sym)<<16 | isLiteral | n<<8 | n
	case sym == 256:
		return isEnd | n<<8 | n
	case sym <= 285:
		return lengthBase[sym-257]<<16 | n<<8 | (n + lengthExtra[sym-257])
	}
	return 0
}

func distEntry(sym int, n uint32) uint32 {
	if sym >= 30 {
		return 0
	}
	return distBase[sym]<<16 | n<<8 | (n + distExtra[sym])
}

func codeEntry(sym int, n uint32) uint32 { return uint32(sym)<<16 | n<<8 | n }

// build makes the table of a canonical code from its lengths. As in zlib a
// code must be complete, but for one that has a single code of one bit, or none.
func (h *huffman) build(lens []uint8, first uint, entry func(sym int, n uint32) uint32) bool {
	var count [16]int
	longest := uint(0)
	for _, n := range lens {
		count[n]++
		longest = max(longest, uint(n))
	}
	h.first = first
	if cap(h.table) < 1<<first {
		h.table = make([]uint32, 1<<first, 1<<(first+2))
	}
	h.table = h.table[:1<<first]
	if longest == 0 {
		clear(h.table)
		return true
	}
	var next [16]int
	code := 0
	for n := 1; n <= 15; n++ {
		code = (code + count[n-1]*min(n-1, 1)) << 1
		next[n] = code
	}
	if end := next[longest] + count[longest]; end != 1<<longest {
		if end != 1 || longest != 1 {
			return false
		}
		clear(h.table)
	}
	for i := range h.table {
		if h.table[i]&isLink != 0 {
			h.table[i] = 0 // of the code before
		}
	}
	for sym, n8 := range lens {
		n := uint(n8)
		if n == 0 {
			continue
		}
		code := next[n]
		next[n]++
		reversed := uint(bits.Reverse16(uint16(code)) >> (16 - n))
		if n <= first {
			e := entry(sym, uint32(n))
			for i := reversed; i < 1<<first; i += 1 << n {
				h.table[i] = e
			}
			continue
		}
		link := &h.table[reversed&(1<<first-1)]
		second := longest - first
		if *link&isLink == 0 {
			*link = uint32(len(h.table))<<16 | isLink | uint32(second)<<8 | uint32(first)
			at := len(h.table)
			h.table = append(h.table, make([]uint32, 1<<second)...)
			link = &h.table[reversed&(1<<first-1)]
			clear(h.table[at:])
		}
		at := uint(*link >> 16)
		e := entry(sym, uint32(n-first))
		for i := reversed >> first; i < 1<<second; i += 1 << (n - first) {
			h.table[at+i] = e
		}
	}
	return true
}

// pair makes one entry of two literals wherever the bits of both are at hand: text that does not
// repeat, such as ids, is decoded in half the steps.
func (h *huffman) pair() {
	table := h.table[:1<<h.first]
	for i := len(table) - 1; i >= 0; i-- { // those that are looked up are of one literal still
		e := table[i]
		if e&isLiteral == 0 {
			continue
		}
		n := uint(e & 31)
		next := table[i>>n]
		if both := n + uint(next&31); next&isLiteral != 0 && both <= h.first {
			table[i] = e&^31 | isPair | uint32(both) | next>>16<<24
		}
	}
}
