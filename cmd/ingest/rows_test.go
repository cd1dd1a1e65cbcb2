package main

import (
	"strings"
	"testing"

	"rawlogs/internal/engine"
)

// fromRows are questions of the cookbook as they read all rows of clicks, by words that only
// the form there has, which answers faster.
var fromRows = map[string]string{
	"ORDER BY hour WITH FILL": `SELECT toStartOfHour(datetime) AS hour, count() AS clicks
FROM clicks
WHERE (network, offer_id) = (SELECT min((network, offer_id)) FROM clicks)
GROUP BY hour
ORDER BY hour WITH FILL STEP toIntervalHour(1)`,
	"toYYYYMM(toStartOfHour(datetime)) = (SELECT": `SELECT network, affiliate_id, count() AS clicks
FROM clicks
WHERE toYYYYMM(_hour) = (SELECT toYYYYMM(max(_hour)) FROM clicks)
GROUP BY network, affiliate_id
ORDER BY clicks DESC, network, affiliate_id
LIMIT 20`,
	"SELECT network, affiliate_source, affiliate_sub1": `SELECT network, affiliate_source, affiliate_sub1, count() AS clicks, uniqExact(ip) AS addresses
FROM clicks
WHERE (network, affiliate_id) = (SELECT min((network, affiliate_id)) FROM clicks)
GROUP BY network, affiliate_source, affiliate_sub1
ORDER BY clicks DESC, affiliate_source, affiliate_sub1
LIMIT 20`,
	"sum(c) AS converted, round": `SELECT
    network,
    affiliate_id,
    uniqExact(transaction_id) AS clicks,
    uniqExactIf(transaction_id, (network, transaction_id) IN (SELECT network, transaction_id FROM conversions)) AS converted,
    round(100 * converted / clicks, 2) AS percent
FROM clicks
GROUP BY network, affiliate_id
HAVING clicks >= 20
ORDER BY percent DESC, network, affiliate_id
LIMIT 10`,
	"dateDiff('second', session_datetime, datetime)": `SELECT
    c.network AS network,
    c.offer_id AS offer_id,
    count() AS conversions,
    round(median(dateDiff('second', k.clicked, c.datetime)) / 60) AS median_minutes,
    round(quantile(0.9)(dateDiff('second', k.clicked, c.datetime)) / 60) AS p90_minutes
FROM conversions AS c
ALL INNER JOIN (SELECT network, transaction_id, min(datetime) AS clicked FROM clicks GROUP BY network, transaction_id) AS k
    ON k.network = c.network AND k.transaction_id = c.transaction_id
GROUP BY c.network, c.offer_id
ORDER BY conversions DESC, network, offer_id
LIMIT 20`,
	"any(req_connection_speed)": `SELECT c.network AS network, ifNull(k.speed, '') AS connection, c.currency AS currency, count() AS conversions, sum(c.revenue_cents) / 100 AS revenue
FROM conversions AS c
LEFT JOIN (SELECT network, transaction_id, any(req_connection_speed) AS speed FROM clicks GROUP BY network, transaction_id) AS k
    ON k.network = c.network AND k.transaction_id = c.transaction_id
GROUP BY c.network, connection, c.currency
ORDER BY conversions DESC, network, connection, currency`,
	"cityHash64(network, ip, offer_id)": `SELECT network, replaceOne(toString(ip), '::ffff:', '') AS address, offer_id, count() AS clicks, uniqExact(user_agent) AS agents
FROM clicks
WHERE toYYYYMM(_hour) = 201609
GROUP BY network, ip, offer_id
HAVING clicks >= 1
ORDER BY clicks DESC, network, ip, offer_id
LIMIT 20`,
	"uniqExact(toIPv4(ip))": `SELECT network, count() AS clicks, uniqExact(ip) AS addresses
FROM clicks
WHERE ip BETWEEN toIPv6('10.0.0.0') AND toIPv6('223.255.255.255') AND toYYYYMM(_hour) = 201609
GROUP BY network
ORDER BY network`,
	"FROM performance_by_offer": `SELECT
    network,
    offer_id,
    currency,
    sum(impressions) AS shown,
    sum(clicks) AS clicked,
    sum(conversions) AS converted,
    round(100 * clicked / nullIf(shown, 0), 2) AS ctr,
    round(100 * converted / nullIf(clicked, 0), 2) AS cr,
    round(sum(revenue) / nullIf(clicked, 0), 4) AS epc,
    sum(margin) AS earned
FROM performance
WHERE hour >= '2016-09-01 00:00:00' AND hour < '2016-10-01 00:00:00'
GROUP BY network, offer_id, currency
ORDER BY clicked DESC, network, offer_id, currency
LIMIT 20`,
}

// sameAsRows compares the cookbook's answers with those of all rows: with the older form of a
// query, and without roll-ups. It wants the roll-ups used where the cookbook says so.
func sameAsRows(t *testing.T, owner engine.Endpoint, queries []string) {
	t.Helper()
	compared := map[string]bool{}
	for _, q := range queries {
		if strings.Contains(q, "system.parts") || !readsRows.MatchString(q) && !strings.Contains(q, "FROM performance_by") && !strings.Contains(q, "session_datetime") {
			continue
		}
		q = strings.ReplaceAll(q, ">= 100", ">= 1") // no address of so few rows has a hundred clicks, or two
		got := query(t, owner, q)
		if strings.Contains(got, "Code: ") {
			t.Errorf("%s\n%s", got, q)
		}
		if want := query(t, owner, q+" SETTINGS optimize_use_projections = 0"); got != want && !strings.Contains(q, "any(") {
			t.Errorf("roll-ups answer\n%.999s\nand the rows\n%.999s\nto\n%s", got, want, q)
		}
		for words, old := range fromRows {
			if !strings.Contains(q, words) {
				continue
			}
			compared[words] = true
			if want := query(t, owner, old); got != want || strings.Count(got, "\n") < 2 {
				t.Errorf("the answer is\n%.1999s\nand from all rows\n%.1999s\nto\n%s", got, want, q)
			}
		}
	}
	if len(compared) != len(fromRows) {
		t.Errorf("the cookbook lacks some of the questions that are asked of all rows here: it has %v", compared)
	}
	for _, words := range []string{
		"toDate(datetime) AS day, offer_id, count()", "ORDER BY hour WITH FILL", "toYYYYMM(toStartOfHour(datetime)) = (SELECT", "sum(c) AS converted, round",
		"FROM performance_by_offer", "0 AS k, 0 AS c FROM impressions", "lagInFrame",
	} {
		for _, q := range queries {
			if !strings.Contains(q, words) {
				continue
			}
			plan := query(t, owner, "EXPLAIN projections = 1 "+q)
			if !strings.Contains(plan, "ReadFromMergeTree (rollup_") || strings.Contains(plan, ".clicks)") || strings.Contains(plan, ".impressions)") {
				t.Errorf("not by a roll-up alone:\n%s\n%s", q, plan)
			}
		}
	}
}
