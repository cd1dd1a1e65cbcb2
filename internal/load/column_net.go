package load

// putUUID takes the 36-character form, in either case. On the wire each half
// of a UUID is a little-endian number.
func (c *column) putUUID(v []byte) bool {
	if len(v) != 36 || v[8] != '-' || v[13] != '-' || v[18] != '-' || v[23] != '-' {
		return false
	}
	var id [16]byte
	n := 0
	for i := 0; i < len(v); {
		if v[i] == '-' && (i == 8 || i == 13 || i == 18 || i == 23) {
			i++
			continue
		}
		high, low := hexDigit(v[i]), hexDigit(v[i+1])
		if high|low > 15 {
			return false
		}
		id[n^7] = high<<4 | low
		n++
		i += 2
	}
	c.data = append(c.data, id[:]...)
	return true
}

// hexDigit returns 255 for any byte that is not a hexadecimal digit.
func hexDigit(b byte) byte {
	switch {
	case b >= '0' && b <= '9':
		return b - '0'
	case b >= 'a' && b <= 'f':
		return b - 'a' + 10
	case b >= 'A' && b <= 'F':
		return b - 'A' + 10
	}
	return 255
}

// parseIPv4 takes four numbers of 0 to 255. A leading zero is refused: some
// programs read it as octal.
func parseIPv4(v []byte) (uint32, bool) {
	if len(v) < 7 || len(v) > 15 {
		return 0, false
	}
	var ip, part uint32
	digits, dots := 0, 0
	for _, b := range v {
		if b == '.' {
			if digits == 0 || dots == 3 {
				return 0, false
			}
			ip = ip<<8 | part
			part, digits = 0, 0
			dots++
			continue
		}
		d := uint32(b - '0')
		if d > 9 || digits > 0 && part == 0 {
			return 0, false
		}
		part = part*10 + d
		digits++
		if part > 255 {
			return 0, false
		}
	}
	return ip<<8 | part, dots == 3 && digits > 0
}

// hexGroup reads the hexadecimal digits that v begins with, up to one too many.
func hexGroup(v []byte) (group uint32, digits int) {
	for digits < len(v) && digits <= 4 {
		d := hexDigit(v[digits])
		if d > 15 {
			break
		}
		group = group<<4 | uint32(d)
		digits++
	}
	return group, digits
}

// parseIPv6 takes an IPv6 address without a zone, or an IPv4 address, which is
// mapped to ::ffff:a.b.c.d.
func parseIPv6(v []byte) (ip [16]byte, ok bool) {
	if v4, ok := parseIPv4(v); ok {
		ip[10], ip[11] = 0xff, 0xff
		ip[12], ip[13], ip[14], ip[15] = byte(v4>>24), byte(v4>>16), byte(v4>>8), byte(v4)
		return ip, true
	}
	gap := -1 // where :: stands, in bytes
	n := 0
	if len(v) >= 2 && v[0] == ':' && v[1] == ':' {
		gap = 0
		v = v[2:]
	}
	for len(v) > 0 && n < 16 {
		group, digits := hexGroup(v)
		if digits == 0 || digits > 4 {
			return ip, false
		}
		if digits < len(v) && v[digits] == '.' { // the last four bytes as IPv4
			v4, ok := parseIPv4(v)
			if !ok || n > 12 || gap < 0 && n != 12 {
				return ip, false
			}
			ip[n], ip[n+1], ip[n+2], ip[n+3] = byte(v4>>24), byte(v4>>16), byte(v4>>8), byte(v4)
			n += 4
			v = nil
			break
		}
		ip[n], ip[n+1] = byte(group>>8), byte(group)
		n += 2
		v = v[digits:]
		if len(v) == 0 {
			break
		}
		if v[0] != ':' || len(v) == 1 {
			return ip, false
		}
		v = v[1:]
		if v[0] == ':' {
			if gap >= 0 {
				return ip, false
			}
			gap = n
			v = v[1:]
		}
	}
	if len(v) > 0 || gap < 0 && n < 16 || gap >= 0 && n == 16 {
		return ip, false
	}
	if gap >= 0 {
		tail := n - gap
		copy(ip[16-tail:], ip[gap:n])
		clear(ip[gap : 16-tail])
	}
	return ip, true
}
