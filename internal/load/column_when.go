package load

import (
	"bytes"
	"strconv"
)

// respellDate takes YYYY/MM/DD, a time at midnight, and the zero date of MySQL, which is
// no date.
func (c *column) respellDate(v []byte, k *Clock) fit {
	if isZeroDate(v) {
		return absent
	}
	day, rest, ok := cutDay(v)
	if !ok || len(rest) > 0 && len(bytes.Trim(rest[1:], "0:.")) > 0 || len(rest) > 0 && rest[0] != ' ' && rest[0] != 'T' {
		return misfit
	}
	return c.putAs(exact, day[:], k)
}

// respellTime takes the other spellings of a time: T for the blank, slashes in the date,
// a fraction, no seconds, a zone or offset behind it, digits alone (YYYYMMDDHHMMSS, or
// seconds or milliseconds since 1970), and the zero date of MySQL, which is not a time. What
// the type does not hold of it, a fraction or that seconds are not known, makes it near.
func (c *column) respellTime(v []byte, k *Clock) fit {
	if isZeroDate(v) { //guard:zero-date
		return absent
	}
	t, fraction, f := k.spelled(v)
	if f == misfit {
		return misfit
	}
	fraction = bytes.TrimRight(fraction, "0")
	if c.kind == kindDateTime {
		if t < 0 || t > 1<<32-1 {
			return misfit
		}
		c.appendInt(uint64(t))
		if len(fraction) > 0 {
			f = near
		}
		return f
	}
	if len(fraction) > c.scale {
		fraction, f = fraction[:c.scale], near
	}
	for i := range c.scale {
		if t > (1<<63-10)/10 || t < -(1<<63-10)/10 {
			return misfit
		}
		t *= 10
		if i < len(fraction) {
			t += int64(fraction[i] - '0')
		}
	}
	c.appendInt(uint64(t))
	return f
}

func isZeroDate(v []byte) bool {
	return bytes.HasPrefix(v, []byte("0000-00-00")) && len(bytes.Trim(v[10:], "0:. T")) == 0
}

// cutDay cuts YYYY-MM-DD or YYYY/MM/DD off a text, and gives it hyphens.
func cutDay(v []byte) (day [10]byte, rest []byte, ok bool) {
	if len(v) < 10 || v[4] != v[7] || v[4] != '-' && v[4] != '/' {
		return day, nil, false
	}
	copy(day[:], v)
	day[4], day[7] = '-', '-'
	return day, v[10:], true
}

// spelled reads a time that instant does not: its second, and the digits of a fraction.
func (k *Clock) spelled(v []byte) (t int64, fraction []byte, f fit) {
	whole, fraction, _ := bytes.Cut(v, []byte{'.'})
	if allDigits(whole) && allDigits(fraction) {
		return k.digits(whole, fraction)
	}
	day, rest, ok := cutDay(v)
	if !ok || len(rest) < len(" 15:04") || rest[0] != ' ' && rest[0] != 'T' && rest[0] != 't' {
		return 0, nil, misfit
	}
	var text [len("2006-01-02 15:04:05")]byte
	copy(text[:], day[:])
	text[10] = ' '
	copy(text[11:], rest[1:6])
	copy(text[16:], ":00")
	rest, f = rest[6:], near // the second is not known
	if len(rest) >= 3 && rest[0] == ':' {
		copy(text[16:], rest[:3])
		rest, f = rest[3:], exact
		fraction = nil
		if len(rest) > 1 && (rest[0] == '.' || rest[0] == ',') {
			n := 1
			for n < len(rest) && rest[n]-'0' <= 9 {
				n++
			}
			fraction, rest = rest[1:n], rest[n:]
			if n == 1 {
				return 0, nil, misfit
			}
		}
	} else {
		fraction = nil
	}
	rest = bytes.TrimLeft(rest, " ")
	if len(rest) == 0 {
		if t, ok = k.instant(text[:]); !ok {
			return 0, nil, misfit
		}
		return t, fraction, f
	}
	offset, ok := parseOffset(rest)
	t, ok2 := utcClock().instant(text[:])
	if !ok || !ok2 {
		return 0, nil, misfit
	}
	return t - offset, fraction, f //guard:offset-applied
}

func utcClock() *Clock { return &Clock{utc: true} }

// digits reads a time of digits alone. Ten digits that begin with a date (2016090909, an
// hour) would be a time of 2033 as seconds, so they are neither.
func (k *Clock) digits(v, fraction []byte) (int64, []byte, fit) {
	if len(v) < 10 || v[0] == '0' || len(v) != 10 && len(fraction) > 0 {
		return 0, nil, misfit
	}
	switch len(v) {
	case 10:
		if _, ok := parseDay(dayOf(v)); ok { //guard:epoch-or-date
			return 0, nil, misfit
		}
	case 13:
		v, fraction = v[:10], v[10:]
	case 14:
		text := append(dayOf(v), ' ', v[8], v[9], ':', v[10], v[11], ':', v[12], v[13])
		t, ok := k.instant(text)
		if !ok {
			return 0, nil, misfit
		}
		return t, nil, exact
	default:
		return 0, nil, misfit
	}
	t, err := strconv.ParseInt(string(v), 10, 64)
	if err != nil {
		return 0, nil, misfit
	}
	return t, fraction, exact
}

// dayOf spells YYYYMMDD… with hyphens.
func dayOf(v []byte) []byte {
	return append(make([]byte, 0, 19), v[0], v[1], v[2], v[3], '-', v[4], v[5], '-', v[6], v[7])
}

// parseOffset reads Z, UTC, GMT, +02:00, +0200 and +02 as seconds east of Greenwich.
func parseOffset(v []byte) (int64, bool) {
	switch string(bytes.ToUpper(v)) {
	case "Z", "UTC", "GMT":
		return 0, true
	}
	digits := v[1:]
	if len(digits) == 5 && digits[2] == ':' {
		digits = []byte{digits[0], digits[1], digits[3], digits[4]}
	}
	if len(digits) == 2 {
		digits = []byte{digits[0], digits[1], '0', '0'}
	}
	if len(digits) != 4 || v[0] != '+' && v[0] != '-' {
		return 0, false
	}
	h, ok1 := twoDigits(digits[0], digits[1])
	m, ok2 := twoDigits(digits[2], digits[3])
	if !ok1 || !ok2 || h > 14 || m > 59 {
		return 0, false
	}
	east := int64(h)*3600 + int64(m)*60
	if v[0] == '-' {
		return -east, true
	}
	return east, true
}
