package load

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"math/rand/v2"
)

// dict numbers the distinct texts of a LowCardinality column within one block.
// It is an open-addressing table keyed by bytes. Texts of up to 16 bytes are
// held in the slot itself, so that most look-ups touch one cache line; longer
// ones are held by hash, and compared with the dictionary's own wire bytes.
type dict struct {
	keys    []uint32 // by row: the number of its entry
	entries int
	slots   []slot // a power of two, at most half full
	last    slot   // of the row before: sorted and repeated values are common
	seed    uint64
	long    maphash.Seed
}

// slot is one entry. Up to 16 bytes: w0 and w1 are the text, padded with
// zeros. Longer: w0 is its hash and w1 its offset in the wire bytes.
type slot struct {
	w0, w1 uint64
	n      uint32
	id     uint32 // number of the entry plus one; 0 marks an empty slot
}

const (
	shortText = 16
	slotBytes = 24
	minSlots  = 64
)

func (d *dict) reset() {
	if d.slots == nil {
		d.slots = make([]slot, minSlots)
		d.seed = rand.Uint64() | 1
		d.long = maphash.MakeSeed()
	}
	clear(d.slots)
	d.keys = d.keys[:0]
	d.entries = 0
	d.last = slot{}
}

// words loads a text of up to 16 bytes, byte by byte.
func words(v []byte) (w0, w1 uint64) {
	var b [shortText]byte
	copy(b[:], v)
	return binary.LittleEndian.Uint64(b[:]), binary.LittleEndian.Uint64(b[8:])
}

// find returns the number of the text, which it adds to the wire bytes of the
// entries when it is new.
func (d *dict) find(wire *[]byte, v []byte) uint32 {
	if len(v) > shortText {
		return d.findLong(wire, v)
	}
	w0, w1 := words(v)
	return d.findShort(wire, w0, w1, v)
}

// findShort is find for a text of up to 16 bytes whose words are loaded.
func (d *dict) findShort(wire *[]byte, w0, w1 uint64, v []byte) uint32 {
	n := uint32(len(v))
	if d.last.w0 == w0 && d.last.w1 == w1 && d.last.n == n && d.last.id != 0 {
		return d.last.id - 1
	}
	mask := uint64(len(d.slots) - 1)
	for i := d.mix(w0, w1, n) & mask; ; i = (i + 1) & mask {
		s := &d.slots[i]
		if s.w0 == w0 && s.w1 == w1 && s.n == n && s.id != 0 {
			d.last = *s
			return s.id - 1
		}
		if s.id == 0 {
			return d.insert(wire, slot{w0: w0, w1: w1, n: n}, i, v)
		}
	}
}

func (d *dict) findLong(wire *[]byte, v []byte) uint32 {
	n := uint32(len(v))
	if l := &d.last; l.n == n && bytes.Equal((*wire)[l.w1:][:n], v) {
		return l.id - 1
	}
	h := maphash.Bytes(d.long, v)
	mask := uint64(len(d.slots) - 1)
	for i := d.mix(h, 0, n) & mask; ; i = (i + 1) & mask {
		s := &d.slots[i]
		if s.id == 0 {
			return d.insert(wire, slot{w0: h, n: n}, i, v)
		}
		if s.w0 == h && s.n == n && bytes.Equal((*wire)[s.w1:][:n], v) {
			d.last = *s
			return s.id - 1
		}
	}
}

func (d *dict) mix(w0, w1 uint64, n uint32) uint64 {
	hi, lo := bits.Mul64(w0^d.seed, w1^uint64(n)^0x9E3779B97F4A7C15)
	h := (hi ^ lo) * 0xD6E8FEB86659FD93
	return h ^ h>>32
}

// insert makes s the next entry, at slot i or wherever it belongs after the
// table has grown.
func (d *dict) insert(wire *[]byte, s slot, i uint64, v []byte) uint32 {
	*wire = binary.AppendUvarint(*wire, uint64(len(v)))
	if len(v) > shortText {
		s.w1 = uint64(len(*wire))
	}
	*wire = append(*wire, v...)
	d.entries++
	s.id = uint32(d.entries)
	d.slots[i] = s
	d.last = s
	if d.entries*2 > len(d.slots) {
		d.grow()
	}
	return s.id - 1
}

func (d *dict) grow() {
	old := d.slots
	d.slots = make([]slot, 2*len(old))
	mask := uint64(len(d.slots) - 1)
	for _, s := range old {
		if s.id == 0 {
			continue
		}
		w1 := s.w1
		if s.n > shortText {
			w1 = 0 // the offset does not belong to the hash
		}
		i := d.mix(s.w0, w1, s.n) & mask
		for d.slots[i].id != 0 {
			i = (i + 1) & mask
		}
		d.slots[i] = s
	}
}
