package simnet

import (
	"strconv"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
)

// revised are what later changes of conversions add to the totals of a span and take off:
// the conversion as it was logged goes, and as it stands now comes, also where no log has it.
func (n *Network) revised(zone *time.Location, from, to time.Time) []event {
	if !n.anyChanged() {
		return nil
	}
	all, at := n.Reports.conversions(from, to)
	v := conversionView{zone: zone, at: at}
	v.kinds = n.applyChanges(&all, at)
	sums := make(map[key]*event)
	spec := gen.Spec{Type: rawlog.Conversions}
	for _, c := range all {
		if c.changed == nil {
			continue
		}
		if c.logged != nil {
			before := make(map[key]*event)
			add(before, spec, func(name string) string { return v.raw(c, name) })
			for k, e := range before {
				sum(sums, k).add(e.negative())
			}
		}
		if k, e := v.now(c); k.slot >= from.Unix() && k.slot < to.Unix() {
			sum(sums, k).add(e)
		}
	}
	events := make([]event, 0, len(sums))
	for _, e := range sums {
		if *e != (event{key: e.key}) {
			events = append(events, *e)
		}
	}
	return events
}

// anyChanged reports whether conversions were changed or added since they were logged.
func (n *Network) anyChanged() bool {
	n.Entities.mu.Lock()
	defer n.Entities.mu.Unlock()
	return len(n.Entities.build(n.logs)["Conversion"].all()) > 0
}

// now is a conversion in the totals, as it stands.
func (v conversionView) now(c *conversion) (key, event) {
	text := func(name string) string {
		s, _ := v.statValue(c, name).(string) // nil is empty
		return s
	}
	number := func(name string) int {
		n, _ := strconv.Atoi(text(name)) // an empty id is 0
		return n
	}
	instant, _ := time.Parse(time.DateTime, v.raw(c, "datetime"))
	if s, ok := c.changed["datetime"].(string); ok && s != "" {
		instant, _ = time.ParseInLocation(time.DateTime, s, v.zone) // of no time: on no day that is asked for
	}
	k := key{
		slot: instant.Unix() - instant.Unix()%quarter, offer: number("offer_id"), affiliate: number("affiliate_id"),
		advertiser: number("advertiser_id"), goal: number("goal_id"), country: text("country_code"),
		currency: text("currency"), browser: text("browser_id"), campaign: text("source"),
	}
	if s := text("status"); s != "approved" && s != "" {
		return k, event{}
	}
	return k, event{conversions: 1, payout: v.amount(c, "payout"), revenue: v.amount(c, "revenue"), sale: v.amount(c, "sale_amount")}
}

func sum(sums map[key]*event, k key) *event {
	if sums[k] == nil {
		sums[k] = &event{key: k}
	}
	return sums[k]
}

func (e event) negative() event {
	return event{
		key: e.key, impressions: -e.impressions, clicks: -e.clicks, unique: -e.unique, conversions: -e.conversions,
		payout: -e.payout, revenue: -e.revenue, sale: -e.sale,
	}
}
