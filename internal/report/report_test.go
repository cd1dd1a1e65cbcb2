package report_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/hasoffers"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/report"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/sim/simnet"
	"rawlogs/internal/testkit"
)

var day0 = time.Date(2016, 9, 9, 0, 0, 0, 0, time.UTC)

// network is two days of a small network with figures of its own.
func network(t *testing.T, cfg simnet.Config) (*testkit.Network, *hasoffers.Client) {
	t.Helper()
	cfg.Clicks, cfg.Limit = 60, 10_000
	n := testkit.Simnet(t, cfg)
	for h := range 48 {
		hour := day0.Add(time.Duration(h) * time.Hour)
		for _, typ := range []rawlog.Type{rawlog.Clicks, rawlog.Conversions} {
			spec := gen.Spec{Type: typ, Hour: hour}
			if typ == rawlog.Conversions {
				spec.Rows = 5
			}
			if _, err := n.Publish(t.Context(), gen.FileName(typ, hour, 1), spec); err != nil {
				t.Fatal(err)
			}
		}
	}
	c, err := hasoffers.New(hasoffers.Config{
		NetworkID: n.ID(), Auth: hasoffers.NetworkToken(n.Token()), BaseURL: n.URL,
		Calls: 10_000, Backoff: time.Millisecond, Attempts: 3,
	})
	if err != nil {
		t.Fatal(err)
	}
	return n, c
}

