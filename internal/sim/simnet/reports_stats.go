package simnet

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// statsQuestion is a getStats call taken apart.
type statsQuestion struct {
	target         string
	fields, groups []string
	filters        []statsFilter
	sort           []statsSort
	offset         int
	limit, page    int
	totals         bool
}

type statsFilter struct {
	field, conditional string
	values             []string
	text               bool // values that look like numbers are none
}

type statsSort struct {
	field string
	desc  bool
}

// report answers the report targets; nil where the call is about something else.
func (n *Network) report(q url.Values) *Answer {
	target := q.Get("Target")
	if target != "Report" && target != "Affiliate_Report" && target != "Advertiser_Report" {
		return nil
	}
	if target == "Report" && q.Get("Method") == "getModSummaryLogs" {
		return n.modSummaryLogs(q)
	}
	switch method := q.Get("Method"); method {
	case "getStats":
		s := statsQuestion{target: target}
		if bad := s.read(q, s.knows); bad != nil {
			return bad
		}
		for _, g := range s.groups {
			if figureOf(g) != nil {
				return invalidParameter("groups", "Invalid group: "+g)
			}
		}
		return n.stats(s)
	case "getConversions":
		return n.getConversions(q)
	default:
		return Failure(fmt.Sprintf("Method %s::%s does not exist.", target, method))
	}
}

var filterParam = regexp.MustCompile(`^filters\[([^\]]+)\]\[(conditional|values)\](?:\[(\d*)\])?$`)

// read takes a report's question apart, about fields that the report knows.
func (s *statsQuestion) read(q url.Values, knows func(field string) bool) *Answer {
	s.fields, s.groups, s.page = q["fields[]"], q["groups[]"], 1
	if len(s.fields) == 0 {
		return invalidParameter("fields", "fields is a required parameter.")
	}
	for _, f := range append(slices.Clone(s.fields), s.groups...) {
		if !knows(f) {
			return invalidParameter("fields", "Invalid field: "+f)
		}
	}
	var names []string
	for name := range q {
		names = append(names, name)
	}
	slices.Sort(names) // values[10] would come before values[2]: nobody asks for so many here
	for _, name := range names {
		if field, ok := strings.CutPrefix(name, "sort["); ok {
			s.sort = append(s.sort, statsSort{strings.TrimSuffix(field, "]"), q.Get(name) == "desc"})
		}
		m := filterParam.FindStringSubmatch(name)
		if m == nil {
			continue
		}
		if !knows(m[1]) {
			return invalidParameter("filters", "Invalid filter field: "+m[1])
		}
		i := slices.IndexFunc(s.filters, func(f statsFilter) bool { return f.field == m[1] })
		if i < 0 {
			s.filters = append(s.filters, statsFilter{field: m[1], conditional: "EQUAL_TO"})
			i = len(s.filters) - 1
		}
		if m[2] == "conditional" {
			s.filters[i].conditional = q.Get(name)
			if !slices.Contains(statsConditionals(), q.Get(name)) {
				return invalidParameter("filters", "Invalid conditional: "+q.Get(name))
			}
			continue
		}
		s.filters[i].values = append(s.filters[i].values, q[name]...)
	}
	for name, to := range map[string]*int{"limit": &s.limit, "page": &s.page, "hour_offset": &s.offset} {
		if text := q.Get(name); text != "" {
			v, err := strconv.Atoi(text)
			if err != nil || v < 0 && name != "hour_offset" {
				return invalidParameter(name, name+" must be an integer.")
			}
			*to = v
		}
	}
	s.totals = q.Get("totals") == "1" || q.Get("totals") == "true"
	return nil
}

func statsConditionals() []string {
	return []string{"EQUAL_TO", "NOT_EQUAL_TO", "LESS_THAN", "LESS_THAN_OR_EQUAL_TO", "GREATER_THAN", "GREATER_THAN_OR_EQUAL_TO",
		"BETWEEN", "LIKE", "NOT_LIKE", "NULL", "NOT_NULL"}
}

// invalidParameter is a validation error in the API's shape.
func invalidParameter(attribute, message string) *Answer {
	return answer(map[string]any{
		"status": -1, "httpStatus": http.StatusOK, "data": "", "errorMessage": message,
		"errors": []any{map[string]any{"err_code": 3, "err_msg": message, "attribute_name": attribute, "publicMessage": message}},
	})
}

// span finds the days that a question is about: all there are, without a filter.
func (s statsQuestion) span() (from, to time.Time, hours int) {
	from, to, hours = time.Unix(0, 0).UTC(), time.Unix(1<<32-1, 0).UTC(), 1<<30
	perDay := 24
	for _, f := range s.filters {
		var first, last string
		switch {
		case f.conditional == "BETWEEN" && len(f.values) == 2:
			first, last = f.values[0], f.values[1]
		case f.conditional == "EQUAL_TO" && len(f.values) == 1:
			first, last = f.values[0], f.values[0]
		default:
			continue
		}
		switch f.field {
		case "Stat.date":
			a, err1 := time.Parse(time.DateOnly, first)
			b, err2 := time.Parse(time.DateOnly, last)
			if err1 == nil && err2 == nil {
				from, to = a, b.AddDate(0, 0, 1)
				hours = int(to.Sub(from) / time.Hour)
			}
		case "Stat.hour":
			a, err1 := strconv.Atoi(first)
			b, err2 := strconv.Atoi(last)
			if err1 == nil && err2 == nil {
				perDay = b - a + 1
			}
		}
	}
	return from, to, hours / 24 * perDay
}

