package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"rawlogs/internal/ended"
	"rawlogs/internal/store"
)

// The year of rows that is asked: the last month has half of them, as a dashboard's month
// is to be a hard one, and the eleven before share the rest, as a roll-up's size goes by
// the hours that it covers and not by the rows.
var (
	firstDay = time.Date(2015, 10, 1, 0, 0, 0, 0, time.UTC)
	lastDay  = time.Date(2016, 9, 30, 0, 0, 0, 0, time.UTC)
	busy     = time.Date(2016, 9, 1, 0, 0, 0, 0, time.UTC) // the month that has half of the rows
)

// volume is how many rows an hour of the two spans has.
type volume struct{ usual, busy int }

// spread is the volume of a year of so many rows.
func spread(rows int) volume {
	usual := int(busy.Sub(firstDay)/time.Hour) + 1
	return volume{max(rows/2/usual, 1), max(rows/2/(30*24), 1)}
}

// at is the rows of an hour of a day.
func (v volume) at(day time.Time) int {
	if day.Before(busy) {
		return v.usual
	}
	return v.busy
}

// fill makes the rows that a store lacks yet, day by day from a seed: a store that was left
// half filled is filled on. Nothing of it leaves the server.
func fill(ctx context.Context, st *store.Store, o options) error {
	if _, err := st.Apply(ctx); err != nil {
		return err
	}
	clicks, impressions := spread(o.clicks), spread(o.impressions)
	converted := max(o.clicks/o.conversions, 1)
	for _, kind := range []struct {
		table  string
		volume volume
		insert func(day time.Time, hourly int) string
	}{
		{"clicks", clicks, func(day time.Time, hourly int) string { return clicksOf(o.seed, day, hourly) }},
		{"conversions", clicks, func(day time.Time, hourly int) string { return conversionsOf(o.seed, day, hourly, converted) }},
		{"impressions", impressions, func(day time.Time, hourly int) string { return impressionsOf(o.seed, day, hourly) }},
	} {
		done, err := made(ctx, st, kind.table)
		if err != nil {
			return err
		}
		began, rows := time.Now(), 0
		for day := firstDay; !day.After(lastDay); day = day.AddDate(0, 0, 1) {
			if done[insertOf(o.seed, day)] {
				continue
			}
			if err := st.Conn().Exec(ctx, kind.insert(day, kind.volume.at(day))); err != nil {
				return fmt.Errorf("%s of %s: %w", kind.table, day.Format(time.DateOnly), err)
			}
			rows += 24 * kind.volume.at(day)
			if day.Day() == 1 {
				fmt.Fprintf(os.Stderr, "%s until %s: %d rows in %.0f s\n", kind.table, day.Format(time.DateOnly), rows, time.Since(began).Seconds())
			}
		}
	}
	return settle(ctx, st)
}

// insertOf is the id that the rows of a day have: those of another seed are told from it.
func insertOf(seed int, day time.Time) uint64 {
	return uint64(seed)*1_000_000 + uint64(day.Unix()/86400)
}

// made lists the days of which a table has rows: a statement's rows are there or not. One
// that spreads over months, as that of conversions does, is not whole when the process
// is killed in it; then the store is made anew.
func made(ctx context.Context, st *store.Store, table string) (map[uint64]bool, error) {
	rows, err := st.Conn().Query(ctx, "SELECT DISTINCT _insert FROM "+st.Holding(table))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	done := map[uint64]bool{}
	for rows.Next() {
		var id uint64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		done[id] = true
	}
	return done, rows.Err()
}

// settle merges parts until the server has nothing left to merge, the state some hours after a backfill.
func settle(ctx context.Context, st *store.Store) error {
	if err := withoutEmptyParts(ctx, st); err != nil {
		return err
	}
	for _, table := range store.RawTables() {
		began, merges := time.Now(), 0
		for done := false; !done; {
			n, err := merge(ctx, st, table)
			if merges += n; err == nil {
				done, err = settled(ctx, st, table)
			}
			if err != nil {
				return fmt.Errorf("merging %s: %w", table, err)
			}
		}
		if merges > 0 {
			fmt.Fprintf(os.Stderr, "%s: %d merges in %.0f s\n", table, merges, time.Since(began).Seconds())
		}
	}
	return nil
}

