package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// A day's rows are the same each time, as many as were asked for, and of the day; each
// conversion is of a click of the day, by id, offer, affiliate and time.
func TestRowsOfADay(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	day := busy.AddDate(0, 0, 14)
	for range 2 { // the second time under another _insert, so that both can be compared
		for _, sql := range []string{clicksOf(7, day, 50), conversionsOf(7, day, 50, 10), impressionsOf(7, day, 20)} {
			if err := st.Conn().Exec(t.Context(), sql); err != nil {
				t.Fatalf("%v\n%s", err, sql)
			}
		}
	}
	for what, query := range map[string]string{
		"2400 clicks of the day, twice":      "SELECT count() = 2400 AND uniqExact(transaction_id) = 1200 AND min(n) = 2 FROM (SELECT *, count() OVER (PARTITION BY transaction_id, cityHash64(* EXCEPT _loaded_at)) AS n FROM clicks) WHERE toDate(datetime) = '2016-09-15' AND _hour = toStartOfHour(datetime)",
		"120 conversions of clicks":          "SELECT uniqExact(id) = 120 AND count() = 240 FROM (SELECT DISTINCT transaction_id, offer_id, affiliate_id, advertiser_id, ip, datetime FROM clicks) AS k INNER JOIN conversions AS c ON c.transaction_id = k.transaction_id AND c.session_datetime = k.datetime AND c.offer_id = k.offer_id AND c.affiliate_id = k.affiliate_id AND c.advertiser_id = k.advertiser_id AND c.session_ip = k.ip",
		"conversions after their clicks":     "SELECT min(datetime - session_datetime) >= 20 AND max(datetime - session_datetime) < 42 * 86400 AND countIf(datetime - session_datetime <= 3600) BETWEEN 150 AND 210 FROM conversions",
		"480 impressions, and money of some": "SELECT uniqExact(transaction_id) = 480 AND countIf(revenue_cents > 0) > 0 FROM impressions",
		"few have most":                      "SELECT max(n) > 5 * median(n) FROM (SELECT count() AS n FROM clicks GROUP BY affiliate_id)",
	} {
		var holds bool
		if err := st.Conn().QueryRow(t.Context(), "SELECT toBool(("+query+"))").Scan(&holds); err != nil || !holds {
			t.Errorf("%s: %v, %v", what, holds, err)
		}
	}
	done, err := made(t.Context(), st, "clicks")
	if err != nil || len(done) != 1 || !done[insertOf(7, day)] {
		t.Errorf("days that are there: %v, %v", done, err)
	}
	if err := settle(t.Context(), st); err != nil {
		t.Fatal(err)
	}
	var parts uint64
	if err := st.Conn().QueryRow(t.Context(), "SELECT max(n) FROM (SELECT count() AS n FROM system.parts WHERE active AND database = currentDatabase() AND table IN ('clicks', 'conversions') GROUP BY table, partition_id)").Scan(&parts); err != nil || parts != 1 {
		t.Errorf("%d parts a month, %v", parts, err)
	}
}

func TestSpread(t *testing.T) {
	t.Parallel()
	v := spread(100_000_000)
	year := v.usual*24*336 + v.busy*24*30
	if year < 99_900_000 || year > 100_100_000 || v.at(busy) != v.busy || v.at(lastDay) != v.busy || v.at(firstDay) != v.usual {
		t.Errorf("%+v: %d rows", v, year)
	}
	if !lastDay.AddDate(0, 0, 1).Equal(busy.AddDate(0, 1, 0)) {
		t.Error("the year does not end with the busy month")
	}
}

func TestShow(t *testing.T) {
	t.Parallel()
	quick := answer{question: question{"g", "quick", "", time.Second}, median: time.Second}
	slow := answer{question: question{"g", "slow", "", time.Second}, median: time.Second + 1}
	var out bytes.Buffer
	if err := show(&out, []answer{quick}); err != nil || strings.Contains(out.String(), "MISSED") {
		t.Errorf("%v\n%s", err, &out)
	}
	if err := show(&out, []answer{slow, quick}); !errors.Is(err, errMissed) || strings.Count(out.String(), "MISSED") != 1 {
		t.Errorf("%v\n%s", err, &out)
	}
	if got := unlike([]question{{sql: "a"}, {sql: "b"}, {sql: "a"}}); len(got) != 2 {
		t.Errorf("%+v", got)
	}
}
