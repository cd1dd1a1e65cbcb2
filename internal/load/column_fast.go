package load

import (
	"encoding/binary"

	"rawlogs/internal/records"
)

// take appends field f of every record of a batch, and adds those that do not
// fit exactly to fails. The common kinds have loops of their own, without a call for
// each value; what is unusual in them goes through add, like everything else.
func (c *column) take(b *Batch, f int, fails []fail) []fail {
	if !c.nullable || c.kind == kindLow {
		switch c.kind {
		case kindString:
			if b.Valid {
				return c.takeStrings(b, f, fails)
			}
		case kindLow:
			if b.Valid {
				return c.takeLow(b, f, fails)
			}
		case kindUInt, kindInt:
			return c.takeInts(b, f, fails, 1)
		case kindDecimal:
			if c.width <= 8 {
				return c.takeInts(b, f, fails, pow10(c.scale)[1])
			}
		case kindDateTime:
			return c.takeTimes(b, f, fails)
		}
	}
	for r := range b.Rows {
		fails = c.takeOne(b, r, f, fails)
	}
	return fails
}

func (c *column) takeOne(b *Batch, r, f int, fails []fail) []fail {
	var v []byte
	v, c.scratch = b.Value(r, f, c.scratch)
	if how := c.add(v, b.Clock); how != exact {
		fails = append(fails, fail{int32(r), int32(f), how})
	}
	return fails
}

// reserve returns the value bytes with room for n more and the slack behind
// them; the caller cuts them to what it wrote.
func (c *column) reserve(n int) []byte {
	need := len(c.data) + n + wireSlack
	if need > cap(c.data) {
		grown := make([]byte, len(c.data), max(need, 2*cap(c.data)))
		copy(grown, c.data)
		c.data = grown
	}
	return c.data[:cap(c.data)]
}

// takeStrings copies 32 bytes for every text no longer than that, whatever its
// length: the surplus is overwritten by the next value.
func (c *column) takeStrings(b *Batch, f int, fails []fail) []fail {
	text, fields, width := b.Text, b.Fields, b.Width
	at := len(c.data)
	buf := c.reserve(0)
	for r, i := 0, f; r < b.Rows; r, i = r+1, i+width {
		s := fields[i]
		off, n := int(s.Off), int(s.Len)
		if n <= wireSlack && off+wireSlack <= len(text) && at+1+wireSlack <= len(buf) {
			buf[at] = byte(n)
			*(*[wireSlack]byte)(buf[at+1:]) = *(*[wireSlack]byte)(text[off:])
			at += 1 + n
			continue
		}
		c.data = buf[:at]
		if n < records.Doubled {
			buf = c.reserve(n + binary.MaxVarintLen32)
			if n < 0x80 {
				buf[at] = byte(n)
				at++
			} else {
				at += binary.PutUvarint(buf[at:], uint64(n))
			}
			at += copy(buf[at:], text[off:off+n])
			continue
		}
		c.rows-- // takeOne counts it, and so does the end
		fails = c.takeOne(b, r, f, fails)
		at = len(c.data)
		buf = c.reserve(0)
	}
	c.data = buf[:at]
	c.rows += b.Rows
	return fails
}

// masks keep the first n bytes of a text's first and second word.
var lowMasks, highMasks = func() (lo, hi [shortText + 1]uint64) {
	for n := range lo {
		if n < 8 {
			lo[n] = 1<<(8*n) - 1
		} else {
			lo[n] = 1<<64 - 1
			hi[n] = 1<<(8*(n-8)) - 1
		}
	}
	hi[shortText] = 1<<64 - 1
	return lo, hi
}()