// merge requests merges until the server declines, and returns how many ran.
func merge(ctx context.Context, st *store.Store, table string) (merges int, err error) {
	const nothingToMerge = 388
	for ; ; merges++ {
		err = st.Conn().Exec(ctx, "OPTIMIZE TABLE "+st.Holding(table)+" SETTINGS optimize_throw_if_noop = 1")
		if ex := new(clickhouse.Exception); errors.As(err, &ex) && ex.Code == nothingToMerge {
			return merges, nil
		}
		if err != nil {
			return merges, err
		}
	}
}

// settled reports whether no merge of the table is running; if one is, it waits a moment first.
// It returns an error if adjacent parts would fit into one but were not merged: something blocks
// them. A tiny part next to a large one does not count, as the server leaves it for later.
func settled(ctx context.Context, st *store.Store, table string) (bool, error) {
	var merging, apart uint64
	err := st.Conn().QueryRow(ctx, `
		SELECT
			(SELECT count() FROM system.merges WHERE database = ? AND table = ?),
			(SELECT countIf(parts > 1 AND bytes < ? AND least * 50 > bytes) FROM (
				SELECT count() OVER two AS parts, sum(bytes_on_disk) OVER two AS bytes, min(bytes_on_disk) OVER two AS least
				FROM system.parts WHERE active AND database = ? AND table = ?
				WINDOW two AS (PARTITION BY partition_id ORDER BY min_block_number ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)))`,
		st.Database(), table, store.PartBytes*9/10, st.Database(), table).Scan(&merging, &apart)
	switch {
	case err != nil:
		return false, err
	case merging > 0:
		return false, ended.Wait(ctx, time.Second)
	case apart > 0:
		return false, fmt.Errorf("%d parts are not merged with their neighbors, and could be", apart)
	}
	return true, nil
}

// withoutEmptyParts waits until the server has taken away the empty parts that deletions left,
// as it merges none across them. It does so every half a minute.
func withoutEmptyParts(ctx context.Context, st *store.Store) error {
	for end := time.Now().Add(2 * time.Minute); ; {
		var left uint64
		err := st.Conn().QueryRow(ctx, "SELECT count() FROM system.parts WHERE active AND rows = 0 AND database = ? AND table IN ?", st.Database(), store.RawTables()).Scan(&left)
		if err != nil || left == 0 {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("%d empty parts are still there after two minutes", left)
		}
		if err := ended.Wait(ctx, time.Second); err != nil {
			return err
		}
	}
}

// draw is a number from 0 to 2^64 that a row has for a purpose; the same seed, day and row
// always draw the same.
func draw(seed int, day time.Time, row string, purpose int) string {
	return fmt.Sprintf("cityHash64(%d, toDate('%s'), %s, %d)", seed, day.Format(time.DateOnly), row, purpose)
}

// part is the same as a share of 1.
func part(seed int, day time.Time, row string, purpose int) string {
	return "(" + draw(seed, day, row, purpose) + " / 18446744073709551616.)"
}

