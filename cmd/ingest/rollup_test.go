package main

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/engine"
)

var (
	// readsRows are a query's readings of a table that has roll-ups.
	readsRows = regexp.MustCompile(`FROM (clicks|impressions)\b`)
	// plainIDs are the conditions that only say again what concat(network, '/', id) does, for the primary key.
	plainIDs = regexp.MustCompile(`\w+_id IN \(SELECT toUInt32\(splitByChar\('/', arrayJoin\(\[[^]]*\]\)\)\[-1\]\)\) AND `)
)

// rolledUp asks all that is shown of clicks and impressions with each choice of filters.
// Roll-ups answer it, as the rows do; what none of them has keys for is found by the primary key.
func (d *dashboard) rolledUp(t *testing.T, owner engine.Endpoint) {
	t.Helper()
	ids := cells(t, owner, "SELECT concat('acme/', toString(offer_id)), concat('acme/', toString(affiliate_id)) FROM clicks WHERE network = 'acme' GROUP BY offer_id, affiliate_id ORDER BY count() DESC, offer_id, affiliate_id LIMIT 2")
	// The other network's id is one that the first's filter must not let through.
	offers, affiliates := []string{ids[0][0], strings.Replace(ids[1][0], "acme", "beta", 1)}, []string{ids[0][1], strings.Replace(ids[1][1], "acme", "beta", 1)}
	// The first day has rows, which are asked by the hour, and so have whole days after it.
	start, err := strconv.ParseInt(cells(t, owner, "SELECT toUnixTimestamp(min(toStartOfHour(datetime))) FROM clicks")[0][0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	queries := map[string]string{}
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			queries[p.Title] = target.RawSQL
		}
	}
	for _, v := range d.Templating.List {
		queries[v.Name] = v.Query
	}
	for _, choice := range []map[string][]string{nil, {"offer": offers}, {"affiliate": affiliates}, {"offer": offers, "affiliate": affiliates, "network": {"acme", "beta"}}} {
		for title, q := range queries {
			sql := expandedFrom(t, time.Unix(start, 0), q, choice)
			readings := len(readsRows.FindAllString(sql, -1))
			if readings == 0 {
				continue
			}
			plan := query(t, owner, "EXPLAIN indexes = 1, projections = 1 "+sql)
			rolled, raw := strings.Count(plan, "ReadFromMergeTree (rollup_"), strings.Count(plan, ".clicks)")+strings.Count(plan, ".impressions)")
			byBoth := choice["offer"] != nil && choice["affiliate"] != nil && strings.Contains(q, "$offer")
			crossed := byBoth || strings.HasSuffix(title, "by offer") && choice["affiliate"] != nil || strings.HasSuffix(title, "by affiliate") && choice["offer"] != nil
			// What no roll-up by the hour has keys for is asked of whole days, and of the hours of the first and the last.
			days := strings.Count(sql, "WHERE toDate(datetime) > ")
			switch {
			case !crossed && (rolled != readings || raw != 0):
				t.Errorf("panel %q with %v reads rows: %d of %d readings are of roll-ups\n%s\n%s", title, choice, rolled, readings, sql, plan)
			case crossed && rolled != days:
				t.Errorf("panel %q with %v reads the rows of whole days: %d of %d readings are of roll-ups\n%s\n%s", title, choice, rolled, days, sql, plan)
			case byBoth && strings.Count(plan, "(offer_id in 2-element set)") < readings-days:
				t.Errorf("panel %q with %v does not use the primary key\n%s\n%s", title, choice, sql, plan)
			}
			got := query(t, owner, sql)
			if want := query(t, owner, plainIDs.ReplaceAllString(sql, "")+" SETTINGS optimize_use_projections = 0"); got != want || strings.Contains(got, "Code: ") || strings.Count(got, "\n") < 2 {
				t.Errorf("panel %q with %v shows\n%.999s\nand the rows say\n%.999s", title, choice, got, want)
			}
		}
	}
}