func (c *column) takeLow(b *Batch, f int, fails []fail) []fail {
	text, fields, width := b.Text, b.Fields, b.Width
	d := &c.dict
	for r, i := 0, f; r < b.Rows; r, i = r+1, i+width {
		s := fields[i]
		off, n := int(s.Off), int(s.Len)
		var id uint32
		switch {
		case n <= shortText && off+shortText <= len(text):
			w0 := binary.LittleEndian.Uint64(text[off:]) & lowMasks[n]
			w1 := binary.LittleEndian.Uint64(text[off+8:]) & highMasks[n]
			if w0 == d.last.w0 && w1 == d.last.w1 && uint32(n) == d.last.n && d.last.id != 0 {
				id = d.last.id - 1
			} else {
				id = d.findShort(&c.data, w0, w1, text[off:off+n])
			}
		case n < records.Doubled:
			id = d.find(&c.data, text[off:off+n])
		default:
			var v []byte
			v, c.scratch = b.Value(r, f, c.scratch)
			id = d.find(&c.data, v)
		}
		d.keys = append(d.keys, id)
	}
	c.rows += b.Rows
	return fails
}

// takeInts reads up to eight digits at once. unit is what a whole number is
// multiplied by: 1, or ten to the scale of a Decimal.
func (c *column) takeInts(b *Batch, f int, fails []fail, unit uint64) []fail {
	text, fields, width := b.Text, b.Fields, b.Width
	at := len(c.data)
	buf := c.reserve(b.Rows * c.width)
	limit := c.max
	if c.kind == kindDecimal {
		limit = pow10(c.precision)[1]/unit - 1
	}
	for r, i := 0, f; r < b.Rows; r, i = r+1, i+width {
		s := fields[i]
		off, n := int(s.Off), int(s.Len)
		if n <= 8 && off+8 <= len(text) && (n <= 1 || text[off] != '0') { //guard:leading-zero-fast
			// An empty text leaves eight zeros, which is the default too.
			w := binary.LittleEndian.Uint64(text[off:])<<(64-8*n) | 0x3030303030303030>>(8*n)
			if v, ok := eightDigits(w); ok && v <= limit {
				v *= unit
				switch c.width {
				case 1:
					buf[at] = byte(v)
				case 2:
					binary.LittleEndian.PutUint16(buf[at:], uint16(v))
				case 4:
					binary.LittleEndian.PutUint32(buf[at:], uint32(v))
				default:
					binary.LittleEndian.PutUint64(buf[at:], v)
				}
				at += c.width
				continue
			}
		}
		c.data = buf[:at]
		c.rows--
		fails = c.takeOne(b, r, f, fails)
		at = len(c.data)
	}
	c.data = buf[:at]
	c.rows += b.Rows
	return fails
}

// eightDigits reads a word of eight ASCII digits, the first in the lowest byte.
func eightDigits(w uint64) (uint64, bool) {
	if w&0xF0F0F0F0F0F0F0F0|(w+0x0606060606060606)&0xF0F0F0F0F0F0F0F0>>4 != 0x3333333333333333 {
		return 0, false
	}
	w = w & 0x0F0F0F0F0F0F0F0F * 2561 >> 8
	w = w & 0x00FF00FF00FF00FF * 6553601 >> 16
	return w & 0x0000FFFF0000FFFF * 42949672960001 >> 32, true
}

func (c *column) takeTimes(b *Batch, f int, fails []fail) []fail {
	text, fields, width, k := b.Text, b.Fields, b.Width, b.Clock
	at := len(c.data)
	buf := c.reserve(b.Rows * 4)
	for r, i := 0, f; r < b.Rows; r, i = r+1, i+width {
		s := fields[i]
		if s.Len == 19 {
			v := text[s.Off:][:19]
			if binary.LittleEndian.Uint64(v) == k.key0 && binary.LittleEndian.Uint64(v[5:]) == k.key1 {
				within, ok := minuteSecond(binary.LittleEndian.Uint64(v[11:]))
				if t := k.start + within; ok && uint64(t) < 1<<32 {
					binary.LittleEndian.PutUint32(buf[at:], uint32(t))
					at += 4
					continue
				}
			}
		}
		c.data = buf[:at]
		c.rows--
		fails = c.takeOne(b, r, f, fails)
		at = len(c.data)
	}
	c.data = buf[:at]
	c.rows += b.Rows
	return fails
}
