package reconcile_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/reconcile"
	"rawlogs/internal/report"
	"rawlogs/internal/sim/simnet"
)

// aPair is an offer and an affiliate of whom an hour has clicks.
func (w *world) aPair(t *testing.T, h int) (offer, affiliate int64) {
	t.Helper()
	if err := w.st.Conn().QueryRow(t.Context(), "SELECT toInt64(offer_id), toInt64(affiliate_id) FROM clicks WHERE _hour = ? AND offer_id > 0 AND affiliate_id > 0 LIMIT 1",
		w.hour(h)).Scan(&offer, &affiliate); err != nil {
		t.Fatal(err)
	}
	return offer, affiliate
}

func clicksOnly(by reconcile.By) reconcile.Config {
	return reconcile.Config{Types: []rawlog.Type{rawlog.Clicks}, By: by}
}

// An adjustment by hand is of one offer and affiliate, in the first hour of the day.
func TestClicksAdjustedByHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simnet.Config{}, day0, 24, rawlog.Clicks)
	w.load(t, nil)
	offer, affiliate := w.aPair(t, 0)
	adjust := func(action string, quantity int) {
		t.Helper()
		if _, err := w.client.Call(t.Context(), "Affiliate", "adjustAffiliateClicks", url.Values{
			"datetime": {"2016-09-09 15:30:00"}, "affiliate_id": {fmt.Sprint(affiliate)}, "offer_id": {fmt.Sprint(offer)},
			"action": {action}, "quantity": {fmt.Sprint(quantity)},
		}); err != nil {
			t.Fatal(err)
		}
	}
	adjust("add", 25)
	want := fmt.Sprintf("clicks 2016-09-09 00 -25: click adjustment -25 exact=false [2016-09-09 00:00] [%s];\n", w.name(rawlog.Clicks, 0))
	r := w.reconcile(t, "20160909", clicksOnly(reconcile.Hour))
	if got := differences(r); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for _, c := range r.Lines[0].Reasons {
		if text := c.Text; !strings.Contains(text, fmt.Sprintf("offer %d of affiliate %d (25 more)", offer, affiliate)) || !strings.Contains(text, "ask the network") {
			t.Error(text)
		}
	}
	adjust("remove", 27) // two fewer than were clicked
	if got := differences(w.reconcile(t, "20160909", clicksOnly(reconcile.Day))); !strings.Contains(got, "+2: click adjustment +2") {
		t.Error(got)
	}
	adjust("add", 2)
	if got := differences(w.reconcile(t, "20160909", clicksOnly(reconcile.Day))); got != "" {
		t.Errorf("taken back: %s", got)
	}

	// What only resembles one: a single click, several affiliates, events of nobody.
	w.Reports.AdjustClicks(w.hour(5), int(offer), int(affiliate), 1)
	for i := range 3 {
		w.Reports.AdjustClicks(w.hour(9), int(offer), int(affiliate)+i, 4)
	}
	w.Reports.Phantom(rawlog.Clicks, w.hour(13), int(offer), 9)
	got := differences(w.reconcile(t, "20160909", clicksOnly(reconcile.Hour)))
	if strings.Contains(got, "click adjustment") || strings.Count(got, "not in the raw logs") != 3 {
		t.Error(got)
	}
	// Some on one day all lie in its first hour.
	for i := range 3 {
		w.Reports.AdjustClicks(w.hour(0), int(offer), int(affiliate)+i, 4)
	}
	if got := differences(w.reconcile(t, "20160909", clicksOnly(reconcile.Hour))); !strings.Contains(got, "00 -12: click adjustment -12") {
		t.Error(got)
	}
}

