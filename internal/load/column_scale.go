package load

// takeScaled is take for a field in another unit than the column's: each text is
// multiplied by ten to the scale, by moving its decimal point, so that nothing is lost.
func (c *column) takeScaled(b *Batch, f, scale int, fails []fail) []fail {
	var room [64]byte
	for r := range b.Rows {
		var v []byte
		v, c.scratch = b.Value(r, f, c.scratch)
		if len(v) == 0 {
			c.zeros(1)
			continue
		}
		moved, ok := movePoint(room[:0], v, scale) //guard:alias-scale
		if !ok {
			c.zeros(1)
		}
		if !ok || !c.add(moved, b.Clock) {
			fails = append(fails, fail{int32(r), int32(f)})
		}
	}
	return fails
}

// movePoint appends a decimal number times ten to the scale to out: 1.5 by 2 is 150,
// 0.001 is 0.1. It returns false for a text that is not a plain decimal number.
func movePoint(out, v []byte, scale int) ([]byte, bool) {
	if len(v) > 0 && v[0] == '-' {
		out = append(out, '-')
		v = v[1:]
	}
	if padded(v) {
		return nil, false
	}
	whole, digits, places := len(v), 0, -1
	for i, b := range v {
		switch {
		case b == '.' && places < 0:
			whole, places = i, len(v)-i-1
		case b-'0' <= 9:
			digits++
		default:
			return nil, false
		}
	}
	if digits == 0 || places == 0 {
		return nil, false
	}
	begin := len(out)
	out = append(out, v[:whole]...)
	fraction := v[min(len(v), whole+1):]
	for range scale {
		d := byte('0')
		if len(fraction) > 0 {
			d, fraction = fraction[0], fraction[1:]
		}
		out = append(out, d)
	}
	zeros := 0
	for zeros < len(out)-begin-1 && out[begin+zeros] == '0' {
		zeros++
	}
	out = append(out[:begin], out[begin+zeros:]...)
	if len(fraction) > 0 {
		out = append(append(out, '.'), fraction...)
	}
	return out, true
}
