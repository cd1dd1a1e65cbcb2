package simnet

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"rawlogs/internal/sim/gen"
)

// figureOf returns how a figure is computed; nil for what is none.
func figureOf(name string) func(event) string {
	whole := func(n func(event) int) func(event) string {
		return func(e event) string { return strconv.Itoa(n(e)) }
	}
	amount := func(m func(event) gen.Money) func(event) string {
		return func(e event) string { return units(m(e)) }
	}
	per := func(m func(event) gen.Money, n func(event) int) func(event) string {
		return func(e event) string {
			if n(e) == 0 {
				return "0.00000"
			}
			return units(m(e) / gen.Money(n(e)))
		}
	}
	clicks := func(e event) int { return e.clicks }
	conversions := func(e event) int { return e.conversions }
	payout := func(e event) gen.Money { return e.payout }
	revenue := func(e event) gen.Money { return e.revenue }
	switch name {
	case "Stat.impressions":
		return whole(func(e event) int { return e.impressions })
	case "Stat.clicks", "Stat.gross_clicks":
		return whole(clicks)
	case "Stat.unique_clicks":
		return whole(func(e event) int { return e.unique })
	case "Stat.conversions":
		return whole(conversions)
	case "Stat.payout":
		return amount(payout)
	case "Stat.revenue":
		return amount(revenue)
	case "Stat.profit":
		return amount(func(e event) gen.Money { return e.revenue - e.payout })
	case "Stat.sale_amount":
		return amount(func(e event) gen.Money { return e.sale })
	case "Stat.cpa":
		return per(payout, conversions)
	case "Stat.cpc":
		return per(payout, clicks)
	case "Stat.rpa":
		return per(revenue, conversions)
	case "Stat.rpc":
		return per(revenue, clicks)
	case "Stat.ltr":
		return func(e event) string { return fmt.Sprintf("%.5f", 100*float64(e.conversions)/float64(max(e.clicks, 1))) }
	case "Stat.ctr":
		return func(e event) string { return fmt.Sprintf("%.5f", 100*float64(e.clicks)/float64(max(e.impressions, 1))) }
	}
	return nil
}

// units prints an amount in whole currency, as reports do.
func units(m gen.Money) string {
	if m < 0 {
		return "-" + (-m).Units()
	}
	return m.Units()
}

func statsDimensions() []string {
	return []string{"Stat.date", "Stat.hour", "Stat.week", "Stat.month", "Stat.year", "Stat.offer_id", "Stat.affiliate_id",
		"Stat.advertiser_id", "Stat.goal_id", "Stat.country_code", "Stat.currency", "Stat.browser_id", "Stat.source",
		"Offer.name", "Affiliate.company", "Advertiser.company", "Goal.name", "Country.name"}
}

// knows reports whether a field exists for the question's target.
func (s statsQuestion) knows(field string) bool {
	hidden := map[string][]string{
		"Affiliate_Report":  {"Stat.affiliate_id", "Affiliate.company", "Stat.advertiser_id", "Advertiser.company", "Stat.revenue", "Stat.profit"},
		"Advertiser_Report": {"Stat.advertiser_id", "Advertiser.company", "Stat.payout", "Stat.profit", "Stat.source"},
	}
	if slices.Contains(hidden[s.target], field) {
		return false
	}
	return figureOf(field) != nil || slices.Contains(statsDimensions(), field)
}

// names are the entities' names by id.
type names struct{ offers, affiliates, advertisers, goals, countries map[string]string }

func (n *Network) names() names {
	out := names{map[string]string{}, map[string]string{}, map[string]string{}, map[string]string{}, map[string]string{}}
	for _, o := range n.logs.Offers {
		out.offers[strconv.Itoa(o.ID)] = o.Name
	}
	for _, a := range n.logs.Affiliates {
		out.affiliates[strconv.Itoa(a.ID)] = a.Company
	}
	for _, a := range n.logs.Advertisers {
		out.advertisers[strconv.Itoa(a.ID)] = a.Company
	}
	for _, g := range n.logs.Goals {
		out.goals[strconv.Itoa(g.ID)] = g.Name
	}
	for _, c := range n.logs.Countries {
		out.countries[c.Code] = c.Name
	}
	return out
}

