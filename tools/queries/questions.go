package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rawlogs/internal/store"
	"rawlogs/internal/testkit/asked"
)

// question is one that is asked, and how long the answer may take.
type question struct {
	group, name, sql string
	within           time.Duration
}

// What docs/performance.md promises on two processors and 4 GB.
const (
	glance = 300 * time.Millisecond // whatever a dashboard asks
	lookup = 100 * time.Millisecond // one transaction
	period = time.Second            // an offer's month, or a day, of the rows; a month of totals
	hourly = 3 * time.Second        // a month of the totals that have the most rows
	scan   = 10 * time.Second       // the whole history of a column, and what joins a month
)

// promised are the limits of the cookbook's queries that are not whole scans, by name. A name
// that the cookbook does not have is an error.
var promised = map[string]time.Duration{
	"Clicks per offer and day":                                   glance,
	"One offer's clicks by hour, hours without a click included": period,
	"A month by affiliate":                                       period,
}

// raw are questions that no roll-up answers. The offer, affiliate and ids are of the data.
var raw = []question{
	{"rows", "an offer's month by day", "SELECT toDate(datetime) AS day, affiliate_id, count(), uniq(ip) FROM clicks WHERE offer_id = {offer} AND _hour >= '2016-09-01 00:00:00' GROUP BY day, affiliate_id", period},
	{"rows", "a day by hour and device", "SELECT toStartOfHour(datetime) AS hour, device_os, count() FROM clicks WHERE datetime >= '2016-09-15 00:00:00' AND datetime < '2016-09-16 00:00:00' AND _hour >= '2016-09-14 23:00:00' AND _hour < '2016-09-16 01:00:00' GROUP BY hour, device_os", period},
	{"rows", "one transaction", "SELECT * FROM clicks WHERE transaction_id = '{id}'", lookup},
	{"rows", "one transaction in its month", "SELECT * FROM clicks WHERE transaction_id = '{id}' AND toYYYYMM(_hour) = 201609", lookup},
	{"rows", "the year by device_os", "SELECT device_os, count() FROM clicks GROUP BY device_os", scan},
	{"rows", "the year by browser", "SELECT browser_id, count(), sum(is_click_unique) FROM clicks GROUP BY browser_id", scan},
	{"rows", "one address of the year", "SELECT count(), min(datetime), max(datetime) FROM clicks WHERE ip = (SELECT any(ip) FROM clicks WHERE transaction_id = '{id}')", scan},
}

// totals are asked of the views over roll-ups, for a month and for the year.
var totals = []question{
	{"totals", "a month by offer", "SELECT network, offer_id, currency, sum(impressions), sum(clicks), sum(conversions), sum(margin) FROM performance_by_offer WHERE hour >= '2016-09-01 00:00:00' GROUP BY ALL", period},
	{"totals", "a month by affiliate", "SELECT network, affiliate_id, currency, sum(impressions), sum(clicks), sum(conversions), sum(margin) FROM performance_by_day WHERE day >= '2016-09-01' GROUP BY ALL", period},
	{"totals", "a month by affiliate, of its hours", "SELECT network, affiliate_id, currency, sum(impressions), sum(clicks), sum(conversions), sum(margin) FROM performance_by_affiliate WHERE hour >= '2016-09-01 00:00:00' GROUP BY ALL", hourly},
	{"totals", "a month by country and day", "SELECT network, toDate(hour) AS day, country_code, sum(clicks), sum(conversions) FROM performance_by_country WHERE hour >= '2016-09-01 00:00:00' GROUP BY ALL", period},
	{"totals", "an affiliate's month by day and offer", "SELECT network, day, offer_id, currency, sum(clicks), sum(conversions), sum(payout) FROM performance_by_day WHERE day >= '2016-09-01' AND affiliate_id = {affiliate} GROUP BY ALL", glance},
	{"totals", "the year by country", "SELECT network, country_code, sum(impressions), sum(clicks) FROM performance_by_country GROUP BY ALL", period},
	{"totals", "the year by offer", "SELECT network, offer_id, currency, sum(impressions), sum(clicks), sum(margin) FROM performance_by_offer GROUP BY ALL", scan},
}

// questions are all, in the order in which they are asked.
func questions(ctx context.Context, st *store.Store, o options) ([]question, error) {
	var out []question
	month := asked.Choice{From: busy, To: lastDay.AddDate(0, 0, 1)}
	fill, err := sample(ctx, st)
	if err != nil {
		return nil, err
	}
	for _, c := range []struct {
		what      string
		variables map[string][]string
	}{
		{"", nil},
		{", an offer", map[string][]string{"offer": {fill("acme/{offer}")}}},
		{", an affiliate", map[string][]string{"affiliate": {fill("acme/{affiliate}")}}},
	} {
		month.Variables = c.variables
		var panels []asked.Question
		if panels, err = asked.Dashboards(filepath.Join(o.root, "contrib", "grafana", "dashboards"), month); err != nil {
			return nil, err
		}
		for _, p := range panels {
			out = append(out, question{"dashboards", p.Name + c.what, p.SQL, glance})
		}
	}
	cookbook, err := asked.Document(filepath.Join(o.root, "docs", "sql-cookbook.md"))
	if err != nil {
		return nil, err
	}
	for name := range promised {
		if !slices.ContainsFunc(cookbook, func(q asked.Question) bool { return q.Name == name }) {
			return nil, fmt.Errorf("the cookbook has no query %q any more", name)
		}
	}
	for _, q := range cookbook {
		within, ok := promised[q.Name]
		if !ok {
			within = scan
		}
		out = append(out, question{"cookbook", q.Name, q.SQL, within})
	}
	for _, q := range append(totals, raw...) {
		q.sql = fill(q.sql)
		out = append(out, q)
	}
	return unlike(out), nil
}

// unlike leaves out questions that were asked before, as a panel is that does not look at
// a variable.
func unlike(all []question) (out []question) {
	seen := map[string]bool{}
	for _, q := range all {
		if !seen[q.sql] {
			out = append(out, q)
		}
		seen[q.sql] = true
	}
	return out
}

// sample picks the busiest offer and affiliate of a day and an id, and returns what puts
// them into a question.
func sample(ctx context.Context, st *store.Store) (func(string) string, error) {
	var offer, affiliate uint32
	var id string
	err := st.Conn().QueryRow(ctx, "SELECT topK(1)(offer_id)[1], topK(1)(affiliate_id)[1], max(transaction_id) FROM "+st.Holding("clicks")+
		" WHERE _hour >= '2016-09-15 12:00:00' AND _hour < '2016-09-15 13:00:00'").Scan(&offer, &affiliate, &id)
	if err != nil {
		return nil, err
	}
	values := strings.NewReplacer("{offer}", fmt.Sprint(offer), "{affiliate}", fmt.Sprint(affiliate), "{id}", id)
	return values.Replace, nil
}