func ask(t *testing.T, a *report.Asker, q report.Question, period string) []report.Answer {
	t.Helper()
	p, err := rawlog.ParsePeriod(period)
	if err != nil {
		t.Fatal(err)
	}
	if q, err = q.Prepare(); err != nil {
		t.Fatal(err)
	}
	var out []report.Answer
	if err := a.Ask(t.Context(), q, p, func(a report.Answer) error { out = append(out, a); return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

func sum(t *testing.T, answers []report.Answer, field string, day string) int {
	t.Helper()
	total := 0
	for _, a := range answers {
		for _, r := range a.Rows {
			if day != "" && r["Stat.date"] != day {
				continue
			}
			n, err := strconv.Atoi(r[field])
			if err != nil {
				t.Fatal(err)
			}
			total += n
		}
	}
	return total
}

func TestAskAgreesWithTheFilesHoweverItIsSplit(t *testing.T) {
	t.Parallel()
	n, c := network(t, simnet.Config{})
	want := map[string]int{}
	for _, f := range n.Truth().Files {
		if f.Type == rawlog.Clicks {
			want[f.Hour.Format(time.DateOnly)] += f.Rows
		}
	}
	q := report.Question{Fields: []string{"Stat.gross_clicks", "Stat.payout"}, Groups: []string{"Stat.offer_id", "Stat.hour"}}
	for name, tc := range map[string]struct {
		slow int
		cfg  report.Config
	}{
		"one call":     {0, report.Config{Totals: true}},
		"pages":        {0, report.Config{Limit: 37, Totals: true}},
		"day by day":   {0, report.Config{Days: 1, Totals: true}},
		"halved":       {24, report.Config{Totals: true}},
		"down to hour": {1, report.Config{Totals: true}},
	} {
		n.Reports.Slow(tc.slow)
		answers := ask(t, report.New(c, tc.cfg), q, "20160908..20160912")
		for day, rows := range want {
			if got := sum(t, answers, "Stat.gross_clicks", day); got != rows {
				t.Errorf("%s: %s has %d clicks, want %d", name, day, got, rows)
			}
		}
		if got := sum(t, answers, "Stat.gross_clicks", ""); got != want["2016-09-09"]+want["2016-09-10"] {
			t.Errorf("%s: %d clicks in all", name, got)
		}
		var totals report.Decimal
		for _, a := range answers {
			totals = totals.Add(a.Totals["Stat.gross_clicks"])
		}
		if got, ok := totals.Int(); !ok || int(got) != want["2016-09-09"]+want["2016-09-10"] {
			t.Errorf("%s: totals say %s", name, totals)
		}
	}
	stalled := n.Usage().Methods["getStats"]
	// A report that stalls until the client gives up is one that is too large.
	n.Reports.Slow(0)
	n.Faults.Intercept(func(r simnet.Request) *simnet.Answer {
		if r.Method == "getStats" && r.N == stalled+1 {
			return &simnet.Answer{Stall: time.Minute}
		}
		return nil
	})
	hasty := *c
	hasty.Timeout = 200 * time.Millisecond
	if got := sum(t, ask(t, report.New(&hasty, report.Config{}), q, "20160909..20160910"), "Stat.gross_clicks", ""); got != want["2016-09-09"]+want["2016-09-10"] {
		t.Errorf("after a stall: %d clicks", got)
	}
	n.Faults.Intercept(nil)
	n.Reports.Slow(12)
	period, _ := rawlog.ParsePeriod("20160909")
	byDay, err := report.Question{Fields: []string{"Stat.clicks"}}.Prepare()
	if err != nil {
		t.Fatal(err)
	}
	err = report.New(c, report.Config{}).Ask(t.Context(), byDay, period, func(report.Answer) error { return nil })
	var large *report.TooLargeError
	if !errors.As(err, &large) || !strings.Contains(err.Error(), "Stat.hour") {
		t.Errorf("a day that is too large: %v", err)
	}
}

func TestFiltersSidesAndWords(t *testing.T) {
	t.Parallel()
	n, c := network(t, simnet.Config{})
	a := report.New(c, report.Config{})
	offers := map[string]int{}
	for _, r := range ask(t, a, report.Question{Fields: []string{"Stat.clicks"}, Groups: []string{"Stat.offer_id"}}, "20160909")[0].Rows {
		offers[r["Stat.offer_id"]], _ = strconv.Atoi(r["Stat.clicks"])
	}
	best := slices.MaxFunc(slices.Collect(maps.Keys(offers)), func(x, y string) int { return offers[x] - offers[y] })
	for filter, want := range map[string]func(id string, clicks int) bool{
		"Stat.offer_id=" + best:      func(id string, _ int) bool { return id == best },
		"Stat.offer_id!=" + best:     func(id string, _ int) bool { return id != best },
		"Stat.clicks>10":             func(_ string, clicks int) bool { return clicks > 10 },
		"Stat.clicks BETWEEN 5,9":    func(_ string, clicks int) bool { return clicks >= 5 && clicks <= 9 },
		"Stat.clicks<=0":             func(_ string, clicks int) bool { return clicks <= 0 }, // of offers that only converted
		"Stat.country_code NOT_NULL": func(string, int) bool { return true },
	} {
		f, err := report.ParseFilter(filter)
		if err != nil {
			t.Fatal(err)
		}
		rows := 0
		for _, answer := range ask(t, a, report.Question{Fields: []string{"Stat.clicks"}, Groups: []string{"Stat.offer_id"}, Filters: []report.Filter{f}}, "20160909") {
			rows += len(answer.Rows)
		}
		count := 0
		for id, clicks := range offers {
			if want(id, clicks) {
				count++
			}
		}
		if rows != count {
			t.Errorf("%s: %d rows, want %d", filter, rows, count)
		}
	}
	one := n.Logs().Affiliates[0].ID
	n.Reports.As(one, 0)
	all := sum(t, ask(t, a, report.Question{Fields: []string{"Stat.clicks"}}, "2016"), "Stat.clicks", "")
	f, _ := report.ParseFilter("Stat.affiliate_id=" + strconv.Itoa(one))
	mine := sum(t, ask(t, a, report.Question{Fields: []string{"Stat.clicks"}, Filters: []report.Filter{f}}, "2016"), "Stat.clicks", "")
	theirs := sum(t, ask(t, a, report.Question{As: report.Affiliate, Fields: []string{"Stat.clicks"}}, "2016"), "Stat.clicks", "")
	if mine != theirs || mine == 0 || mine >= all {
		t.Errorf("affiliate %d: %d clicks as the network, %d as the affiliate, %d in all", one, mine, theirs, all)
	}
	// What the API does not know it says in its own words.
	q, err := report.Question{AnyField: true, Fields: []string{"Stat.nonsense"}}.Prepare()
	if err != nil {
		t.Fatal(err)
	}
	period, _ := rawlog.ParsePeriod("20160909")
	err = a.Ask(t.Context(), q, period, func(report.Answer) error { return nil })
	if kind, _ := hasoffers.KindOf(err); kind != hasoffers.Validation || !strings.Contains(err.Error(), "Invalid field: Stat.nonsense") {
		t.Errorf("an unknown field: %v", err)
	}
}

func TestDaysAreTheNetworksAndOffsetsShiftThem(t *testing.T) {
	t.Parallel()
	prague, err := time.LoadLocation("Europe/Prague")
	if err != nil {
		t.Fatal(err)
	}
	_, c := network(t, simnet.Config{Zone: prague}) // UTC+2
	a := report.New(c, report.Config{})
	q := report.Question{Fields: []string{"Stat.clicks"}}
	local := ask(t, a, q, "2016")
	if got := sum(t, local, "Stat.clicks", "2016-09-11"); got == 0 {
		t.Error("the last two hours of UTC's 10th lie on the 11th in Prague")
	}
	q.HourOffset = -2
	if got := sum(t, ask(t, a, q, "2016"), "Stat.clicks", "2016-09-11"); got != 0 {
		t.Errorf("shifted back to UTC, the 11th has %d clicks", got)
	}
}

func TestRerunReplacesExactly(t *testing.T) {
	t.Parallel()
	n, c := network(t, simnet.Config{})
	st := testkit.Database(t)
	kept := report.Open(st, n.ID())
	q, err := report.Question{Fields: []string{"Stat.gross_clicks", "Stat.conversions", "Stat.payout"}, Groups: []string{"Stat.offer_id"}}.Prepare()
	if err != nil {
		t.Fatal(err)
	}
	a := report.New(c, report.Config{})
	keep := func() {
		t.Helper()
		for _, answer := range ask(t, a, q, "20160908..20160911") {
			if err := kept.Put(t.Context(), q, answer); err != nil {
				t.Fatal(err)
			}
		}
	}
	read := func() (rows, clicks uint64, payout string) {
		t.Helper()
		err := st.Conn().QueryRow(t.Context(), "SELECT count(), toUInt64(sum(gross_clicks)), toString(sum(payout)) FROM report_stats WHERE question = ?", q.ID()).
			Scan(&rows, &clicks, &payout)
		if err != nil {
			t.Fatal(err)
		}
		return rows, clicks, payout
	}
	keep()
	rows, clicks, payout := read()
	if want := sum(t, ask(t, a, q, "2016"), "Stat.gross_clicks", ""); int(clicks) != want || rows == 0 {
		t.Fatalf("%d rows with %d clicks are kept, want %d", rows, clicks, want)
	}

	// While the days are replaced over and over, no reader sees more or less.
	ctx, stop := context.WithCancel(t.Context())
	seen := make(chan error, 1)
	go func() {
		for ctx.Err() == nil {
			var n uint64
			if err := st.Conn().QueryRow(ctx, "SELECT toUInt64(sum(gross_clicks)) FROM report_stats").Scan(&n); err == nil && n != clicks {
				seen <- errors.New("a reader saw " + strconv.Itoa(int(n)) + " clicks")
				return
			}
		}
		seen <- nil
	}()
	for range 5 {
		keep()
	}
	stop()
	if err := <-seen; err != nil {
		t.Error(err)
	}

	// A day's rows vanish, another offer appears, and money is corrected by
	// less than a cent below zero.
	for _, f := range n.Truth().Files {
		if f.Hour.Before(day0.AddDate(0, 0, 1)) {
			n.Reports.Uncount(f.Type, f.Name)
		}
	}
	n.Reports.Phantom(rawlog.Clicks, day0, 999_999, 7)
	n.Reports.Adjust(day0, 999_999, -123_456, 0)
	keep()
	var other uint64
	var amount string
	err = st.Conn().QueryRow(t.Context(), "SELECT count(), toString(sum(payout)) FROM report_stats WHERE day = '2016-09-09'").Scan(&other, &amount)
	if err != nil || other != 1 || amount != "-12.3456" {
		t.Errorf("the 9th has %d rows and payout %s (%v), want 1 and -12.3456", other, amount, err)
	}
	rows2, clicks2, payout2 := read()
	if rows2 >= rows || clicks2 >= clicks || payout2 == payout {
		t.Errorf("%d rows, %d clicks, payout %s are kept after %d, %d, %s", rows2, clicks2, payout2, rows, clicks, payout)
	}
	var stored uint64
	if err := st.Conn().QueryRow(t.Context(), "SELECT count() FROM report_stats_rows WHERE row_key != ''").Scan(&stored); err != nil || stored != rows2 {
		t.Errorf("%d rows are stored for %d shown: %v", stored, rows2, err)
	}
}