// dimension is an event's value of a field; wall is its time in the report's days.
func (n names) dimension(field string, k key, wall time.Time) string {
	switch field {
	case "Stat.date":
		return wall.Format(time.DateOnly)
	case "Stat.hour":
		return strconv.Itoa(wall.Hour())
	case "Stat.week":
		_, week := wall.ISOWeek()
		return strconv.Itoa(week)
	case "Stat.month":
		return strconv.Itoa(int(wall.Month()))
	case "Stat.year":
		return strconv.Itoa(wall.Year())
	case "Stat.offer_id":
		return strconv.Itoa(k.offer)
	case "Stat.affiliate_id":
		return strconv.Itoa(k.affiliate)
	case "Stat.advertiser_id":
		return strconv.Itoa(k.advertiser)
	case "Stat.goal_id":
		return strconv.Itoa(k.goal)
	case "Stat.country_code":
		return k.country
	case "Stat.currency":
		return k.currency
	case "Stat.browser_id":
		return k.browser
	case "Stat.source":
		return k.campaign
	case "Offer.name":
		return n.offers[strconv.Itoa(k.offer)]
	case "Affiliate.company":
		return n.affiliates[strconv.Itoa(k.affiliate)]
	case "Advertiser.company":
		return n.advertisers[strconv.Itoa(k.advertiser)]
	case "Goal.name":
		return n.goals[strconv.Itoa(k.goal)]
	case "Country.name":
		return n.countries[k.country]
	}
	return ""
}

// passes applies the filters on what events have, or on what groups add up to.
func (s statsQuestion) passes(dimension func(string) string, figures bool, sum event) bool {
	for _, f := range s.filters {
		figure := figureOf(f.field)
		if (figure != nil) != figures {
			continue
		}
		var v string
		if figure != nil {
			v = figure(sum)
		} else {
			v = dimension(f.field)
		}
		if !f.passes(v) {
			return false
		}
	}
	return true
}

func (f statsFilter) passes(v string) bool {
	is := func(want func(x string) bool) bool { return slices.ContainsFunc(f.values, want) }
	first := ""
	if len(f.values) > 0 {
		first = f.values[0]
	}
	switch f.conditional {
	case "NOT_EQUAL_TO":
		return !is(func(x string) bool { return compareAs(f.text, v, x) == 0 })
	case "LESS_THAN":
		return compareAs(f.text, v, first) < 0
	case "LESS_THAN_OR_EQUAL_TO":
		return compareAs(f.text, v, first) <= 0
	case "GREATER_THAN":
		return compareAs(f.text, v, first) > 0
	case "GREATER_THAN_OR_EQUAL_TO":
		return compareAs(f.text, v, first) >= 0
	case "BETWEEN":
		return len(f.values) == 2 && compareAs(f.text, v, first) >= 0 && compareAs(f.text, v, f.values[1]) <= 0
	case "LIKE":
		return is(func(x string) bool { return like(v, x) })
	case "NOT_LIKE":
		return !is(func(x string) bool { return like(v, x) })
	case "NULL":
		return v == ""
	case "NOT_NULL":
		return v != ""
	}
	return is(func(x string) bool { return compareAs(f.text, v, x) == 0 })
}

// like matches without case; % stands for any text.
func like(v, pattern string) bool {
	v = strings.ToLower(v)
	parts := strings.Split(strings.ToLower(pattern), "%")
	if !strings.HasPrefix(v, parts[0]) {
		return false
	}
	for i, part := range parts {
		at := strings.Index(v, part)
		if i == len(parts)-1 && i > 0 {
			return strings.HasSuffix(v, part)
		}
		if at < 0 {
			return false
		}
		v = v[at+len(part):]
	}
	return v == ""
}
