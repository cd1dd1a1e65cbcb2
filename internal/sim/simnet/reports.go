package simnet

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
)

// Reports is what a network knows of itself, whatever became of its files: it
// counts every row that was ever published under a name, broken lines too, as
// they were events before they were lines. Its zero value is ready, its
// methods may be called while the network serves.
type Reports struct {
	mu       sync.Mutex
	zone     *time.Location
	files    map[fileKey]*counted
	extra    []event
	maxHours int
	as       map[string]int

	turnedAway []string // decisions of access control whose rows are not counted
	logs       serverLogs
}

// counted is a file whose events are found when a report first asks.
type counted struct {
	logs   *gen.Network
	spec   gen.Spec
	events []event
	done   bool

	records [][]string // of conversions, by conversionColumns; nil: not asked for yet
}

// event sums up what happened in a quarter of an hour to one set of ids.
type event struct {
	key
	impressions, clicks, unique, conversions int
	payout, revenue, sale                    gen.Money
}

type key struct {
	slot                                 int64 // Unix seconds of a quarter of an hour
	offer, affiliate, advertiser, goal   int
	country, currency, browser, campaign string
}

const quarter = 15 * 60

// Zone sets the zone of the reports' days, which is the rows' zone at first.
func (r *Reports) Zone(zone *time.Location) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.zone = zone
}

// Uncount forgets a file's events, as of one that was issued twice.
func (r *Reports) Uncount(t rawlog.Type, name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.files, fileKey{t, name})
}

// Phantom adds events that no file holds: n of them, in the middle of an hour.
// Negative conversions are what a later rejection looks like.
func (r *Reports) Phantom(t rawlog.Type, hour time.Time, offer, n int) {
	e := event{key: key{slot: hour.Unix() + 2*quarter, offer: offer}}
	switch t {
	case rawlog.Conversions:
		e.conversions = n
	case rawlog.Impressions:
		e.impressions = n
	default:
		e.clicks, e.unique = n, n
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.extra = append(r.extra, e)
}

// Adjust corrects an offer's amounts, as a finance department does weeks later.
func (r *Reports) Adjust(hour time.Time, offer int, payout, revenue gen.Money) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.extra = append(r.extra, event{key: key{slot: hour.Unix(), offer: offer}, payout: payout, revenue: revenue})
}

// Slow makes reports over more than so many hours end in a 504; 0 ends it.
func (r *Reports) Slow(hours int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.maxHours = hours
}

// As tells whose figures Affiliate_Report and Advertiser_Report show.
func (r *Reports) As(affiliate, advertiser int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.as = map[string]int{"Affiliate_Report": affiliate, "Advertiser_Report": advertiser}
}

// published remembers a file of generated rows.
func (r *Reports) published(name string, logs *gen.Network, spec gen.Spec) {
	// Reports go by instants, not by what a file says of them.
	spec.Zone, spec.Shift = time.UTC, 0
	if spec.Type == rawlog.Conversions && spec.Header != nil && !slices.Contains(spec.Header, "payout_cents") {
		spec.Header = nil // nor by the words that it has
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.files == nil {
		r.files = make(map[fileKey]*counted)
	}
	r.files[fileKey{spec.Type, name}] = &counted{logs: logs, spec: spec}
}

// between hands over the events of the hours that may matter for a span.
func (r *Reports) between(from, to time.Time) ([]event, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []event
	take := func(events []event) {
		for _, e := range events {
			if e.slot >= from.Unix() && e.slot < to.Unix() {
				out = append(out, e)
			}
		}
	}
	for key, f := range r.files {
		if f.spec.Hour.Before(from.Add(-time.Hour)) || f.spec.Hour.After(to) {
			continue
		}
		if !f.done {
			var err error
			if f.events, err = count(f.logs, f.spec, r.turnedAway); err != nil {
				return nil, fmt.Errorf("simnet: counting %s: %w", key.name, err)
			}
			f.done = true
		}
		take(f.events)
	}
	take(r.extra)
	return out, nil
}

// count writes a file once more and sums up its rows but those that were turned away.
func count(logs *gen.Network, spec gen.Spec, turnedAway []string) ([]event, error) {
	var text bytes.Buffer
	truth, err := logs.WriteCSV(&text, spec)
	if err != nil {
		return nil, err
	}
	rows, err := gen.Recount(text.Bytes(), truth)
	if err != nil {
		return nil, err
	}
	at := make(map[string]int, len(truth.Header))
	for i, name := range truth.Header {
		at[name] = i
	}
	sums := make(map[key]*event)
	decision, decided := at["access_control_decision"]
	for _, row := range rows {
		if decided && !counts(turnedAway, row.Fields[decision]) {
			continue
		}
		add(sums, spec, func(name string) string {
			if i, ok := at[name]; ok {
				return row.Fields[i]
			}
			return ""
		})
	}
	for _, line := range truth.Broken {
		fields := strings.Split(line.Raw, ",") // what comes before the break is plain
		add(sums, spec, func(name string) string {
			i, ok := at[name]
			switch {
			case name == "datetime": // may lie behind the break; the hour is certain
				return spec.Hour.UTC().Format(time.DateTime)
			case !ok || i >= len(fields) || i > at["offer_id"]:
				return ""
			}
			return strings.Trim(fields[i], `"`)
		})
	}
	events := make([]event, 0, len(sums))
	for _, e := range sums {
		events = append(events, *e)
	}
	return events, nil
}

func add(sums map[key]*event, spec gen.Spec, field func(string) string) {
	number := func(name string) int {
		n, _ := strconv.Atoi(field(name)) // an empty id is 0
		return n
	}
	t, err := time.Parse(time.DateTime, field("datetime"))
	if err != nil {
		t = spec.Hour
	}
	k := key{
		slot: t.Unix() - t.Unix()%quarter, offer: number("offer_id"), affiliate: number("affiliate_id"),
		advertiser: number("advertiser_id"), goal: number("goal_id"), country: field("country_code"),
		currency: field("currency"), browser: field("browser_id"), campaign: field("affiliate_source"),
	}
	e := sums[k]
	if e == nil {
		e = &event{key: k}
		sums[k] = e
	}
	switch spec.Type {
	case rawlog.Conversions:
		if s := field("status"); s != "approved" && s != "" {
			return // reports count what was approved
		}
		e.conversions++
		e.sale += 100 * cents(field("sale_amount"))
	case rawlog.Impressions:
		e.impressions++
	default:
		e.clicks++
		if field("is_click_unique") != "0" {
			e.unique++
		}
	}
	e.payout += cents(field("payout_cents"))
	e.revenue += cents(field("revenue_cents"))
}

// cents reads "12.5" as the amount of so many cents.
func cents(s string) gen.Money {
	whole, fraction, _ := strings.Cut(s, ".")
	w, _ := strconv.ParseInt(whole, 10, 64) // empty is 0
	f, _ := strconv.ParseInt((fraction + "00")[:2], 10, 64)
	return gen.Money(100*w + f)
}
