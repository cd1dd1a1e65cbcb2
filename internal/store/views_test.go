package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// fillFrom puts days of a made-up network's clicks and conversions into the store.
func fillFrom(t *testing.T, st *store.Store, network string, logs *gen.Network, since time.Time, hours int) {
	t.Helper()
	for typ, columns := range map[rawlog.Type]string{
		rawlog.Clicks: "transaction_id affiliate_id advertiser_id offer_id affiliate_source datetime ip user_agent country_code google_aid ios_ifa",
		rawlog.Conversions: "transaction_id affiliate_id advertiser_id offer_id affiliate_source datetime ip user_agent country_code " +
			"id goal_id session_datetime status status_code currency",
	} {
		names := strings.Fields(columns)
		table := fmt.Sprintf("raw_%s_%s", network, typ)
		exec(t, st, "CREATE TABLE "+table+" (cells Array(String), hour DateTime('UTC'), line UInt32) ENGINE = Memory")
		batch, err := st.Conn().PrepareBatch(t.Context(), "INSERT INTO "+table)
		if err != nil {
			t.Fatal(err)
		}
		for h := range hours {
			hour := since.Add(time.Duration(h) * time.Hour)
			for i, record := range logs.Records(gen.Spec{Type: typ, Hour: hour}, names) {
				if err := batch.Append(record, hour, uint32(i+2)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := batch.Send(); err != nil {
			t.Fatal(err)
		}
		cells := make([]string, len(names))
		for i := range names {
			cells[i] = fmt.Sprintf("cells[%d]", i+1)
		}
		exec(t, st, fmt.Sprintf("INSERT INTO %s (%s, network, _file, _line, _hour) SELECT %s, '%s', concat('%s-', toString(hour)), line, hour FROM %s",
			typ, strings.Join(names, ", "), strings.Join(cells, ", "), network, typ, table))
	}
}

// cheatingAndHonest fills a store with ten days of two networks that share every id; in one
// of them some affiliates cheat.
func cheatingAndHonest(t *testing.T, st *store.Store) gen.Planted {
	t.Helper()
	since := time.Date(2016, 9, 1, 0, 0, 0, 0, time.UTC)
	config := gen.Config{Seed: 7, Since: since, Count: func(typ rawlog.Type, _ time.Time) int {
		if typ == rawlog.Conversions {
			return 12
		}
		return 150
	}}
	config.Habits.Real = true
	fillFrom(t, st, "honest", gen.New(config), since, 240)
	config.Habits.Hijackers, config.Habits.Flooders = 2, 2
	cheating := gen.New(config)
	fillFrom(t, st, "cheating", cheating, since, 240)
	return cheating.Planted()
}

const someDays = "first_day = '2016-09-02', last_day = '2016-09-30'"

// The analysts' views find the affiliates who cheat and no others, in the network where
// they do and not in another one that shares every id.
func TestViewsFindCheats(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	planted := cheatingAndHonest(t, st)
	// A log of conversions that does not say when the click happened.
	exec(t, st, "INSERT INTO conversions (network, transaction_id, id, offer_id, affiliate_id, affiliate_source, datetime, _file, _line) SELECT 'silent', transaction_id, id, offer_id, affiliate_id, affiliate_source, datetime, _file, _line FROM conversions WHERE network = 'cheating'")
	exec(t, st, "INSERT INTO clicks (network, transaction_id, datetime) SELECT 'silent', transaction_id, datetime FROM clicks WHERE network = 'cheating'")
	// A gateway behind which people are, with all affiliates' clicks; and that address in another
	// network, where it is nobody's in particular.
	exec(t, st, "INSERT INTO clicks (network, affiliate_id, datetime, ip) SELECT 'honest', number % 30, toDateTime('2016-09-05 10:00:00', 'UTC'), '10.0.0.1' FROM numbers(30 * 200)")
	exec(t, st, "INSERT INTO clicks (network, affiliate_id, datetime, ip) SELECT 'cheating', 3, toDateTime('2016-09-05 10:00:00', 'UTC'), '10.0.0.1' FROM numbers(99)")
	// Addresses that are not known, and many clicks of another month.
	exec(t, st, "INSERT INTO clicks (network, affiliate_id, datetime) SELECT 'honest', 4, toDateTime('2016-09-05 10:00:00', 'UTC') FROM numbers(500)")
	exec(t, st, "INSERT INTO clicks (network, affiliate_id, datetime, ip) SELECT 'honest', 5, toDateTime('2016-10-01 00:00:00', 'UTC'), '10.0.0.2' FROM numbers(500)")

	of := func(ids []int, networks ...string) string {
		var found []string
		for _, network := range networks {
			for _, id := range ids {
				found = append(found, fmt.Sprintf("('%s',%d)", network, id))
			}
		}
		return "[" + strings.Join(found, ",") + "]"
	}
	const who = "SELECT toString(arraySort(groupUniqArray((CAST(network AS String), affiliate_id)))) FROM "
	for query, want := range map[string]string{
		"fraud_ctit(" + someDays + ", least = 30) WHERE suspicion = 'hijacking'":                               of(planted.Hijackers, "cheating", "silent"),
		"fraud_ctit(" + someDays + ", least = 30) WHERE suspicion = 'flooding'":                                of(planted.Flooders, "cheating", "silent"),
		"fraud_addresses(" + someDays + ", least = 100) WHERE kind = 'ip' AND share_of_address >= 0.5":         of(planted.Flooders, "cheating"),
		"fraud_addresses(" + someDays + ", least = 10) WHERE kind = 'device' AND share_of_address >= 0.5":      of(planted.Flooders, "cheating"),
		"fraud_addresses(" + someDays + ", least = 100) WHERE address = '10.0.0.1' AND share_of_address >= .1": "[]",
		"fraud_ctit(" + someDays + ", least = 100000)":                                                         "[]",
	} {
		if got := text(t, st, who+query); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	const gateway = "SELECT toString((count(), min(clicks), max(of_address), max(network))) FROM fraud_addresses(" + someDays + ", least = 100) WHERE address = '10.0.0.1'"
	if got := text(t, st, gateway); got != "(30,200,6000,'honest')" {
		t.Errorf("the gateway: %s", got)
	}
}

// Each conversion has the click that it came from, of its own network, and windows count
// what the conversions themselves say.
func TestConversionPaths(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	cheatingAndHonest(t, st)
	exec(t, st, `INSERT INTO clicks (network, transaction_id, datetime, ip, user_agent, country_code, access_control_decision, _file, _line) VALUES
		('odd', 'early', '2016-08-01 00:00:00', '10.0.0.1', 'a', 'CZ', 'allow', 'f', 2), ('odd', 'twice', '2016-09-02 00:00:09', '10.0.0.9', 'a', 'CZ', 'deny', 'f', 4),
		('odd', 'twice', '2016-09-02 00:00:05', '::', 'b', '', 'deny', 'f', 3), ('other', 'absent', '2016-09-02 00:00:05', '10.0.0.1', 'b', '', '', 'f', 3)`)
	exec(t, st, `INSERT INTO conversions (network, transaction_id, datetime, session_datetime, ip, user_agent, country_code, _file, _line) VALUES
		('odd', 'early', '2016-09-11 00:00:00', 0, '10.0.0.1', 'x', 'CZ', 'c', 2), ('odd', 'twice', '2016-09-30 23:59:59', 0, '10.0.0.1', 'b', 'CZ', 'c', 3),
		('odd', 'absent', '2016-09-03 00:00:00', '2016-09-02 00:00:00', '10.0.0.1', 'b', 'CZ', 'c', 4), ('odd', '', '2016-09-04 00:00:00', 0, '::', '', '', 'c', 5),
		('odd', 'twice', '2016-10-01 00:00:00', 0, '10.0.0.1', 'b', 'CZ', 'c', 6), ('odd', 'back', '2016-09-04 00:00:00', '2016-09-04 00:00:01', '10.0.0.1', 'b', 'CZ', 'c', 7)`)
	// A correction of amounts is not a conversion.
	exec(t, st, `INSERT INTO conversions (network, transaction_id, datetime, session_datetime, is_adjustment, status, payout_cents, _file, _line) VALUES
		('odd', 'absent', '2016-09-05 00:00:00', '2016-09-02 00:00:00', 1, 'rejected', -250, 'c', 8)`)
	for query, want := range map[string]string{
		// What was made up: a click each, and the time that the conversion says.
		"SELECT toString((count(), countIf(clicks = 1 AND seconds >= 0 AND same_country = 1), sum(seconds))) FROM conversion_paths(" + someDays + ") WHERE network = 'cheating'": text(t, st,
			"SELECT toString((count(), count(), toInt64(sum(datetime - session_datetime)))) FROM conversions WHERE network = 'cheating' AND datetime >= '2016-09-02'"),
		"SELECT toString((count(), uniqExact(network, _file, _line))) FROM conversion_paths(" + someDays + ")": text(t, st,
			"SELECT toString((count(), count())) FROM conversions WHERE is_adjustment = 0 AND datetime BETWEEN '2016-09-02 00:00:00' AND '2016-09-30 23:59:59'"),
		"SELECT toString(groupArray((_line, clicks, seconds, same_ip, same_agent, same_country, access_control_decision, click_line))) FROM (SELECT * FROM conversion_paths(" + someDays + ") WHERE network = 'odd' ORDER BY _line)": "[" +
			"(2,1,3542400,1,0,1,'allow',2),(3,2,2505594,NULL,1,NULL,'deny',3),(4,0,86400,NULL,NULL,NULL,NULL,NULL),(5,0,NULL,NULL,NULL,NULL,NULL,NULL),(7,0,-1,NULL,NULL,NULL,NULL,NULL)]",
		"SELECT toString((sum(conversions), sum(unknown), sum(within_1d), sum(within_45d), max(longest))) FROM attribution_windows WHERE network = 'odd'": "(6,5,1,1,86400)",
		"SELECT toString((sum(conversions), sum(rejected), sum(unknown), sum(within_1h), sum(within_7d), max(longest))) FROM attribution_windows WHERE network = 'honest'": text(t, st,
			"SELECT toString((count(), countIf(status = 'rejected'), 0, countIf(datetime - session_datetime <= 3600), countIf(datetime - session_datetime <= 604800), toInt64(max(datetime - session_datetime)))) FROM conversions WHERE network = 'honest'"),
		// Repetitions are rejected as such, and come after what they repeat.
		"SELECT toString((countIf(status_code = 12) > 50, countIf(status_code = 12 AND (status != 'rejected' OR nth = 1)))) FROM (SELECT *, row_number() OVER (PARTITION BY network, transaction_id ORDER BY converted_at, status_code = 12) AS nth FROM conversion_paths(first_day = '2016-09-01', last_day = '2016-09-30'))": "(1,0)",
	} {
		if got := text(t, st, query); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
}

// A parameter that is missing, misspelt or no date is named.
func TestViewParameters(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	for query, want := range map[string]string{
		"SELECT count() FROM fraud_ctit(first_day = '2016-09-02', last_day = '2016-09-30')":                 "`least` is not set",
		"SELECT count() FROM conversion_paths(first_day = '2016-09-02', last_dya = '2016-09-30')":           "`last_day` is not set",
		"SELECT count() FROM fraud_addresses(first_day = '2016-09', last_day = '2016-09-30', least = 1)":    "'first_day'",
		"SELECT count() FROM fraud_ctit(first_day = '2016-09-02', last_day = '2016-09-30', least = 'many')": "'least'",
	} {
		if err := st.Conn().Exec(t.Context(), query); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", query, err, want)
		}
	}
}

// What the view of all events sums up to is what the logs say, and no currency, hour or
// network is added to another.
func TestPerformance(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	exec(t, st, "INSERT INTO impressions (network, datetime, offer_id, currency, payout_cents, revenue_cents) SELECT arrayJoin(['a', 'b']), toDateTime('2016-09-09 00:00:00', 'UTC') + number, 1, if(number % 2 = 0, 'USD', 'EUR'), 0.5, 1 FROM numbers(7200)")
	exec(t, st, "INSERT INTO clicks (network, datetime, offer_id, currency, is_click_unique, payout_cents, revenue_cents) SELECT 'a', toDateTime('2016-09-09 00:59:00', 'UTC') + number, 1, 'USD', number % 3 = 0, 1, 3 FROM numbers(90)")
	exec(t, st, `INSERT INTO conversions (network, datetime, offer_id, currency, status, is_adjustment, payout_cents, revenue_cents) VALUES
		('a', '2016-09-09 00:00:00', 1, 'USD', 'approved', 0, 1000, 2000), ('a', '2016-09-09 00:00:00', 1, 'USD', '', 0, 10, 20), ('a', '2016-09-09 00:00:00', 1, 'USD', 'pending', 0, 7777, 7777),
		('a', '2016-09-09 00:00:00', 1, 'USD', 'rejected', 0, 7777, 7777), ('a', '2016-09-09 00:30:00', 1, 'USD', 'rejected', 1, -500, -1000), ('a', '2016-09-09 00:00:00', 2, 'USD', 'approved', 0, 99, 99)`)
	const sums = "sum(impressions), sum(clicks), sum(unique_clicks), sum(conversions), sum(pending), sum(rejected), toString(sum(payout)), toString(sum(revenue)), toString(sum(margin))"
	for query, want := range map[string]string{
		"SELECT toString((" + sums + ")) FROM performance WHERE network = 'a' AND offer_id = 1 AND currency = 'USD' AND hour = '2016-09-09 00:00:00'": "(1800,60,20,2,1,1,'14.7','30','15.3')",
		"SELECT toString((" + sums + ")) FROM performance WHERE network = 'a' AND offer_id = 1 AND currency = 'USD' AND hour = '2016-09-09 01:00:00'": "(1800,30,10,0,0,0,'9.3','18.9','9.6')",
		"SELECT toString((" + sums + ")) FROM performance WHERE network = 'b' AND currency = 'EUR'":                                                   "(3600,0,0,0,0,0,'18','36','18')",
	} {
		if got := text(t, st, query); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
}
