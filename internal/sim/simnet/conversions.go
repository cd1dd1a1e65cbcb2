package simnet

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
)

// Happen lets events happen that are in no file: reports know of them, logs do not.
// What happened under that name before did not.
func (n *Network) Happen(name string, spec gen.Spec) {
	n.Reports.published(name, n.logs, spec)
}

// getConversions answers the report of conversions: one row each, as they stand now.
// What was published is changed by the Conversion entity's rows, by their id or event;
// an entity's row of no published conversion is one of its own.
func (n *Network) getConversions(q url.Values) *Answer {
	s := statsQuestion{target: q.Get("Target")}
	if bad := s.read(q, func(f string) bool { return n.Conversions.shows(s.target, f) }); bad != nil {
		return bad
	}
	for _, by := range s.sort {
		if !n.Conversions.shows(s.target, by.field) {
			return invalidParameter("sort", "Invalid sort field: "+by.field)
		}
	}
	return n.conversionPage(s)
}

func (n *Network) conversionPage(s statsQuestion) *Answer {
	from, to := s.reach()
	how := n.Conversions.next()
	if how.days > 0 && from.Before(how.today.AddDate(0, 0, -how.days)) {
		return invalidParameter("filters", fmt.Sprintf("Conversions are available for the last %d days only.", how.days))
	}
	found, view := n.conversionsNow(s, from, to)
	if how.maxRows > 0 && len(found) > how.maxRows {
		return GatewayTimeout()
	}
	if how.arriving > 0 {
		found = holdBack(found, view, how.arriving)
	}
	view.order(s.sort, found)
	return s.conversionAnswer(found, view, how)
}

// conversionsNow finds the conversions that a question is about.
func (n *Network) conversionsNow(s statsQuestion, from, to time.Time) ([]*conversion, conversionView) {
	// Days of any zone, however shifted, lie within two days of UTC's.
	all, at := n.Reports.conversions(from.AddDate(0, 0, -2), to.AddDate(0, 0, 2))
	n.Reports.mu.Lock()
	view := conversionView{zone: n.Reports.zone, at: at, offset: time.Duration(s.offset) * time.Hour}
	mine := n.Reports.as[s.target]
	n.Reports.mu.Unlock()
	if view.zone == nil {
		view.zone = n.cfg.Zone
	}
	view.kinds = n.applyChanges(&all, at)
	gone := n.Conversions.deleted()
	var found []*conversion
	for _, c := range all {
		own := ""
		switch s.target {
		case "Affiliate_Report":
			own = "affiliate_id"
		case "Advertiser_Report":
			own = "advertiser_id"
		}
		if own != "" && view.statValue(c, own) != strconv.Itoa(mine) || gone[fmt.Sprint(view.statValue(c, "id"))] || !view.passes(s.filters, c) {
			continue
		}
		found = append(found, c)
	}
	return found, view
}

// applyChanges puts what entities say beside what was logged, and returns copies of
// the entities as they are now.
func (n *Network) applyChanges(all *[]*conversion, at map[string]int) map[string]*kind {
	e := &n.Entities
	e.mu.Lock()
	defer e.mu.Unlock()
	kinds := make(map[string]*kind)
	for model, k := range e.build(n.logs) {
		rows := make(map[int]map[string]any, len(k.rows))
		for id, row := range k.rows {
			rows[id] = maps.Clone(row)
		}
		kinds[model] = &kind{fields: k.fields, rows: rows}
	}
	changes := kinds["Conversion"].all()
	if len(changes) == 0 {
		return kinds
	}
	byID, byEvent := make(map[string]*conversion, len(*all)), make(map[string]*conversion, len(*all))
	for _, c := range *all {
		byID[c.logged[at["id"]]], byEvent[c.logged[at["tune_event_id"]]] = c, c
	}
	for _, row := range changes {
		c := byID[fmt.Sprint(row["id"])]
		if event, ok := row["tune_event_id"].(string); ok && c == nil {
			c = byEvent[event]
		}
		if c == nil {
			c = &conversion{}
			*all = append(*all, c)
		}
		c.changed = row
	}
	return kinds
}

