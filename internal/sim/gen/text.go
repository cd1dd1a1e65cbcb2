package gen

import (
	"bytes"
	"strconv"
)

func appendTransaction(b []byte, r *row) []byte {
	b = append(b, `"102`...)
	b = appendHex(b, r.tx[0], 16)
	b = appendHex(b, r.tx[1], 11)
	return append(b, '"')
}

func appendHex(b []byte, v uint64, digits int) []byte {
	for range digits {
		b = append(b, "0123456789abcdef"[v>>60])
		v <<= 4
	}
	return b
}

func appendUUID(b []byte, hi, lo uint64) []byte {
	b = appendHex(b, hi, 8)
	b = append(b, '-')
	b = appendHex(b, hi<<32, 4)
	b = append(b, '-', '4')
	b = appendHex(b, hi<<52, 3)
	b = append(b, '-')
	b = appendHex(b, lo>>2|1<<63, 4)
	b = append(b, '-')
	return appendHex(b, lo<<16, 12)
}

// appendSub writes a sub id without quotes.
func appendSub(b []byte, r *row, at int) []byte {
	switch s := &r.camp.sub[at]; s.kind {
	case subFixed:
		return append(b, s.fixed...)
	case subUUID:
		return appendUUID(b, r.uuid[0], r.uuid[1])
	case subNumber:
		return strconv.AppendUint(b, r.number>>(8*at)%10_000_000, 10)
	default:
		return b
	}
}

func appendCents(b []byte, paid bool, m Money) []byte {
	b = append(b, '"')
	if paid {
		b = strconv.AppendInt(b, int64(m)/100, 10)
		switch frac := int64(m) % 100; {
		case frac == 0:
		case frac%10 == 0:
			b = append(b, '.', byte('0'+frac/10))
		default:
			b = append(b, '.', byte('0'+frac/10), byte('0'+frac%10))
		}
	}
	return append(b, '"')
}

func appendIP(b []byte, r *row) []byte {
	b = append(b, '"')
	if r.v6 {
		b = append(b, "2a00:1028:"...)
		b = strconv.AppendUint(b, uint64(r.ip>>16), 16)
		b = append(b, "::"...)
		b = strconv.AppendUint(b, uint64(r.ip&0xffff), 16)
		return append(b, '"')
	}
	for shift := 24; shift >= 0; shift -= 8 {
		if shift < 24 {
			b = append(b, '.')
		}
		b = strconv.AppendUint(b, uint64(r.ip>>shift&0xff), 10)
	}
	return append(b, '"')
}

func appendAgent(b []byte, r *row) []byte {
	text := r.agent.cell
	if r.noise != breakAgent {
		return append(b, text...)
	}
	// Some proxies fold a long user agent; a log keeps the line break.
	if i := bytes.IndexByte(text, ' '); i > 0 {
		b = append(b, text[:i]...)
		b = append(b, '\n')
		return append(b, text[i:]...)
	}
	return append(b, "\"-\n\""...)
}

func appendRefer(b []byte, r *row) []byte {
	b = append(b, '"')
	if r.refer >= 0 {
		b = append(b, r.camp.refers[r.refer]...)
		if r.dice&7 < 4 {
			b = append(b, "?id="...)
			b = strconv.AppendUint(b, r.number%90_000, 10)
		}
	}
	switch r.noise {
	case quotesRefer:
		b = append(b, `?q=""cheap, loans""&page=`...)
		b = strconv.AppendUint(b, r.number%9, 10)
	case breakRefer:
		b = append(b, "#comment\nreply"...)
	default:
	}
	return append(b, '"')
}

func appendURL(b []byte, r *row) []byte {
	b = append(b, '"')
	b = append(b, r.camp.url...)
	for i := range r.camp.sub {
		if r.camp.sub[i].kind == subEmpty {
			continue
		}
		b = append(b, "&aff_sub"...)
		if i > 0 {
			b = append(b, byte('1'+i))
		}
		b = append(b, '=')
		b = appendSub(b, r, i)
	}
	if r.camp.device {
		b = append(b, "&device="...)
		b = append(b, r.agent.connection[1:len(r.agent.connection)-1]...)
	}
	if r.noise == breakURL {
		b = append(b, "&note=a\nb"...)
	}
	return append(b, '"')
}

func appendAdvertisingID(b []byte, r *row, known bool) []byte {
	b = append(b, '"')
	if known {
		b = appendUUID(b, r.device[0], r.device[1])
	}
	return append(b, '"')
}
