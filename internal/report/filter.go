package report

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Filter is one condition on a field: the API takes one for each field.
type Filter struct {
	Field    string
	Operator string   // as the API spells it: EQUAL_TO
	Values   []string // none for NULL and NOT_NULL, two for BETWEEN, one or more otherwise
}

// operators lists the API's conditionals and how many values each takes; most
// 0 means any number. Several values of EQUAL_TO mean any of them.
func operators() []struct {
	name, sign string
	least      int
	most       int
} {
	return []struct {
		name, sign  string
		least, most int
	}{
		{"EQUAL_TO", "=", 1, 0},
		{"NOT_EQUAL_TO", "!=", 1, 0},
		{"LESS_THAN", "<", 1, 1},
		{"LESS_THAN_OR_EQUAL_TO", "<=", 1, 1},
		{"GREATER_THAN", ">", 1, 1},
		{"GREATER_THAN_OR_EQUAL_TO", ">=", 1, 1},
		{"BETWEEN", "", 2, 2},
		{"LIKE", "~", 1, 0},
		{"NOT_LIKE", "!~", 1, 0},
		{"NULL", "", -1, -1},
		{"NOT_NULL", "", -1, -1},
	}
}

func operatorNames() []string {
	var names []string
	for _, o := range operators() {
		name := o.name
		if o.sign != "" {
			name += " (" + o.sign + ")"
		}
		names = append(names, name)
	}
	return names
}

// ParseFilter reads FIELD SIGN VALUE[,VALUE…] with the signs = != < <= > >= ~ !~,
// or FIELD OPERATOR [VALUE[,VALUE…]] with the API's own words in any case:
// "Stat.payout>0", "Stat.offer_id = 3,4", "Stat.source NOT_LIKE %test%",
// "Stat.payout BETWEEN 1,5". A comma in a value is written \,.
func ParseFilter(s string) (Filter, error) {
	text := strings.TrimSpace(s)
	end := strings.IndexFunc(text, func(r rune) bool { return strings.ContainsRune("=!<>~ \t", r) })
	if end <= 0 {
		return Filter{}, fmt.Errorf("filter %q: want FIELD, an operator and values, e.g. Stat.payout>0", s)
	}
	f := Filter{Field: text[:end]}
	rest := strings.TrimSpace(text[end:])
	var word string
	if signs := strings.IndexFunc(rest, func(r rune) bool { return !strings.ContainsRune("=!<>~", r) }); signs != 0 {
		if signs < 0 {
			signs = len(rest)
		}
		word, rest = rest[:signs], rest[signs:]
	} else {
		word, rest, _ = strings.Cut(rest, " ")
	}
	least, most := -2, 0
	for _, o := range operators() {
		if word == o.sign && word != "" || strings.EqualFold(word, o.name) || word == "<>" && o.sign == "!=" || word == "==" && o.sign == "=" {
			f.Operator, least, most = o.name, o.least, o.most
		}
	}
	if least == -2 {
		return Filter{}, unknown("operator", word, operatorNames())
	}
	if rest = strings.TrimSpace(rest); rest != "" {
		f.Values = splitValues(rest)
	}
	switch {
	case least < 0 && len(f.Values) > 0:
		return Filter{}, fmt.Errorf("filter %q: %s takes no value", s, f.Operator)
	case least > 0 && len(f.Values) == 0 && rest == "":
		return Filter{}, fmt.Errorf("filter %q: %s wants a value", s, f.Operator)
	case most > 0 && (len(f.Values) < least || len(f.Values) > most):
		return Filter{}, fmt.Errorf("filter %q: %s wants %d value(s), not %d", s, f.Operator, most, len(f.Values))
	}
	return f, nil
}

func splitValues(s string) []string {
	var values []string
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == ',' || s[i+1] == '\\'):
			i++
			b.WriteByte(s[i])
		case s[i] == ',':
			values = append(values, strings.TrimSpace(b.String()))
			b.Reset()
		default:
			b.WriteByte(s[i])
		}
	}
	return append(values, strings.TrimSpace(b.String()))
}

// String prints the filter as ParseFilter reads it.
func (f Filter) String() string {
	s := f.Field + " " + f.Operator
	escaped := make([]string, len(f.Values))
	for i, v := range f.Values {
		escaped[i] = strings.ReplaceAll(strings.ReplaceAll(v, `\`, `\\`), ",", `\,`)
	}
	if len(escaped) > 0 {
		s += " " + strings.Join(escaped, ",")
	}
	return s
}

// put writes the filter in the report's own form, which is not findAll's.
func (f Filter) put(q url.Values) {
	base := "filters[" + f.Field + "]"
	q.Set(base+"[conditional]", f.Operator)
	for i, v := range f.Values {
		q.Set(base+"[values]["+strconv.Itoa(i)+"]", v)
	}
}

// checkFilters refuses unknown fields and what the API's own form cannot say:
// two filters on one field, and one on the date, which the period is.
func checkFilters(filters []Filter, q Question) error {
	var seen []string
	for _, f := range filters {
		if f.Field == dateField {
			return fmt.Errorf("filter %s: the days are the period's; leave the filter out", f)
		}
		if err := q.checkName("field", f.Field); err != nil {
			return err
		}
		if slices.Contains(seen, f.Field) {
			return fmt.Errorf("filter %s: the API takes one filter for each field; use BETWEEN or several values", f)
		}
		seen = append(seen, f.Field)
	}
	return nil
}
