package trace_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
	"rawlogs/internal/trace"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func exec(t *testing.T, st *store.Store, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if err := st.Conn().Exec(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func ask(t *testing.T, st *store.Store, q trace.Question) *trace.Trace {
	t.Helper()
	if q.By == "" {
		q.By = trace.Transaction
	}
	if q.Limit == 0 {
		q.Limit = 20
	}
	out, err := trace.Ask(t.Context(), st, q)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func text(t *testing.T, out *trace.Trace) string {
	t.Helper()
	var b strings.Builder
	if err := out.Print(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// plant puts two networks into a store that share every id.
func plant(t *testing.T) *store.Store {
	st := testkit.Database(t)
	const row = "network, _file, _line, _hour, transaction_id, offer_id, affiliate_id, datetime"
	exec(t, st,
		"INSERT INTO impressions ("+row+") VALUES ('a', 'a/i', 2, '2016-09-09 00:00:00', 'x', 1, 2, '2016-09-09 00:00:01')",
		"INSERT INTO clicks ("+row+", ip, affiliate_click_id, google_aid, payout_cents, currency) VALUES "+
			"('a', 'a/c', 3, '2016-09-09 00:00:00', 'x', 1, 2, '2016-09-09 00:00:09', '1.2.3.4', 'aff', 'dev', 12.5, 'EUR'), "+
			"('b', 'b/c', 4, '2016-09-09 00:00:00', 'x', 1, 2, '2016-09-09 00:00:10', '1.2.3.5', 'aff', 'dev', 0, 'USD'), "+
			"('a', 'a/c', 5, '2016-09-09 00:00:00', 'y', 1, 2, '2016-09-09 00:30:00', '2001:db8::1', 'other', 'dev', 0, 'EUR'), "+
			"('a', 'a/far', 6, '2015-01-01 00:00:00', 'far', 7, 8, '2015-01-01 00:00:00', '9.9.9.9', '', '', 0, 'EUR')",
		"INSERT INTO conversions ("+row+", id, session_datetime, payout_cents, revenue_cents, status, status_code, currency, session_ip) VALUES "+
			"('a', 'a/v', 2, '2016-09-12 00:00:00', 'x', 1, 2, '2016-09-12 00:00:00', 70, '2016-09-09 00:00:09', 80, 150, 'approved', 43, 'EUR', '1.2.3.4'), "+
			"('b', 'b/v', 2, '2016-09-12 00:00:00', 'x', 1, 2, '2016-09-12 00:00:00', 70, '2016-09-09 00:00:10', 90, 100, 'pending', 0, 'USD', '1.2.3.5'), "+
			"('a', 'a/v', 9, '2016-09-13 00:00:00', 'far', 1, 2, '2016-09-13 00:00:00', 71, '2016-09-10 00:00:00', 1, 1, 'approved', 0, 'EUR', '9.9.9.9')",
		"INSERT INTO conversion_report (network, _file, _line, _hour, ad_id, id, offer_id, affiliate_id, datetime, session_datetime, payout, revenue, status, currency, _loaded_at) VALUES "+
			"('a', 'report/1', 2, '2016-09-12 00:00:00', 'x', 70, 1, 2, '2016-09-12 00:00:00', '2016-09-09 00:00:09', 0.8, 1.5, 'approved', 'EUR', '2016-09-13 00:00:00')",
		// The second names its conversion by nothing but the id, which b has, too.
		"INSERT INTO conversion_updates (network, id, ad_id, offer_id, affiliate_id, datetime, status, payout, revenue, currency, found, valid_from) VALUES "+
			"('a', 70, 'x', 1, 2, '2016-09-12 00:00:00', 'pending', 0.7, 1.5, 'EUR', 'updated', '2016-09-14 00:00:00'), "+
			"('a', 70, '', 1, 2, '2016-09-12 00:00:00', 'rejected', 0, 0, 'EUR', 'updated', '2016-09-15 08:30:00'), "+
			"('a', 99, '', 1, 2, '2016-09-12 00:00:00', 'rejected', 0, 0, 'EUR', 'updated', '2016-09-15 00:00:00')",
	)
	return st
}

func TestStory(t *testing.T) {
	t.Parallel()
	st := plant(t)
	got := text(t, ask(t, st, trace.Question{Value: "x"}))
	want := `network a, transaction x
time (UTC)           what           id  offer  affiliate  status         payout  revenue  currency  address  file:line
───────────────────  ─────────────  ──  ─────  ─────────  ─────────────  ──────  ───────  ────────  ───────  ──────────
2016-09-09 00:00:01  impression         1      2                           0.00     0.00                     a/i:2
2016-09-09 00:00:09  click              1      2                          0.125     0.00  EUR       1.2.3.4  a/c:3
2016-09-12 00:00:00  conversion     70  1      2          approved (43)    0.80     1.50  EUR       1.2.3.4  a/v:2
2016-09-12 00:00:00  in the report  70  1      2          approved         0.80     1.50  EUR                report/1:2
2016-09-14 00:00:00  update         70  1      2          pending          0.70     1.50  EUR
2016-09-15 08:30:00  update         70  1      2          rejected         0.00     0.00  EUR
now: conversion 70: rejected, payout 0.00, revenue 0.00 EUR, known since 2016-09-15 08:30; then: approved, payout 0.80, revenue 1.50 EUR

network b, transaction x
time (UTC)           what        id  offer  affiliate  status   payout  revenue  currency  address  file:line
───────────────────  ──────────  ──  ─────  ─────────  ───────  ──────  ───────  ────────  ───────  ─────────
2016-09-09 00:00:10  click           1      2                     0.00     0.00  USD       1.2.3.5  b/c:4
2016-09-12 00:00:00  conversion  70  1      2          pending    0.90     1.00  USD       1.2.3.5  b/v:2
now: conversion 70: pending, payout 0.90, revenue 1.00 USD; then: pending, payout 0.90, revenue 1.00 USD
clicks and impressions were looked for in files of 2016-09-07 00:00 to 2016-09-14 00:00 (UTC), for the same offer and affiliate; --everywhere looks at all
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	one := ask(t, st, trace.Question{Value: "x", Network: "b"})
	if len(one.Stories) != 1 || one.Stories[0].Network != "b" || len(one.Stories[0].Updates) != 0 {
		t.Errorf("%+v", one.Stories)
	}
}

// A click that is not where its conversion says is found all the same.
func TestStoryFromAfar(t *testing.T) {
	t.Parallel()
	st := plant(t)
	out := ask(t, st, trace.Question{Value: "far"})
	if len(out.Stories) != 1 || len(out.Stories[0].Clicks) != 1 || len(out.Stories[0].Conversions) != 1 {
		t.Fatalf("%+v", out.Stories)
	}
	if out = ask(t, st, trace.Question{Value: "x", Everywhere: true}); out.LookedFrom != "" {
		t.Errorf("looked from %s", out.LookedFrom)
	}
	if out = ask(t, st, trace.Question{Value: "none"}); len(out.Stories) != 0 || text(t, out) != "nothing with transaction_id none\n" {
		t.Errorf("%+v", out)
	}
	if out = ask(t, st, trace.Question{Value: "y"}); len(out.Stories) != 1 || len(out.Stories[0].Clicks) != 1 { // no conversion names it
		t.Errorf("%+v", out.Stories)
	}
}

func TestStoriesBy(t *testing.T) {
	t.Parallel()
	st := plant(t)
	period, err := rawlog.ParsePeriod("20150101")
	if err != nil {
		t.Fatal(err)
	}
	for want, q := range map[string]trace.Question{
		"a x, b x, a y": {By: trace.Device, Value: "dev"},
		"a x, b x":      {By: trace.AffiliateClick, Value: "aff", Everywhere: true},
		"a x":           {By: trace.Address, Value: "1.2.3.4", Network: "a"},
		"a y":           {By: trace.Address, Value: "2001:db8::1"},
		"a far":         {By: trace.Address, Value: "9.9.9.9"},
		"":              {By: trace.Address, Value: "1.2.3.4", Periods: []rawlog.Period{period}},
	} {
		var got []string
		for _, s := range ask(t, st, q).Stories {
			got = append(got, s.Network+" "+s.Transaction)
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%+v: %v, want %s", q, got, want)
		}
	}
	out := ask(t, st, trace.Question{By: trace.Device, Value: "dev", Limit: 1})
	if !out.More || !strings.Contains(text(t, out), "--limit shows more") {
		t.Errorf("the limit is not told: %+v", out)
	}
	if out = ask(t, st, trace.Question{By: trace.Device, Value: "dev", Limit: 2}); out.More {
		t.Error("two transactions are two")
	}
	exec(t, st, "INSERT INTO clicks (network, _file, _line, _hour, transaction_id, datetime) SELECT 'a', 'a/loop', number, '2016-09-09 00:00:00', 'loop', '2016-09-09 00:00:00' FROM numbers(1001)")
	if out = ask(t, st, trace.Question{Value: "loop"}); len(out.Cut) != 1 || len(out.Stories[0].Clicks) != trace.MaxRows || !strings.Contains(text(t, out), "first 1,000 rows of clicks") {
		t.Errorf("cut: %v", out.Cut)
	}
}

// named makes names; one in three of them is none.
func named(random *rand.Rand, prefix string, most int, none string) func() string {
	return func() string {
		if n := random.IntN(most + most/2); n < most {
			return fmt.Sprint(prefix, n+1)
		}
		return none
	}
}

// What a conversion is worth by now is what conversions_current says, however lines, the
// report and updates name one another: all of them nearly all, or each a few.
func TestNowIsTheView(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	random := rand.New(rand.NewPCG(14, 1))
	var lines, listed, changes, asked []string
	for _, some := range []struct {
		networks, most, lines, listed, changes int
	}{{2, 6, 30, 12, 16}, {1, 40, 40, 25, 25}} {
		network := func() string { return fmt.Sprint("of ", some.most, " ", random.IntN(some.networks)) }
		of, ids, events := fmt.Sprint("t", some.most, "-"), some.most*2/3, fmt.Sprint("e", some.most, "-")
		id, event, click := named(random, fmt.Sprint(some.most), ids, "0"), named(random, events, ids, ""), named(random, of, some.most, "")
		for range some.lines {
			i := len(lines)
			lines = append(lines, fmt.Sprintf("('%s', 'f', %d, '2016-09-09 00:00:00', '%s', %s, '%s', %d, %d, 'approved', toDateTime('2016-09-09 00:00:00') + %d)", network(), i, click(), id(), event(), random.IntN(2), random.IntN(100), i))
		}
		for range some.listed {
			i := len(listed)
			listed = append(listed, fmt.Sprintf("('%s', 'd', %d, '2016-09-09 00:00:00', '%s', %s, '%s', %d, %d, 'pending', toDateTime('2016-09-09 00:00:00') + %d)", network(), i, click(), id(), event(), random.IntN(2), random.IntN(100), i))
		}
		for range some.changes {
			i := len(changes)
			changes = append(changes, fmt.Sprintf("('%s', %s, '%s', '%s', %d, 'rejected', %d, '%s', toDateTime64('2016-09-10 00:00:00', 3) + %d)", network(), id(), event(), click(), random.IntN(2), random.IntN(9), []string{"updated", "added"}[random.IntN(2)], i))
		}
		for i := range 3 {
			asked = append(asked, fmt.Sprint(of, i+1))
		}
	}
	exec(t, st,
		"INSERT INTO conversions (network, _file, _line, _hour, transaction_id, id, tune_event_id, goal_id, payout_cents, status, datetime) VALUES "+strings.Join(lines, ", "),
		"INSERT INTO conversion_report (network, _file, _line, _hour, ad_id, id, tune_event_id, goal_id, payout, status, datetime) VALUES "+strings.Join(listed, ", "),
		"INSERT INTO conversion_updates (network, id, tune_event_id, ad_id, goal_id, status, payout, found, valid_from) VALUES "+strings.Join(changes, ", "))
	var view []string
	if err := st.Conn().QueryRow(t.Context(), `SELECT arraySort(groupArray(concat(transaction_id, ' ', network, ' ', if(_line = 0, '<nil>', toString(_line)), ' ', origin, ' ', status, ' ', if(updated_at IS NULL, 'false', 'true'))))
		FROM (SELECT * FROM conversions_current WHERE transaction_id IN ?)`, asked).Scan(&view); err != nil {
		t.Fatal(err)
	}
	for _, id := range asked {
		var got, want []string
		for _, s := range ask(t, st, trace.Question{Value: id}).Stories {
			for _, r := range s.Now {
				got = append(got, fmt.Sprint(id, " ", s.Network, " ", r["_line"], " ", r["origin"], " ", r["status"], " ", r["updated_at"] != nil))
			}
		}
		for _, row := range view {
			if strings.HasPrefix(row, id+" ") {
				want = append(want, row)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n%v\nwant\n%v", id, got, want)
		}
	}
}
