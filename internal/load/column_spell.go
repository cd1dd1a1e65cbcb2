package load

import "bytes"

// fit is how well a column holds what a text says.
type fit uint8

const (
	exact  fit = iota
	near       // it holds the nearest that it can; the text is kept as well
	misfit     // it holds the default; the text is kept
	absent     // it holds the default, as the text says that there is no value
)

// respell appends the wire bytes of a text that put refused, where it is another
// spelling of something that the type holds, or nearly holds; otherwise nothing.
// docs/columns.md lists what is read. An ambiguous text (1,234, NULL, 01/02/2016) is a
// misfit: a wrong value is worse than none.
func (c *column) respell(v []byte, k *Clock) fit {
	switch c.kind {
	case kindString, kindLow:
		// The bytes that are not UTF-8 are kept beside it.
		return c.putAs(near, bytes.ToValidUTF8(v, []byte("\uFFFD")), k) //guard:not-utf8
	case kindFixed:
		return misfit
	}
	v = bytes.TrimSpace(v)
	if saysNothing(v) {
		return absent
	}
	switch c.kind {
	case kindUInt, kindInt, kindFloat, kindDecimal:
		return c.putNumber(v, 0, k)
	case kindBool:
		return c.putAs(exact, bytes.ToLower(v), k)
	case kindDate, kindDate32:
		return c.respellDate(v, k)
	case kindDateTime, kindDateTime64:
		return c.respellTime(v, k)
	}
	return c.putAs(exact, v, k)
}

// putAs is put of a spelling that fits so well.
func (c *column) putAs(f fit, v []byte, k *Clock) fit {
	if len(v) == 0 || !c.put(v, k) {
		return misfit
	}
	return f
}

// saysNothing reports whether a text without blanks around it says that there is no
// value: it is empty, or MySQL's mark for NULL.
func saysNothing(v []byte) bool { return len(v) == 0 || string(v) == `\N` } //guard:mysql-null

// putNumber takes a number times ten to the shift. It may have blanks around it, a plus,
// zeros or nothing after its point, and for a Decimal digits beyond the scale, which are
// rounded half to even, or an exponent. Integers take no exponent: the ids that a
// spreadsheet wrote as 1.23457E+12 have lost digits.
func (c *column) putNumber(v []byte, shift int, k *Clock) fit {
	if v = bytes.TrimSpace(v); saysNothing(v) {
		return absent
	}
	var room [96]byte
	text, exponent, ok := plainNumber(room[:0], v, shift)
	if !ok {
		return misfit
	}
	switch c.kind {
	case kindUInt, kindInt:
		whole, rest := roundNumber(text, 0)
		if rest || exponent {
			return misfit
		}
		return c.putAs(exact, whole, k)
	case kindDecimal:
		rounded, rest := roundNumber(text, c.scale) //guard:half-even
		if rest || exponent {
			return c.putAs(near, rounded, k)
		}
		return c.putAs(exact, rounded, k)
	case kindFloat:
		if shift == 0 && exponent {
			return misfit // put has refused it
		}
	}
	return c.putAs(exact, text, k)
}

// maxExponent is beyond any type's digits, and bounds the zeros that are written.
const maxExponent = 64

// plainNumber appends v times ten to the shift to out as plain digits, with a point where
// there are decimals: " +1.5" by 2 is 150, "1e-3" by 0 is 0.001. exponent reports whether
// v had one.
func plainNumber(out, v []byte, shift int) (text []byte, exponent, ok bool) {
	if v[0] == '-' || v[0] == '+' {
		if v[0] == '-' {
			out = append(out, '-')
		}
		v = v[1:]
	}
	mantissa := v
	if i := bytes.IndexAny(v, "eE"); i >= 0 {
		n, ok := smallInt(v[i+1:])
		if !ok || n > maxExponent || n < -maxExponent {
			return nil, true, false
		}
		mantissa, shift, exponent = v[:i], shift+n, true
	}
	whole, fraction, _ := bytes.Cut(mantissa, []byte{'.'})
	if padded(whole) || len(whole)+len(fraction) == 0 || !allDigits(whole) || !allDigits(fraction) {
		return nil, exponent, false
	}
	// All digits, and how many of them stand before the point.
	digits := make([]byte, 0, 128)
	digits = append(append(digits, whole...), fraction...)
	point := len(whole) + shift
	for point > len(digits) {
		digits = append(digits, '0')
	}
	begin := len(out)
	for i := range digits {
		if i < point && (digits[i] != '0' || len(out) > begin || i == point-1) {
			out = append(out, digits[i])
		}
	}
	if point <= 0 {
		out = append(out, '0')
	}
	if point < len(digits) {
		out = append(out, '.')
		for i := point; i < 0; i++ {
			out = append(out, '0')
		}
		out = append(out, digits[max(point, 0):]...)
	}
	return out, exponent, true
}

// roundNumber cuts a plain number to so many decimals, half to even, and reports whether
// that took anything but zeros away.
func roundNumber(text []byte, decimals int) (rounded []byte, rest bool) {
	point := bytes.IndexByte(text, '.')
	if point < 0 {
		return text, false
	}
	end := point + 1 + decimals
	if decimals == 0 {
		end = point
	}
	if end >= len(text) {
		return text, false
	}
	tail := text[max(end, point+1):]
	kept := text[:end]
	if len(bytes.TrimLeft(tail, "0")) == 0 {
		return kept, false
	}
	last := kept[len(kept)-1]
	up := tail[0] > '5' || tail[0] == '5' && (len(bytes.TrimRight(tail[1:], "0")) > 0 || (last-'0')%2 == 1)
	if !up {
		return kept, true
	}
	for i := len(kept) - 1; ; i-- {
		switch {
		case i < 0 || kept[i] == '-':
			return append(append(append([]byte(nil), kept[:i+1]...), '1'), kept[i+1:]...), true
		case kept[i] == '9':
			kept[i] = '0'
		case kept[i] != '.':
			kept[i]++
			return kept, true
		}
	}
}

func smallInt(v []byte) (int, bool) {
	negative := len(v) > 0 && v[0] == '-'
	if len(v) > 0 && (v[0] == '-' || v[0] == '+') {
		v = v[1:]
	}
	n, ok := parseDigits(v)
	if !ok || n > 1000 {
		return 0, false
	}
	if negative {
		return -int(n), true
	}
	return int(n), true
}

func allDigits(v []byte) bool {
	for _, d := range v {
		if d-'0' > 9 {
			return false
		}
	}
	return true
}