// statsRow is a group on its way to becoming a row.
type statsRow struct {
	dims map[string]string
	sum  event
}

func (n *Network) stats(s statsQuestion) *Answer {
	from, to, hours := s.span()
	n.Reports.mu.Lock()
	zone, slow, mine := n.Reports.zone, n.Reports.maxHours, n.Reports.as[s.target]
	n.Reports.mu.Unlock()
	if zone == nil {
		zone = n.cfg.Zone
	}
	if slow > 0 && hours > slow {
		return GatewayTimeout()
	}
	// Days of any zone, however shifted, lie within two days of UTC's.
	events, err := n.Reports.between(from.AddDate(0, 0, -2), to.AddDate(0, 0, 2))
	if err != nil {
		return &Answer{Status: http.StatusInternalServerError, Type: "text/plain", Body: err.Error()}
	}
	events = append(events, n.revised(zone, from.AddDate(0, 0, -2), to.AddDate(0, 0, 2))...)
	groups := make(map[string]*statsRow)
	var total event
	names := n.names()
	for _, e := range events {
		if s.target == "Affiliate_Report" && e.affiliate != mine || s.target == "Advertiser_Report" && e.advertiser != mine {
			continue
		}
		local := time.Unix(e.slot, 0).In(zone)
		_, shift := local.Zone()
		wall := local.UTC().Add(time.Duration(shift)*time.Second + time.Duration(s.offset)*time.Hour)
		dim := func(name string) string { return names.dimension(name, e.key, wall) }
		if !s.passes(dim, false, event{}) {
			continue
		}
		values := make([]string, len(s.groups))
		for i, g := range s.groups {
			values[i] = dim(g)
		}
		id := strings.Join(values, "\x00")
		row := groups[id]
		if row == nil {
			row = &statsRow{dims: make(map[string]string)}
			for _, f := range append(slices.Clone(s.fields), s.groups...) {
				if figureOf(f) == nil {
					row.dims[f] = dim(f)
				}
			}
			groups[id] = row
		}
		row.sum.add(e)
	}
	var rows []*statsRow
	for _, row := range groups {
		if s.passes(func(name string) string { return row.dims[name] }, true, row.sum) {
			rows = append(rows, row)
			total.add(row.sum)
		}
	}
	s.order(rows)
	return s.answer(rows, total)
}

func (e *event) add(o event) {
	e.impressions += o.impressions
	e.clicks += o.clicks
	e.unique += o.unique
	e.conversions += o.conversions
	e.payout += o.payout
	e.revenue += o.revenue
	e.sale += o.sale
}

func (s statsQuestion) order(rows []*statsRow) {
	value := func(r *statsRow, field string) string {
		if f := figureOf(field); f != nil {
			return f(r.sum)
		}
		return r.dims[field]
	}
	by := s.sort
	for _, g := range s.groups {
		by = append(by, statsSort{field: g}) // for an order that is the same every time
	}
	slices.SortFunc(rows, func(a, b *statsRow) int {
		for _, o := range by {
			c := compareValues(value(a, o.field), value(b, o.field))
			if o.desc {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
}

// compareValues compares numbers as numbers.
func compareValues(a, b string) int {
	x, err1 := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	if err1 == nil && err2 == nil {
		return cmp.Compare(x, y)
	}
	return cmp.Compare(a, b)
}

func (s statsQuestion) answer(rows []*statsRow, total event) *Answer {
	all, pages := len(rows), 1
	if s.limit > 0 {
		pages = (all + s.limit - 1) / s.limit
		first := min((max(s.page, 1)-1)*s.limit, all)
		rows = rows[first:min(first+s.limit, all)]
	}
	list := []any{}
	for _, r := range rows {
		entities := map[string]map[string]any{}
		for _, f := range s.fields {
			entity, name, _ := strings.Cut(f, ".")
			if entities[entity] == nil {
				entities[entity] = map[string]any{}
			}
			if figure := figureOf(f); figure != nil {
				entities[entity][name] = figure(r.sum)
			} else {
				entities[entity][name] = r.dims[f]
			}
		}
		list = append(list, entities)
	}
	data := map[string]any{"page": max(s.page, 1), "current": len(list), "count": all, "pageCount": pages, "data": list}
	if s.totals {
		sums := map[string]any{}
		for _, f := range s.fields {
			if figure := figureOf(f); figure != nil {
				sums[strings.TrimPrefix(f, "Stat.")] = figure(total)
			}
		}
		data["totals"] = map[string]any{"Stat": sums}
	}
	return success(data)
}
