package load

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
	"unicode/utf8"
)

// put appends the wire bytes of a text that is not empty, or nothing and false
// when the type cannot hold exactly what it says. It is the one place that
// decides what is accepted; the fast loops only take short cuts to it.
//
// Digits that begin with a zero are a code rather than a number (a postcode of
// 01067, an account 007), which a number cannot hold. Zeros beyond a scale (1.500 as
// Decimal(9, 2)) are accepted: they change the spelling, not the value.
func (c *column) put(v []byte, k *Clock) bool {
	switch c.kind {
	case kindString:
		if !utf8.Valid(v) {
			return false
		}
		c.data = binary.AppendUvarint(c.data, uint64(len(v)))
		c.data = append(c.data, v...)
		return true
	case kindLow:
		if !utf8.Valid(v) {
			return false
		}
		c.dict.keys = append(c.dict.keys, c.dict.find(&c.data, v))
		return true
	case kindFixed:
		return c.putFixed(v)
	case kindUInt, kindInt:
		n, ok := parseInt(v, c.kind == kindInt, c.max)
		if ok {
			c.appendInt(n)
		}
		return ok
	case kindFloat:
		return c.putFloat(v)
	case kindDecimal:
		return c.putDecimal(v)
	case kindBool:
		b, ok := parseBool(v)
		if ok {
			c.data = append(c.data, b)
		}
		return ok
	case kindDate, kindDate32:
		return c.putDate(v)
	case kindDateTime, kindDateTime64:
		return c.putTime(v, k)
	case kindUUID:
		return c.putUUID(v)
	case kindIPv4:
		ip, ok := parseIPv4(v)
		if ok {
			c.data = binary.LittleEndian.AppendUint32(c.data, ip)
		}
		return ok
	case kindIPv6:
		ip, ok := parseIPv6(v)
		if ok {
			c.data = append(c.data, ip[:]...)
		}
		return ok
	case kindEnum:
		n, ok := c.enum[string(v)]
		if ok {
			c.appendInt(n)
		}
		return ok
	}
	return false
}

// putFixed pads with zero bytes, as ClickHouse does; a text that ends in one
// could not be told from its padding.
func (c *column) putFixed(v []byte) bool {
	if len(v) > c.width || len(v) < c.width && v[len(v)-1] == 0 || !utf8.Valid(v) {
		return false
	}
	c.data = append(c.data, v...)
	for range c.width - len(v) {
		c.data = append(c.data, 0)
	}
	return true
}

// parseInt reads decimal digits, with a minus where signed. largest is the
// type's largest value; below zero one more is allowed. The result is in two's
// complement.
func parseInt(v []byte, signed bool, largest uint64) (uint64, bool) {
	negative := signed && len(v) > 1 && v[0] == '-'
	if negative {
		v = v[1:]
		largest++
	}
	n, ok := parseDigits(v)
	if !ok || n > largest || padded(v) {
		return 0, false
	}
	if negative {
		n = -n
	}
	return n, true
}

// padded reports whether digits, without their sign, begin with a zero that the
// number would lose.
func padded(v []byte) bool {
	return len(v) > 1 && v[0] == '0' && v[1]-'0' <= 9 //guard:leading-zero
}

// parseDigits reads one or more digits into 64 bits.
func parseDigits(v []byte) (uint64, bool) {
	if len(v) == 0 {
		return 0, false
	}
	var n uint64
	for _, d := range v {
		d -= '0'
		if d > 9 {
			return 0, false
		}
		hi, lo := bits.Mul64(n, 10)
		sum, carry := bits.Add64(lo, uint64(d), 0)
		if hi != 0 || carry != 0 {
			return 0, false
		}
		n = sum
	}
	return n, true
}

// putFloat takes decimal notation with or without an exponent. The nearest
// number that the type can hold is what a float means by its text; infinity
// and NaN, hexadecimal and a leading plus are refused.
func (c *column) putFloat(v []byte) bool {
	for i, b := range v {
		switch {
		case b >= '0' && b <= '9', b == '.', b == 'e', b == 'E', b == '-':
		case b == '+' && i > 0:
		default:
			return false
		}
	}
	f, err := strconv.ParseFloat(string(v), c.width*8)
	if err != nil || padded(bytes.TrimPrefix(v, []byte{'-'})) {
		return false
	}
	if c.width == 4 {
		c.data = binary.LittleEndian.AppendUint32(c.data, math.Float32bits(float32(f)))
	} else {
		c.data = binary.LittleEndian.AppendUint64(c.data, math.Float64bits(f))
	}
	return true
}

// putDecimal takes digits with an optional minus and point, at least one digit
// after a point.
func (c *column) putDecimal(v []byte) bool {
	negative := v[0] == '-'
	if negative {
		v = v[1:]
	}
	if padded(v) {
		return false
	}
	var hi, lo uint64
	point, digits := -1, 0
	for i, b := range v {
		if b == '.' && point < 0 {
			point = i
			continue
		}
		d := b - '0'
		if d > 9 {
			return false
		}
		digits++
		if point >= 0 && i-point > c.scale {
			if d != 0 {
				return false
			}
			continue
		}
		var ok bool
		if hi, lo, ok = times10(hi, lo, uint64(d)); !ok {
			return false
		}
	}
	if digits == 0 || point == len(v)-1 {
		return false
	}
	decimals := 0
	if point >= 0 {
		decimals = min(len(v)-1-point, c.scale)
	}
	for range c.scale - decimals {
		var ok bool
		if hi, lo, ok = times10(hi, lo, 0); !ok {
			return false
		}
	}
	if hi > c.limit[0] || hi == c.limit[0] && lo >= c.limit[1] {
		return false
	}
	if negative {
		var borrow uint64
		lo, borrow = bits.Sub64(0, lo, 0)
		hi, _ = bits.Sub64(0, hi, borrow)
	}
	if c.width < 16 {
		c.appendInt(lo)
		return true
	}
	c.data = binary.LittleEndian.AppendUint64(c.data, lo)
	c.data = binary.LittleEndian.AppendUint64(c.data, hi)
	return true
}

// times10 returns n×10+d of a number of 127 bits, and false when it no longer fits.
func times10(hi, lo, d uint64) (uint64, uint64, bool) {
	over, high := bits.Mul64(hi, 10)
	carry, low := bits.Mul64(lo, 10)
	low, c1 := bits.Add64(low, d, 0)
	high, c2 := bits.Add64(high, carry, c1)
	return high, low, over == 0 && c2 == 0 && high < 1<<63
}

func pow10(n int) [2]uint64 {
	var hi, lo uint64 = 0, 1
	for range n {
		hi, lo, _ = times10(hi, lo, 0)
	}
	return [2]uint64{hi, lo}
}

func parseBool(v []byte) (byte, bool) {
	switch string(v) {
	case "1", "true":
		return 1, true
	case "0", "false":
		return 0, true
	}
	return 0, false
}
