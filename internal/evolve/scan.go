package evolve

import (
	"context"
	"fmt"
	"time"

	"rawlogs/internal/store"
)

// header is what _rescued holds under one name.
type header struct {
	name        string
	rows, files uint64
	first, last time.Time // hours of the files
	example     string

	unsigned, signed, decimals, times, addresses, valid uint64 // rows that fit
	scale, digits                                       uint64 // of the decimals: longest
	distinct                                            uint64
}

// scan looks at everything in _rescued of a table, by name.
func scan(ctx context.Context, st *store.Store, table string) ([]header, error) {
	number := fitOf("UInt64")
	signed := fitOf("Int64")
	address := fitOf("IPv6")
	decimal := "match(v, '" + decimalPattern + "')"
	// Times are judged by their looks here; what the zone makes of each is
	// decided when it is moved.
	times := "(" + timeShape("v") + " AND ifNull(toString(toDateTimeOrNull(v, 'UTC')) = v, 0))"
	rows, err := st.Conn().Query(st.Wide(ctx), "SELECT k, count(), uniqExact(_file), min(_hour), max(_hour), any(v),"+
		" countIf("+number.fits("v", nil)+"), countIf("+signed.fits("v", nil)+"), countIf("+decimal+"), countIf("+times+"), countIf("+address.fits("v", nil)+"), countIf(isValidUTF8(v)),"+
		" maxIf(toUInt64(length(splitByChar('.', v)[2])), "+decimal+"), maxIf(toUInt64(length(splitByChar('.', v)[1])), "+decimal+"), uniq(v)"+
		" FROM "+st.TableName(table)+" ARRAY JOIN mapKeys(_rescued) AS k, mapValues(_rescued) AS v GROUP BY k ORDER BY k")
	if err != nil {
		return nil, fmt.Errorf("looking into _rescued: %w", err)
	}
	defer rows.Close()
	var out []header
	for rows.Next() {
		var h header
		if err := rows.Scan(&h.name, &h.rows, &h.files, &h.first, &h.last, &h.example, &h.unsigned, &h.signed, &h.decimals,
			&h.times, &h.addresses, &h.valid, &h.scale, &h.digits, &h.distinct); err != nil {
			return nil, fmt.Errorf("looking into _rescued: %w", err)
		}
		out = append(out, h)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("looking into _rescued: %w", err)
	}
	return out, nil
}

// chooseType picks the narrowest type that holds nearly all values: one in a
// hundred may be a slip ("n/a" among numbers), which then stays in _rescued.
func (h header) chooseType() string {
	nearlyAll := func(n uint64) bool { return n > 0 && (h.rows-min(n, h.rows))*100 <= h.rows }
	switch {
	case nearlyAll(h.unsigned):
		return "UInt64"
	case nearlyAll(h.signed):
		return "Int64"
	case nearlyAll(h.decimals) && h.scale > 0 && h.digits+h.scale <= 38:
		if h.digits+h.scale <= 15 { // room for values a thousand times larger
			return fmt.Sprintf("Decimal(18, %d)", h.scale)
		}
		return fmt.Sprintf("Decimal(38, %d)", h.scale)
	case nearlyAll(h.times):
		return "DateTime('UTC')"
	case nearlyAll(h.addresses):
		return "IPv6"
	case h.distinct <= 10_000 && h.distinct*5 <= h.rows:
		return "LowCardinality(String)"
	}
	return "String"
}