// Events that the servers turned away are a reason for rows that the network does not count.
func TestServersTurnedAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simnet.Config{}, day0, 48, rawlog.Clicks, rawlog.Conversions)
	w.load(t, nil)
	paused := "Offer is Expired/Paused; no other offers to redirect to"
	w.Reports.TurnAway(rawlog.Clicks, w.hour(3), 5, 0, 4, paused)
	w.Reports.TurnAway(rawlog.Clicks, w.hour(9), 6, 0, 2, "Request Invalid")
	w.Reports.TurnAway(rawlog.Conversions, w.hour(9), 5, 0, 3, "no such click")
	w.Reports.Log(simnet.ServerLog{Day: "2016-09-09", Action: "click", Type: "debug", Message: "a test", Offer: 5, Count: 70})
	w.Reports.Log(simnet.ServerLog{Day: "2016-09-09", Action: "postback", Type: "notice", Message: "sent", Offer: 5, Count: 71})
	w.Reports.Phantom(rawlog.Clicks, w.hour(30), 7, -5) // on the next day nobody says why
	for _, bare := range []bool{false, true} {
		w.Reports.BareLogs(bare)
		r := w.reconcile(t, "20160909..20160910", reconcile.Config{})
		got := differences(r)
		for _, want := range []string{
			"clicks 2016-09-09 +6: server-side rejections +6 exact=true", "conversions 2016-09-09 +3: server-side rejections +3 exact=true",
			"clicks 2016-09-10 +5: not in the report +5",
		} {
			if !strings.Contains(got, want) {
				t.Errorf("bare %v: no %q in\n%s", bare, want, got)
			}
		}
		if text := r.Lines[0].Reasons[0].Text; !strings.Contains(text, `4 × "`+paused+`" (notice), 2 × "Request Invalid" (notice)`) || !strings.Contains(text, "not documented") || strings.Contains(text, "test") {
			t.Errorf("bare %v: %s", bare, text)
		}
		if len(r.Notes) != 0 {
			t.Errorf("bare %v: %q", bare, r.Notes)
		}
	}
	// By offer the number of each is known; by hour it is of the day.
	if got := differences(w.reconcile(t, "20160909", clicksOnly(reconcile.Offer))); strings.Count(got, "server-side rejections") != 2 {
		t.Error(got)
	}
	if got := differences(w.reconcile(t, "20160909", clicksOnly(reconcile.Hour))); !strings.Contains(got, "03 +4: server-side rejections +4 exact=false") || !strings.Contains(got, "09 +2: server-side rejections +2 exact=false") {
		t.Error(got)
	}
	// As far as they go, and no further.
	w.Reports.Phantom(rawlog.Clicks, w.hour(20), 7, -10)
	w.Reports.Phantom(rawlog.Conversions, w.hour(20), 7, -1)
	got := differences(w.reconcile(t, "20160909", reconcile.Config{}))
	if !strings.Contains(got, "+16: server-side rejections +6 exact=false") || !strings.Contains(got, "not in the report +10") || !strings.Contains(got, "+4: late adjustments +4") {
		t.Error(got)
	}
}

// Whatever the network says instead of its server logs, the totals are compared, and it is
// named once however many periods there are.
func TestServersSayNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simnet.Config{}, day0, 48, rawlog.Clicks)
	w.load(t, nil)
	w.Reports.Phantom(rawlog.Clicks, w.hour(3), 5, -2)
	w.Reports.Phantom(rawlog.Clicks, w.hour(30), 5, -2)
	for _, tc := range []struct {
		name  string
		as    *simnet.Answer
		notes int // of two periods
		calls int
		want  string
	}{
		{"not permitted", simnet.Failure("Permission denied for this method."), 1, 1, "does not say what its servers turned away: Report::getModSummaryLogs: not permitted"},
		{"no such method", simnet.Failure("Method Report::getModSummaryLogs does not exist."), 1, 1, "getModSummaryLogs: not found"},
		{"no such field", simnet.Failure("Invalid field: ModSummaryLog.action"), 1, 1, "Invalid field"},
		{"away", simnet.GatewayTimeout(), 2, 4, "what the network's servers turned away is not known"},
		{"a page of HTML", simnet.Page(), 2, 4, "is not known"},
		{"rows of something else", &simnet.Answer{Type: "application/json", Body: `{"response":{"status":1,"data":[{"Stat":{"clicks":"7"}}]}}`}, 2, 2, "a row has no date or no count"},
		{"nothing", &simnet.Answer{Type: "application/json", Body: `{"response":{"status":1,"data":[]}}`}, 0, 2, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w.ForgetCalls()
			w.Faults.Intercept(func(r simnet.Request) *simnet.Answer {
				if r.Method == "getModSummaryLogs" {
					return tc.as
				}
				return nil
			})
			ask := report.New(w.client, report.Config{})
			var notes []string
			for _, day := range []string{"20160909", "20160910"} {
				p, err := rawlog.ParsePeriod(day)
				if err != nil {
					t.Fatal(err)
				}
				c := clicksOnly(reconcile.Day)
				c.Network = w.ID()
				r, err := reconcile.Run(t.Context(), w.st, ask, p, c)
				if err != nil {
					t.Fatal(err)
				}
				if got := differences(r); !strings.Contains(got, "+2: not in the report +2") {
					t.Error(got)
				}
				notes = append(notes, r.Notes...)
				var printed strings.Builder
				if err := r.Print(&printed, false); err != nil {
					t.Fatal(err)
				}
				for _, note := range r.Notes {
					if !strings.Contains(printed.String(), note) {
						t.Errorf("not printed: %s", note)
					}
				}
			}
			if len(notes) != tc.notes || tc.notes > 0 && !strings.Contains(notes[0], tc.want) {
				t.Errorf("%d notes: %q", len(notes), notes)
			}
			if n := w.Usage().Methods["getModSummaryLogs"]; n != tc.calls {
				t.Errorf("%d calls, want %d", n, tc.calls)
			}
		})
	}
}
