package load

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"
)

// kind is the way in which a column's text becomes wire bytes.
type kind uint8

const (
	kindString kind = iota + 1
	kindFixed
	kindLow // LowCardinality(String)
	kindUInt
	kindInt
	kindFloat
	kindDecimal
	kindBool
	kindDate
	kindDate32
	kindDateTime
	kindDateTime64
	kindUUID
	kindIPv4
	kindIPv6
	kindEnum
)

// typeSpec is a ClickHouse type taken apart.
type typeSpec struct {
	kind      kind
	width     int // bytes of a value on the wire; 0 where it varies
	nullable  bool
	precision int       // of a Decimal
	scale     int       // of a Decimal or DateTime64
	max       uint64    // largest value of an integer
	limit     [2]uint64 // of a Decimal: ten to the precision, high word first
	enum      map[string]uint64
	zero      []byte // wire bytes of the type's default
}

// days1900 is 1900-01-01 in days since 1970: the default of Date32 is its first
// day, where that of Date is 1970-01-01.
var days1900 = binary.LittleEndian.AppendUint32(nil, 1<<32-25567)

// parseType takes a type name of system.columns apart; false where columns of
// that type cannot be filled from text.
func parseType(name string) (typeSpec, bool) {
	s, ok := parseBase(name)
	if ok && s.zero == nil {
		s.zero = make([]byte, max(s.width, 1))
	}
	return s, ok
}

func parseBase(name string) (typeSpec, bool) {
	base, args := name, ""
	if i := strings.IndexByte(name, '('); i > 0 && strings.HasSuffix(name, ")") {
		base, args = name[:i], name[i+1:len(name)-1]
	}
	switch base {
	case "Nullable":
		s, ok := parseBase(args)
		ok = ok && !s.nullable && s.kind != kindLow
		s.nullable = true
		return s, ok
	case "LowCardinality":
		return typeSpec{kind: kindLow, nullable: args == "Nullable(String)"}, args == "String" || args == "Nullable(String)"
	case "FixedString":
		n, err := strconv.Atoi(args)
		return typeSpec{kind: kindFixed, width: n}, err == nil && n > 0 && n <= 1<<16
	case "Decimal":
		return parseDecimal(args)
	case "DateTime":
		return typeSpec{kind: kindDateTime, width: 4}, true
	case "DateTime64":
		p, _, _ := strings.Cut(args, ",")
		n, err := strconv.Atoi(p)
		return typeSpec{kind: kindDateTime64, width: 8, scale: n}, err == nil && n >= 0 && n <= 9
	case "Enum8":
		return parseEnum(args, 1)
	case "Enum16":
		return parseEnum(args, 2)
	}
	if args != "" {
		return typeSpec{}, false
	}
	switch base {
	case "String":
		return typeSpec{kind: kindString}, true
	case "UInt8", "UInt16", "UInt32", "UInt64":
		bits, _ := strconv.Atoi(base[4:])
		return typeSpec{kind: kindUInt, width: bits / 8, max: math.MaxUint64 >> (64 - bits)}, true //guard:number-range
	case "Int8", "Int16", "Int32", "Int64":
		bits, _ := strconv.Atoi(base[3:])
		return typeSpec{kind: kindInt, width: bits / 8, max: math.MaxUint64 >> (65 - bits)}, true
	case "Float32":
		return typeSpec{kind: kindFloat, width: 4}, true
	case "Float64":
		return typeSpec{kind: kindFloat, width: 8}, true
	case "Bool":
		return typeSpec{kind: kindBool, width: 1}, true
	case "Date":
		return typeSpec{kind: kindDate, width: 2}, true
	case "Date32":
		return typeSpec{kind: kindDate32, width: 4, zero: days1900}, true
	case "UUID":
		return typeSpec{kind: kindUUID, width: 16}, true
	case "IPv4":
		return typeSpec{kind: kindIPv4, width: 4}, true
	case "IPv6":
		return typeSpec{kind: kindIPv6, width: 16}, true
	}
	return typeSpec{}, false
}

func parseDecimal(args string) (typeSpec, bool) {
	p, s, ok := strings.Cut(args, ",")
	precision, err1 := strconv.Atoi(p)
	scale, err2 := strconv.Atoi(strings.TrimSpace(s))
	if !ok || err1 != nil || err2 != nil || precision < 1 || scale < 0 || scale > precision {
		return typeSpec{}, false
	}
	spec := typeSpec{kind: kindDecimal, precision: precision, scale: scale, limit: pow10(precision)}
	switch {
	case precision <= 9:
		spec.width = 4
	case precision <= 18:
		spec.width = 8
	case precision <= 38:
		spec.width = 16
	default:
		return typeSpec{}, false
	}
	return spec, true
}

// parseEnum reads 'name' = value, … as system.columns prints it: quotes and
// backslashes in names are escaped with a backslash.
func parseEnum(args string, width int) (typeSpec, bool) {
	s := typeSpec{kind: kindEnum, width: width, enum: map[string]uint64{}}
	lowest := int64(math.MaxInt64)
	for rest := args; ; {
		name, tail, ok := cutQuoted(strings.TrimLeft(rest, " "))
		if !ok {
			return typeSpec{}, false
		}
		number, next, more := strings.Cut(tail, ",")
		number, ok = strings.CutPrefix(strings.TrimSpace(number), "=")
		v, err := strconv.ParseInt(strings.TrimSpace(number), 10, width*8)
		if !ok || err != nil {
			return typeSpec{}, false
		}
		s.enum[name] = uint64(v)
		lowest = min(lowest, v)
		if !more {
			break
		}
		rest = next
	}
	// ClickHouse's default of an Enum is its smallest value; where the empty
	// text is a name of its own, it stands for itself.
	if v, ok := s.enum[""]; ok {
		lowest = int64(v)
	}
	var le [8]byte
	binary.LittleEndian.PutUint64(le[:], uint64(lowest))
	s.zero = append([]byte(nil), le[:width]...)
	return s, true
}

func cutQuoted(s string) (name, rest string, ok bool) {
	if !strings.HasPrefix(s, "'") {
		return "", "", false
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\'':
			return b.String(), s[i+1:], true
		case '\\':
			i++
			if i == len(s) {
				return "", "", false
			}
			b.WriteByte(unescape(s[i]))
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", false
}

func unescape(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 't':
		return '\t'
	case 'r':
		return '\r'
	case '0':
		return 0
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	}
	return c
}