// common are the expressions of what a click, its conversion and an impression have alike.
// Few offers, affiliates, countries and agents have most of the rows.
func common(seed int, day time.Time, row, hourly string) []string {
	d := func(purpose int) string { return draw(seed, day, row, purpose) }
	u := func(purpose int) string { return part(seed, day, row, purpose) }
	return []string{
		"intDiv(" + row + ", " + hourly + ") AS h",
		"toDateTime('" + day.Format(time.DateOnly) + " 00:00:00', 'UTC') + h * 3600 AS hr",
		d(5) + " AS x",
		"toUInt32(1 + floor(600 * pow(" + u(1) + ", 2.2))) AS aff",
		"toUInt32(1 + floor(24 * pow(" + u(2) + ", 1.6))) AS slot", // which of the offers that the affiliate runs
		"toUInt32(1 + floor(400 * pow(cityHash64(aff, slot, " + fmt.Sprint(seed) + ") / 18446744073709551616., 2.0))) AS offer",
		"['US','DE','GB','FR','BR','IN','ES','IT','PL','NL','MX','CA','JP','AU','ID','TR','SE','AT','CH','BE'][toUInt32(1 + floor(20 * pow(" + u(3) + ", 2)))] AS cc",
		"toUInt32(floor(3000 * pow(" + u(4) + ", 3))) AS ua",
		"toUInt32(16777216 + floor(3000000 * pow(" + u(14) + ", 1.5)) * 997) AS v4",
		"hr + " + d(11) + " % 3600 AS clicked",
	}
}

// columns are a table's and the expressions that fill them, in pairs.
type columns [][2]string

func (c columns) insert(table string, with []string, from string) string {
	names, values := make([]string, len(c)), make([]string, len(c))
	for i, pair := range c {
		names[i], values[i] = pair[0], pair[1]
	}
	return "INSERT INTO " + table + " (" + strings.Join(names, ", ") + ") WITH " + strings.Join(with, ", ") + " SELECT " + strings.Join(values, ", ") + " FROM " + from
}

// shared are the columns that all three tables have.
func shared(seed int, day time.Time, row, table, when string) columns {
	d := func(purpose int) string { return draw(seed, day, row, purpose) }
	return columns{
		{"transaction_id", "lower(hex(" + d(6) + ")) || lower(hex(" + d(7) + "))"},
		{"affiliate_id", "aff"}, {"affiliate_manager_id", "toUInt32(aff % 12 + 1)"},
		{"offer_id", "offer"}, {"advertiser_id", "toUInt32(offer % 90 + 1)"},
		{"affiliate_source", "'src' || toString(" + d(8) + " % (20 + aff % 200))"},
		{"datetime", when},
		{"ip", "toIPv6('::ffff:' || IPv4NumToString(v4))"},
		{"user_agent", "'Mozilla/5.0 (agent ' || toString(ua) || ') AppleWebKit/537.36 (KHTML, like Gecko) Version/' || toString(ua % 80)"},
		{"country_code", "cc"}, {"browser_id", "toUInt32(ua % 40)"},
		{"currency", "['USD','EUR','GBP'][1 + offer % 10 % 3]"},
		{"network", "'acme'"},
		{"_file", "'" + table + "/' || formatDateTime(toStartOfHour(" + when + "), '%Y-%m-%d/%H', 'UTC') || '.zip'"},
		{"_hour", "toStartOfHour(" + when + ")"}, {"_line", "toUInt32(number + 2)"}, {"_insert", fmt.Sprint(insertOf(seed, day))},
	}
}

