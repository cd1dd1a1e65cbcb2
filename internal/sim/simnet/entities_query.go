package simnet

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// invalid is a validation error of one parameter.
func invalid(attribute, message string) *Answer {
	return answer(map[string]any{
		"status": -1, "httpStatus": 200, "data": "", "errorMessage": message,
		"errors": []any{map[string]any{"err_code": 3, "err_msg": message, "attribute_name": attribute, "publicMessage": message}},
	})
}

// pick finds the fields to show: those named, or all.
func (k *kind) pick(q url.Values, model string) ([]string, *Answer) {
	named := q["fields[]"]
	if len(named) == 0 {
		return k.fields, nil
	}
	var fields []string
	if slices.Contains(k.fields, "id") {
		fields = append(fields, "id") // it comes always
	}
	for _, f := range named {
		if !slices.Contains(k.fields, f) {
			return nil, invalid("fields", fmt.Sprintf("Field %s does not exist on model %s.", f, model))
		}
		if f != "id" {
			fields = append(fields, f)
		}
	}
	return fields, nil
}

// condition is one filter.
type condition struct {
	field, op, value string
	or               bool
	in               []string // filters[f][]: one of these
}

// conditions reads filters[f]=v, filters[f][OP]=v and either within [OR].
func (k *kind) conditions(q url.Values, model string) ([]condition, *Answer) {
	part := regexp.MustCompile(`\[([^\]]*)\]`)
	var out []condition
	for _, name := range slices.Sorted(maps.Keys(q)) {
		rest, ok := strings.CutPrefix(name, "filters")
		if !ok {
			continue
		}
		var c condition
		var words []string
		for _, m := range part.FindAllStringSubmatch(rest, -1) {
			words = append(words, m[1])
		}
		if len(words) > 0 && words[0] == "OR" {
			c.or, words = true, words[1:]
		}
		if len(words) > 0 {
			c.field = strings.TrimPrefix(words[0], model+".")
		}
		if len(words) > 1 {
			c.op = words[1]
		}
		if !slices.Contains(k.fields, c.field) {
			return nil, invalid("filters", fmt.Sprintf("Filter field %s does not exist on model %s.", c.field, model))
		}
		if c.op != "" && !slices.Contains(operators(), c.op) {
			return nil, invalid("filters", fmt.Sprintf("Filter operator %s is not supported.", c.op))
		}
		if len(words) > 1 && words[1] == "" {
			c.in = q[name]
			out = append(out, c)
			continue
		}
		for _, value := range q[name] {
			c.value = value
			out = append(out, c)
		}
	}
	return out, nil
}

func operators() []string {
	return []string{"NOT_EQUAL_TO", "LESS_THAN", "LESS_THAN_OR_EQUAL_TO", "GREATER_THAN", "GREATER_THAN_OR_EQUAL_TO",
		"LIKE", "NOT_LIKE", "NULL", "NOT_NULL", "TRUE", "FALSE"}
}

func (k *kind) filter(q url.Values, model string, rows []map[string]any) ([]map[string]any, *Answer) {
	conditions, refused := k.conditions(q, model)
	if refused != nil {
		return nil, refused
	}
	var kept []map[string]any
	for _, row := range rows {
		all, anyOr, some := true, false, false
		for _, c := range conditions {
			ok := c.holds(row[c.field])
			if c.or {
				anyOr, some = true, some || ok
			} else {
				all = all && ok
			}
		}
		if all && (!anyOr || some) {
			kept = append(kept, row)
		}
	}
	return kept, nil
}

func (c condition) holds(v any) bool {
	text := ""
	if v != nil {
		text = fmt.Sprint(v)
	}
	if c.in != nil {
		return slices.Contains(c.in, text)
	}
	order := compare(text, c.value)
	switch c.op {
	case "":
		return order == 0
	case "NOT_EQUAL_TO":
		return order != 0
	case "LESS_THAN":
		return order < 0
	case "LESS_THAN_OR_EQUAL_TO":
		return order <= 0
	case "GREATER_THAN":
		return order > 0
	case "GREATER_THAN_OR_EQUAL_TO":
		return order >= 0
	case "LIKE":
		return like(text, c.value)
	case "NOT_LIKE":
		return !like(text, c.value)
	case "NULL":
		return v == nil
	case "NOT_NULL":
		return v != nil
	case "TRUE":
		return text != "" && text != "0"
	default: // FALSE
		return text == "" || text == "0"
	}
}

