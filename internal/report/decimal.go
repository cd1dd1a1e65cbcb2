package report

import (
	"math/big"
	"strings"
)

// scale is the number of decimals that figures are kept with: the API gives
// money in five.
const scale = 10

// Decimal is an exact decimal number of at most scale decimals; its zero value
// is 0.
type Decimal struct{ units big.Int }

// limit is what Decimal(38, 10) holds.
func limit() *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(38), nil) }

// ParseDecimal reads digits with an optional sign and point; false where that
// is not what s is, or where it is not exact in Decimal(38, 10).
func ParseDecimal(s string) (Decimal, bool) {
	digits, sign := s, false
	if strings.HasPrefix(digits, "-") {
		digits, sign = digits[1:], true
	}
	whole, fraction, point := strings.Cut(digits, ".")
	if whole == "" && fraction == "" || point && fraction == "" && whole == "" {
		return Decimal{}, false
	}
	if trimmed := strings.TrimRight(fraction, "0"); len(trimmed) > scale {
		return Decimal{}, false
	} else {
		fraction = trimmed + strings.Repeat("0", scale-len(trimmed))
	}
	text := whole + fraction
	if len(text) > 200 || strings.Trim(text, "0123456789") != "" {
		return Decimal{}, false
	}
	var d Decimal
	if _, ok := d.units.SetString(text, 10); !ok || d.units.Cmp(limit()) >= 0 {
		return Decimal{}, false
	}
	if sign {
		d.units.Neg(&d.units)
	}
	return d, true
}

// Add returns the sum.
func (d Decimal) Add(o Decimal) Decimal {
	var sum Decimal
	sum.units.Add(&d.units, &o.units)
	return sum
}

// Equal reports whether two numbers are the same.
func (d Decimal) Equal(o Decimal) bool { return d.units.Cmp(&o.units) == 0 }

// Int is the number as a whole one; false where it is none.
func (d Decimal) Int() (int64, bool) {
	var q, r big.Int
	q.QuoRem(&d.units, new(big.Int).Exp(big.NewInt(10), big.NewInt(scale), nil), &r)
	return q.Int64(), r.Sign() == 0 && q.IsInt64()
}

// String prints the number without needless zeros.
func (d Decimal) String() string {
	text := new(big.Int).Abs(&d.units).String()
	if len(text) <= scale {
		text = strings.Repeat("0", scale+1-len(text)) + text
	}
	text = strings.TrimRight(strings.TrimRight(text[:len(text)-scale]+"."+text[len(text)-scale:], "0"), ".")
	if d.units.Sign() < 0 {
		text = "-" + text
	}
	return text
}

func addTotals(a, b map[string]Decimal) map[string]Decimal {
	if a == nil {
		a = map[string]Decimal{}
	}
	for name, v := range b {
		a[name] = a[name].Add(v)
	}
	return a
}
