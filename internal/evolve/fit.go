package evolve

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"rawlogs/internal/rawlog"
	"rawlogs/schema"
)

// fit is how texts become values of a type: both parts are SQL over an
// expression that is a String.
type fit struct {
	// fits is 1 where the type holds exactly what the text says, never NULL.
	fits func(v string, zones map[string]rawlog.Zones) string
	// convert is the value, where fits is 1.
	convert func(v string, zones map[string]rawlog.Zones) string
}

type expression = func(v string, zones map[string]rawlog.Zones) string

func template(format string) expression {
	return func(v string, _ map[string]rawlog.Zones) string { return strings.ReplaceAll(format, "{}", v) }
}

// fitOf returns how a type is filled; the zero fit for types that evolve
// does not make.
func fitOf(typ string) fit {
	switch typ {
	case "UInt64", "Int64":
		// A text that is not what the number prints as (007, +1) is a code, not a number.
		return fit{template("ifNull(toString(to" + typ + "OrNull({})) = {}, 0)"), template("ifNull(to" + typ + "OrNull({}), 0)")}
	case "DateTime('UTC')":
		return fit{timeFits, timeConvert}
	case "IPv6":
		return fit{
			template("if(match({}, '^[0-9.]*$'), ifNull(toString(toIPv4OrNull({})) = {}, 0), isNotNull(toIPv6OrNull({})))"),
			template("ifNull(toIPv6OrNull({}), toIPv6('::'))"),
		}
	case "String", "LowCardinality(String)":
		return fit{template("isValidUTF8({})"), template("{}")}
	}
	var precision, scale int
	if n, err := fmt.Sscanf(typ, "Decimal(%d, %d)", &precision, &scale); err != nil || n != 2 || precision != 18 && precision != 38 || scale >= precision {
		return fit{}
	}
	bits := map[int]int{18: 64, 38: 128}[precision]
	convert := fmt.Sprintf("ifNull(toDecimal%dOrNull({}, %d), toDecimal%d(0, %d))", bits, scale, bits, scale)
	// So many digits cannot overflow; -0 would lose its sign.
	fits := fmt.Sprintf(`(match({}, '^-?(0|[1-9][0-9]{0,%d})(\\.[0-9]{1,%d})?$') AND NOT match({}, '^-0(\\.0*)?$'))`, precision-scale-1, scale)
	return fit{template(fits), template(convert)}
}

// decimalPattern finds decimals when types are chosen.
const decimalPattern = `^-?(0|[1-9][0-9]*)(\\.[0-9]{1,10})?$`

// timeFits wants a time that exists once in the network's zone: an hour that
// is repeated in autumn would need its file to decide, and stays.
func timeFits(v string, zones map[string]rawlog.Zones) string {
	return byNetwork(zones, "0", func(zone string) string {
		t := "toDateTimeOrNull(" + v + ", " + zone + ")"
		once := make([]string, 0, 4)
		for _, shift := range []string{"- 3600", "+ 3600", "- 1800", "+ 1800"} {
			once = append(once, "toString("+t+" "+shift+") != "+v)
		}
		return "ifNull(" + timeShape(v) + " AND toString(" + t + ") = " + v + " AND " + strings.Join(once, " AND ") + ", 0)"
	})
}

// timeShape is all that the loader reads as a time.
func timeShape(v string) string {
	return "match(" + v + `, '^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$')`
}

func timeConvert(v string, zones map[string]rawlog.Zones) string {
	return byNetwork(zones, "toDateTime(0, 'UTC')", func(zone string) string {
		return "toDateTime(ifNull(toUnixTimestamp(toDateTimeOrNull(" + v + ", " + zone + ")), 0), 'UTC')"
	})
}

// byNetwork is a multiIf over the networks whose zones are known, and the hours of their files.
func byNetwork(zones map[string]rawlog.Zones, otherwise string, of func(zone string) string) string {
	if len(zones) == 0 {
		return otherwise
	}
	var b strings.Builder
	b.WriteString("multiIf(")
	for _, network := range slices.Sorted(maps.Keys(zones)) {
		for _, span := range zones[network] {
			b.WriteString("network = " + schema.Literal(network))
			if !span.Until.IsZero() {
				fmt.Fprintf(&b, " AND _hour < fromUnixTimestamp(%d)", span.Until.Unix())
			}
			b.WriteString(", " + of(schema.Literal(span.Zone.String())) + ", ")
		}
	}
	return b.String() + otherwise + ")"
}