// compare is numeric where both are numbers, as SQL's is on a number column.
func compare(a, b string) int {
	x, errA := strconv.ParseFloat(a, 64)
	y, errB := strconv.ParseFloat(b, 64)
	if errA == nil && errB == nil {
		return cmp.Compare(x, y)
	}
	return strings.Compare(a, b)
}

func (k *kind) order(q url.Values, model string, rows []map[string]any) *Answer {
	for _, name := range slices.Sorted(maps.Keys(q)) {
		field, ok := strings.CutPrefix(name, "sort[")
		if !ok {
			continue
		}
		field = strings.TrimPrefix(strings.TrimSuffix(field, "]"), model+".")
		if !slices.Contains(k.fields, field) {
			return invalid("sort", fmt.Sprintf("Sort field %s does not exist on model %s.", field, model))
		}
		sign := 1
		if strings.EqualFold(q.Get(name), "desc") {
			sign = -1
		}
		slices.SortStableFunc(rows, func(a, b map[string]any) int {
			return sign * compare(fmt.Sprint(a[field]), fmt.Sprint(b[field]))
		})
	}
	return nil
}

// withRelated adds the entities that contain[] names: one as an object, several
// as a map by id, none as an empty array.
func (n *Network) withRelated(q url.Values, rows []map[string]any, shown any) any {
	m, ok := shown.(orderedMap)
	if !ok {
		return shown
	}
	owner := map[string]string{"Advertiser": "advertiser_id", "Affiliate": "affiliate_id", "Offer": "offer_id"}
	owned := map[string]string{"Goal": "offer_id", "OfferFile": "offer_id", "AffiliateUser": "affiliate_id"}
	for _, name := range q["contain[]"] {
		k := n.Entities.kinds[name]
		if k == nil {
			continue
		}
		for i, row := range rows {
			wrapped, _ := m[i].value.(orderedMap)
			if name == "Country" {
				wrapped.add(name, countries(k, row))
			} else if column, ok := owner[name]; ok {
				id, _ := strconv.Atoi(fmt.Sprint(row[column])) // none has id 0
				if other := k.rows[id]; other != nil {
					wrapped.add(name, ordered(other, k.fields))
				} else {
					wrapped.add(name, nil)
				}
			} else if column, ok := owned[name]; ok {
				var all []map[string]any
				for _, other := range k.all() {
					if other[column] == row["id"] {
						all = append(all, other)
					}
				}
				if len(all) == 0 {
					wrapped.add(name, []any{})
				} else {
					var inner orderedMap
					for _, other := range all {
						inner.add(fmt.Sprint(other["id"]), ordered(other, k.fields))
					}
					wrapped.add(name, inner)
				}
			}
			m[i].value = wrapped
		}
	}
	return m
}

// countries are those of a row by its code, as a map by id.
func countries(k *kind, row map[string]any) any {
	var found orderedMap
	for _, c := range k.all() {
		if c["code"] == row["country"] {
			found.add(fmt.Sprint(c["id"]), ordered(c, k.fields))
		}
	}
	if found == nil {
		return []any{}
	}
	return found
}

// change carries out create (data[f]=v), update (id, data[f]=v) and updateField
// (id, field, value); the answer is the row.
func (k *kind) change(q url.Values, model, method string) *Answer {
	row := map[string]any{}
	if method == "create" {
		next := 1
		for id := range k.rows {
			next = max(next, id+1)
		}
		row["id"] = strconv.Itoa(next)
		for _, f := range k.fields[1:] {
			row[f] = ""
		}
		k.rows[next] = row
	} else {
		id, _ := strconv.Atoi(q.Get("id")) // none has id 0
		if row = k.rows[id]; row == nil {
			return invalid("id", model+" was not found.")
		}
	}
	if method == "updateField" {
		q = url.Values{"data[" + q.Get("field") + "]": {q.Get("value")}}
	}
	for name := range q {
		field, ok := strings.CutPrefix(name, "data[")
		if !ok {
			continue
		}
		field = strings.TrimSuffix(field, "]")
		if !slices.Contains(k.fields, field) {
			return invalid(field, fmt.Sprintf("Field %s does not exist on model %s.", field, model))
		}
		row[field] = q.Get(name)
	}
	return success(map[string]any{model: ordered(row, k.fields)})
}
