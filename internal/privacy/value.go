package privacy

import (
	"bytes"
	"encoding/hex"
	"net/netip"
)

// replace appends what becomes of a value. One that should be cut and is not an address is
// dropped, as nothing says which part of it is harmless.
func (p *Policy) replace(to, v []byte, action Action, address bool) []byte {
	v = bytes.TrimSpace(v)
	if len(v) == 0 {
		return to
	}
	switch action {
	case Keep:
		return append(to, v...)
	case Hash:
		return p.hash(to, v, address)
	case Truncate:
		if ip, ok := parse(v); ok {
			return network(ip).AppendTo(to)
		}
	case Drop:
	}
	return to
}

// parse reads an address; IPv4 in the clothes of IPv6 is IPv4.
func parse(v []byte) (netip.Addr, bool) {
	if !mayBeAddress(v) {
		return netip.Addr{}, false
	}
	ip, err := netip.ParseAddr(string(v))
	return ip.Unmap().WithZone(""), err == nil
}

// mayBeAddress rules out most texts cheaply: the parser allocates an error for each one that
// it rejects. An address has three dots, or at least two colons.
func mayBeAddress(v []byte) bool {
	points, colons := 0, 0
	for _, c := range v {
		switch {
		case c == '.':
			points++
		case c == ':':
			colons++
		case c == '%' && colons > 1:
			return true // a zone, whose name may be anything
		case (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F'):
			return false
		}
	}
	return points == 3 || colons > 1
}

// network is the first address of the network that an address is in.
func network(ip netip.Addr) netip.Addr {
	bits := 48
	if ip.Is4() {
		bits = 24
	}
	return netip.PrefixFrom(ip, bits).Masked().Addr()
}

// hash appends a keyed hash: 32 hexadecimal digits, or an address of fd00::/8, which is
// nobody's, where the column holds addresses. Equal values have equal hashes in all columns
// of a kind; an address has one, however it is written.
func (p *Policy) hash(to, v []byte, address bool) []byte {
	if ip, ok := parse(v); ok {
		v = []byte(ip.String())
	} else if address { // what the column could not hold would be rescued
		return to
	}
	sum := p.sum(v)[:16]
	if !address {
		return hex.AppendEncode(to, sum)
	}
	sum[0] = 0xfd
	return netip.AddrFrom16([16]byte(sum)).AppendTo(to)
}