// loggedConversion is what the logs know of a published conversion, as an entity has it;
// nil for what was not published. The caller holds the entities.
func (n *Network) loggedConversion(id int, fields []string) map[string]any {
	all, at := n.Reports.conversions(time.Unix(0, 0), time.Unix(1<<32-1, 0))
	v := conversionView{zone: n.cfg.Zone, at: at}
	for _, c := range all {
		if c.logged[at["id"]] != strconv.Itoa(id) {
			continue
		}
		row := make(map[string]any)
		for _, f := range fields {
			if f != "updated" && f != "added" {
				row[f], _ = v.statValue(c, f).(string) // nil is empty
			}
		}
		return row
	}
	return nil
}

// conversions are those of the hours that may matter for a span, once each.
func (r *Reports) conversions(from, to time.Time) ([]*conversion, map[string]int) {
	columns := conversionColumns()
	at := make(map[string]int, len(columns))
	for i, c := range columns {
		at[c] = i
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []*conversion
	seen := make(map[string]bool)
	for key, f := range r.files {
		if key.typ != rawlog.Conversions || f.spec.Hour.Before(from.Add(-time.Hour)) || f.spec.Hour.After(to) {
			continue
		}
		if f.records == nil {
			f.records = f.logs.Records(f.spec, columns)
		}
		for _, record := range f.records {
			if id := record[at["id"]]; !seen[id] {
				seen[id] = true
				out = append(out, &conversion{logged: record})
			}
		}
	}
	return out, at
}

// reach finds the days that a question is about: all there are, without a filter that bounds them.
func (s statsQuestion) reach() (from, to time.Time) {
	from, to = time.Unix(0, 0).UTC(), time.Unix(1<<32-1, 0).UTC()
	for _, f := range s.filters {
		if len(f.values) == 0 || f.field != "Stat.date" && f.field != "Stat.datetime" {
			continue
		}
		day := func(s string) time.Time {
			t, err := time.Parse(time.DateOnly, s[:min(len(s), len(time.DateOnly))])
			if err != nil {
				return time.Time{}
			}
			return t
		}
		first, last := day(f.values[0]), day(f.values[len(f.values)-1])
		switch {
		case first.IsZero() || last.IsZero():
		case f.conditional == "BETWEEN" || f.conditional == "EQUAL_TO":
			from, to = first, last.AddDate(0, 0, 1)
		case strings.HasPrefix(f.conditional, "GREATER_THAN"):
			from = first
		case strings.HasPrefix(f.conditional, "LESS_THAN"):
			to = last.AddDate(0, 0, 1)
		}
	}
	return from, to
}

func (v conversionView) text(c *conversion, field string) string {
	s, _ := v.value(c, field).(string) // nil is empty
	return s
}

func (v conversionView) passes(filters []statsFilter, c *conversion) bool {
	for _, f := range filters {
		f.text = isText(f.field)
		if !f.passes(v.text(c, f.field)) {
			return false
		}
	}
	return true
}

// order sorts as asked. What is left open comes in an order that means nothing, the
// same every time.
func (v conversionView) order(by []statsSort, rows []*conversion) {
	type keyed struct {
		c       *conversion
		keys    []sortKey
		scatter uint32
	}
	all := make([]keyed, len(rows))
	for i, c := range rows {
		h := fnv.New32a()
		_, _ = h.Write([]byte(v.text(c, "Stat.id") + v.text(c, "Stat.tune_event_id"))) // never fails
		all[i] = keyed{c: c, scatter: h.Sum32()}
		for _, o := range by {
			all[i].keys = append(all[i].keys, newSortKey(v.text(c, o.field), isText(o.field)))
		}
	}
	slices.SortFunc(all, func(a, b keyed) int {
		for i, o := range by {
			c := a.keys[i].compare(b.keys[i])
			if o.desc {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return cmp.Compare(a.scatter, b.scatter)
	})
	for i, k := range all {
		rows[i] = k.c
	}
}

// sortKey is a value ready to be compared as compareAs does.
type sortKey struct {
	text   string
	number float64
	isText bool
}

func newSortKey(value string, isText bool) sortKey {
	number, err := strconv.ParseFloat(value, 64)
	return sortKey{value, number, isText || err != nil}
}

func (k sortKey) compare(o sortKey) int {
	if !k.isText && !o.isText {
		return cmp.Compare(k.number, o.number)
	}
	return cmp.Compare(k.text, o.text)
}

func compareAs(text bool, a, b string) int {
	if text {
		return cmp.Compare(a, b)
	}
	return compareValues(a, b)
}

// conversionAnswer is a page of what was found.
func (s statsQuestion) conversionAnswer(found []*conversion, v conversionView, how conversionShape) *Answer {
	rows, current := found, len(found)
	if s.limit > 0 {
		current = s.limit
		first := min((max(s.page, 1)-1)*s.limit, len(rows))
		rows = rows[first:min(first+s.limit, len(rows))]
	}
	count := max(len(found)+how.miscount, 0)
	pages := 1
	if s.limit > 0 {
		pages = (count + s.limit - 1) / s.limit
	}
	list, twins := []any{}, map[string]bool{}
	for _, c := range rows {
		list = append(list, s.conversionRow(c, v, how, twins))
	}
	data := map[string]any{"page": max(s.page, 1), "current": current, "count": count, "pageCount": pages, "data": list, "dbSource": "branddb"}
	if len(how.currencies) > 0 {
		data["default_currency"], data["currencies"] = how.currencies[0], how.currencies[1:]
		data["currency_columns"] = slices.Sorted(maps.Keys(twins))
	}
	if s.totals {
		sums := map[string]any{}
		for _, f := range s.fields {
			if !isMoney(f) {
				continue
			}
			var sum gen.Money
			for _, c := range found {
				sum += v.amount(c, strings.TrimPrefix(f, "Stat."))
			}
			sums[strings.TrimPrefix(f, "Stat.")] = units(sum)
		}
		if slices.Contains(s.fields, "Stat.count") {
			sums["count"] = strconv.Itoa(len(found))
		}
		data["totals"] = map[string]any{"Stat": sums}
	}
	return success(data)
}

func (s statsQuestion) conversionRow(c *conversion, v conversionView, how conversionShape, twins map[string]bool) map[string]map[string]any {
	row := map[string]map[string]any{}
	put := func(model, name string, value any) {
		if row[model] == nil {
			row[model] = map[string]any{}
		}
		row[model][name] = value
	}
	for _, f := range s.fields {
		model, name, _ := strings.Cut(f, ".")
		value := v.value(c, f)
		if text, ok := value.(string); ok && how.numbers && !isText(f) {
			if number, err := strconv.ParseFloat(text, 64); err == nil {
				value = number
			}
		}
		put(model, name, value)
		if model == "Browser" {
			put(model, "id", v.value(c, "Browser.id")) // it comes along
		}
		if !isMoney(f) {
			continue
		}
		for i, currency := range how.currencies {
			twin := name + "@" + currency
			amount := v.amount(c, name)
			twins["Stat."+twin] = true
			switch {
			case currency == v.text(c, "Stat.currency"):
				put(model, twin, units(amount))
			case i == 0:
				put(model, twin, units(amount*twinRate))
			default:
				put(model, twin, nil)
			}
		}
	}
	return row
}

// twinRate is what a unit of any other currency is worth in the network's own.
const twinRate = 3

// ConversionTotals are all payouts and revenues as they stand now, in whole units whatever
// their currencies: 2.5.
func (n *Network) ConversionTotals() (payout, revenue string) {
	found, v := n.conversionsNow(statsQuestion{target: "Report"}, time.Unix(0, 0), time.Unix(1<<32-1, 0))
	var p, r gen.Money
	for _, c := range found {
		p += v.amount(c, "payout")
		r += v.amount(c, "revenue")
	}
	return number(p).String(), number(r).String()
}
