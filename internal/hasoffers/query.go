package hasoffers

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Query is what find methods take: which rows, which fields, in which order.
type Query struct {
	Fields  []string
	Contain []string // related entities to bring along
	Filters []Filter
	Sort    []Sort
	Limit   int // rows a page; 0: everything at once, without page numbers
	Page    int // from 1
}

// Filter is a condition on a field; all of a query's must hold, except that of
// those with Or one suffices.
type Filter struct {
	Field string
	Op    string // "": equal; else one of Operators
	Value string // ignored by NULL, NOT_NULL, TRUE and FALSE
	Or    bool
}

// Sort is an order by a field.
type Sort struct {
	Field string
	Desc  bool
}

// Operators are the API's own names of conditions.
func Operators() []string {
	return []string{"NOT_EQUAL_TO", "LESS_THAN", "LESS_THAN_OR_EQUAL_TO", "GREATER_THAN", "GREATER_THAN_OR_EQUAL_TO",
		"LIKE", "NOT_LIKE", "NULL", "NOT_NULL", "TRUE", "FALSE"}
}

// signs are the short ways to write operators, longest first.
func signs() []struct{ sign, op string } {
	return []struct{ sign, op string }{
		{">=", "GREATER_THAN_OR_EQUAL_TO"}, {"<=", "LESS_THAN_OR_EQUAL_TO"}, {"!=", "NOT_EQUAL_TO"}, {"!~", "NOT_LIKE"},
		{">", "GREATER_THAN"}, {"<", "LESS_THAN"}, {"~", "LIKE"}, {"=", ""},
	}
}

// filterHelp is what a filter that cannot be read is answered with.
func filterHelp() string {
	return "want FIELD with = != < <= > >= ~ (LIKE) !~ (NOT_LIKE) and a value, or 'FIELD OPERATOR VALUE' with one of " +
		strings.Join(Operators(), ", ") + "; 'or:' before it makes it an alternative"
}

// ParseFilter reads a filter as people write it: id>100, status=active,
// name~%loan%, 'expiration_date NOT_NULL', or:status=paused.
func ParseFilter(s string) (Filter, error) {
	var f Filter
	text, or := strings.CutPrefix(strings.TrimSpace(s), "or:")
	f.Or = or
	text = strings.TrimSpace(text)
	end := strings.IndexFunc(text, func(r rune) bool { return !isFieldRune(r) })
	if end < 0 {
		return f, fmt.Errorf("filter %q: no operator: %s", s, filterHelp())
	}
	f.Field = text[:end]
	if f.Field == "" {
		return f, fmt.Errorf("filter %q: no field: %s", s, filterHelp())
	}
	rest := strings.TrimSpace(text[end:])
	for _, sign := range signs() {
		if value, ok := strings.CutPrefix(rest, sign.sign); ok {
			if value != "" && strings.ContainsRune("=<>!~", rune(value[0])) {
				break // "=>", "<>": a slip, not a value
			}
			f.Op, f.Value = sign.op, strings.TrimSpace(value)
			return f, nil
		}
	}
	word, value, _ := strings.Cut(rest, " ")
	op := strings.ToUpper(word)
	if !slices.Contains(Operators(), op) {
		return f, fmt.Errorf("filter %q: unknown operator %q: %s", s, word, filterHelp())
	}
	f.Op, f.Value = op, strings.TrimSpace(value)
	if f.Value == "" && !f.unary() {
		return f, fmt.Errorf("filter %q: %s needs a value", s, op)
	}
	return f, nil
}

func isFieldRune(r rune) bool {
	return r == '_' || r == '.' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

func (f Filter) unary() bool {
	return f.Op == "NULL" || f.Op == "NOT_NULL" || f.Op == "TRUE" || f.Op == "FALSE"
}

// ParseSort reads an order: id, -id, id:desc.
func ParseSort(s string) (Sort, error) {
	field, desc := strings.CutPrefix(strings.TrimSpace(s), "-")
	field, word, ok := strings.Cut(field, ":")
	if ok {
		switch strings.ToLower(word) {
		case "asc":
		case "desc":
			desc = true
		default:
			return Sort{}, fmt.Errorf("sort %q: want FIELD, -FIELD, FIELD:asc or FIELD:desc", s)
		}
	}
	if field == "" || strings.ContainsFunc(field, func(r rune) bool { return !isFieldRune(r) }) {
		return Sort{}, fmt.Errorf("sort %q: want FIELD, -FIELD, FIELD:asc or FIELD:desc", s)
	}
	return Sort{Field: field, Desc: desc}, nil
}

// AddTo puts the query on a call's parameters, in the API's PHP spelling.
func (q Query) AddTo(params url.Values) {
	for _, f := range q.Fields {
		params.Add("fields[]", f)
	}
	for _, c := range q.Contain {
		params.Add("contain[]", c)
	}
	for _, f := range q.Filters {
		name := "filters"
		if f.Or {
			name += "[OR]"
		}
		name += "[" + f.Field + "]"
		if f.Op != "" {
			name += "[" + f.Op + "]"
		}
		value := f.Value
		if f.unary() {
			value = "1"
		}
		params.Add(name, value)
	}
	for _, s := range q.Sort {
		direction := "asc"
		if s.Desc {
			direction = "desc"
		}
		params.Set("sort["+s.Field+"]", direction)
	}
	if q.Limit > 0 {
		params.Set("limit", strconv.Itoa(q.Limit))
		params.Set("page", strconv.Itoa(max(q.Page, 1)))
	}
}