func clicksOf(seed int, day time.Time, hourly int) string {
	d := func(purpose int) string { return draw(seed, day, "number", purpose) }
	device := func(purpose, people int) string {
		id := fmt.Sprintf("%s %% %d", d(purpose), people)
		return "lower(hex(cityHash64(" + id + ", 1))) || lower(hex(cityHash64(" + id + ", 2)))"
	}
	all := append(shared(seed, day, "number", "clicks", "clicked"), columns{
		{"advertiser_manager_id", "toUInt32(offer % 7 + 1)"},
		{"affiliate_sub1", "'s1_' || toString(" + d(9) + " % 5000)"},
		{"affiliate_sub2", "if(x % 3 = 0, toString(" + d(10) + " % 1000000), '')"},
		{"revenue_cents", "toDecimal64(if(offer % 9 = 0, 12 + offer % 30, 0), 4)"}, {"payout_cents", "toDecimal64(if(offer % 9 = 0, 8 + offer % 20, 0), 4)"},
		{"refer", "if(x % 4 = 0, '', 'https://site' || toString(" + d(12) + " % 3000) || '.example/p/' || toString(" + d(13) + " % 100000))"},
		{"url", "'https://go.example/aff_c?offer_id=' || toString(offer) || '&aff_id=' || toString(aff)"},
		{"is_click_unique", "toUInt8(x % 100 < 88)"},
		{"payout_type", "if(offer % 9 = 0, 'cpc', 'cpa_flat')"}, {"revenue_type", "if(offer % 9 = 0, 'cpc', 'cpa_flat')"},
		{"device_brand", "['Apple','Samsung','Huawei','Xiaomi','Generic','Google','Sony'][1 + ua % 7]"}, {"device_model", "'M' || toString(ua % 700)"},
		{"device_os", "['iOS','Android','Windows','macOS','Linux'][1 + ua % 5]"}, {"device_os_version", "toString(ua % 30)"},
		{"google_aid", "if(x % 10 < 3, " + device(15, 9_000_000) + ", '')"}, {"ios_ifa", "if(x % 10 IN (4, 5), " + device(16, 5_000_000) + ", '')"},
		{"req_connection_speed", "['broadband','mobile','corporate'][1 + x % 3]"},
		{"access_control_decision", "if(x % 10 = 9, 'deny', 'allow')"},
	}...)
	return all.insert("clicks", common(seed, day, "number", fmt.Sprint(hourly)), fmt.Sprintf("numbers(%d)", 24*hourly))
}

// conversionsOf are those of every n-th click of a day: three of four within an hour, nearly
// all within a day, and some up to 41 days later.
func conversionsOf(seed int, day time.Time, hourly, nth int) string {
	row := fmt.Sprintf("(number * %d)", nth)
	lag := part(seed, day, row, 21)
	with := append(common(seed, day, row, fmt.Sprint(hourly)),
		"toUInt32(multiIf("+lag+" < 0.75, 20 + 3580 * pow("+part(seed, day, row, 22)+", 2), "+lag+" < 0.94, 3600 + 82800 * "+part(seed, day, row, 22)+", 86400 + 3456000 * pow("+part(seed, day, row, 22)+", 3))) AS later",
		draw(seed, day, row, 23)+" AS y")
	all := append(shared(seed, day, row, "conversions", "(clicked + later)"), columns{
		{"id", fmt.Sprintf("toUInt64(%d * 1000000 + number)", insertOf(seed, day))},
		{"session_datetime", "clicked"}, {"session_ip", "toIPv6('::ffff:' || IPv4NumToString(v4))"},
		{"revenue_cents", "toDecimal64(offer % 9 * 100 + 150 + y % 900, 4)"}, {"payout_cents", "toDecimal64(offer % 9 * 70 + 100 + y % 600, 4)"},
		{"status", "multiIf(y % 100 < 88, 'approved', y % 100 < 92, 'pending', 'rejected')"}, {"status_code", "if(y % 100 < 92, 0, 12)"},
		{"payout_type", "'cpa_flat'"}, {"revenue_type", "'cpa_flat'"},
	}...)
	return all.insert("conversions", with, fmt.Sprintf("numbers(%d)", 24*hourly/nth))
}

func impressionsOf(seed int, day time.Time, hourly int) string {
	all := append(shared(seed, day, "number", "impressions", "clicked"), columns{
		{"revenue_cents", "toDecimal64(if(offer % 27 = 0, 1, 0), 4)"}, {"payout_cents", "toDecimal64(if(offer % 27 = 0, 1, 0) / 2, 4)"},
		{"device_os", "['iOS','Android','Windows','macOS','Linux'][1 + ua % 5]"},
	}...)
	return all.insert("impressions", common(seed, day, "number", fmt.Sprint(hourly)), fmt.Sprintf("numbers(%d)", 24*hourly))
}
