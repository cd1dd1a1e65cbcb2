package simnet

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"rawlogs/internal/rawlog"
)

// ServerLog sums up events of a day that the servers turned away or remarked on.
type ServerLog struct {
	Day       string // of the network's zone: 2016-09-09
	Action    string // click, conversion, impression
	Type      string // notice, error, debug
	Message   string
	Offer     int // 0: of none
	Affiliate int // 0: of none
	Count     int
}

// serverLogs is what getModSummaryLogs knows.
type serverLogs struct {
	all  []ServerLog
	bare bool
}

// Log adds to what getModSummaryLogs reports. The totals of getStats stay.
func (r *Reports) Log(l ServerLog) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.logs.all = append(r.logs.all, l)
}

// BareLogs makes getModSummaryLogs answer with an array of rows alone, instead of one
// in the pages that getStats has: which of the two the real one does was never seen.
func (r *Reports) BareLogs(bare bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.logs.bare = bare
}

// TurnAway makes an hour's events of a kind fail the servers' checks: they are no part
// of the totals, and the server logs of the day say why.
func (r *Reports) TurnAway(t rawlog.Type, hour time.Time, offer, affiliate, n int, message string) {
	e := event{key: key{slot: hour.Unix() + 2*quarter, offer: offer, affiliate: affiliate}}
	action := "click"
	switch t {
	case rawlog.Conversions:
		e.conversions, action = -n, "conversion"
	case rawlog.Impressions:
		e.impressions, action = -n, "impression"
	default:
		e.clicks, e.unique = -n, -n
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.extra = append(r.extra, e)
	zone := r.zone
	if zone == nil {
		zone = time.UTC
	}
	r.logs.all = append(r.logs.all, ServerLog{
		Day: hour.In(zone).Format(time.DateOnly), Action: action, Type: "notice", Message: message, Offer: offer, Affiliate: affiliate, Count: n,
	})
}

const logModel = "ModSummaryLog."

func (l ServerLog) field(name string) (string, bool) {
	switch strings.TrimPrefix(name, logModel) {
	case "date":
		return l.Day, true
	case "action":
		return l.Action, true
	case "type":
		return l.Type, true
	case "message":
		return l.Message, true
	case "offer_id":
		return strconv.Itoa(l.Offer), true
	case "affiliate_id":
		return strconv.Itoa(l.Affiliate), true
	case "country_code", "region":
		return "", true
	}
	return "", false
}

// modSummaryLogs answers Report::getModSummaryLogs.
func (n *Network) modSummaryLogs(q url.Values) *Answer {
	fields := q["fields[]"]
	if len(fields) == 0 {
		return invalidParameter("fields", "fields is a required parameter.")
	}
	for _, f := range fields {
		if _, ok := (ServerLog{}).field(f); f != logModel+"count" && (!ok || !strings.HasPrefix(f, logModel)) {
			return invalidParameter("fields", "Invalid field: "+f)
		}
	}
	filters, bad := logFilters(q)
	if bad != nil {
		return bad
	}
	n.Reports.mu.Lock()
	logs := serverLogs{all: slices.Clone(n.Reports.logs.all), bare: n.Reports.logs.bare}
	n.Reports.mu.Unlock()

	// Rows are the different values of the fields that were asked for.
	sums := map[string]int{}
	rows := map[string]map[string]any{}
	for _, l := range logs.all {
		if slices.ContainsFunc(filters, func(f statsFilter) bool { v, _ := l.field(f.field); return !f.passes(v) }) {
			continue
		}
		row := map[string]any{}
		var id strings.Builder
		for _, f := range fields {
			if v, ok := l.field(f); ok {
				row[strings.TrimPrefix(f, logModel)] = v
				id.WriteString(v + "\x00")
			}
		}
		rows[id.String()] = row
		sums[id.String()] += l.Count
	}
	list := []any{}
	for _, id := range slices.Sorted(maps.Keys(rows)) {
		if slices.Contains(fields, logModel+"count") {
			rows[id]["count"] = strconv.Itoa(sums[id])
		}
		list = append(list, map[string]any{strings.TrimSuffix(logModel, "."): rows[id]})
	}
	return pageOf(q, list, logs.bare)
}

// pageOf answers with the page of a list that was asked for.
func pageOf(q url.Values, list []any, bare bool) *Answer {
	all, pages := len(list), 1
	limit, _ := strconv.Atoi(q.Get("limit"))
	page, _ := strconv.Atoi(q.Get("page"))
	page = max(page, 1)
	if limit > 0 {
		pages = (all + limit - 1) / limit
		first := min((page-1)*limit, all)
		list = list[first:min(first+limit, all)]
	}
	if bare {
		return success(list)
	}
	return success(map[string]any{"page": page, "current": len(list), "count": all, "pageCount": pages, "data": list})
}

func logFilters(q url.Values) ([]statsFilter, *Answer) {
	var filters []statsFilter
	for _, name := range slices.Sorted(maps.Keys(q)) {
		m := filterParam.FindStringSubmatch(name)
		if m == nil {
			continue
		}
		if _, ok := (ServerLog{}).field(m[1]); !ok || !strings.HasPrefix(m[1], logModel) {
			return nil, invalidParameter("filters", "Invalid filter field: "+m[1])
		}
		i := slices.IndexFunc(filters, func(f statsFilter) bool { return f.field == m[1] })
		if i < 0 {
			filters = append(filters, statsFilter{field: m[1], conditional: "EQUAL_TO"})
			i = len(filters) - 1
		}
		if m[2] == "conditional" {
			filters[i].conditional = q.Get(name)
		} else {
			filters[i].values = append(filters[i].values, q[name]...)
		}
	}
	return filters, nil
}
