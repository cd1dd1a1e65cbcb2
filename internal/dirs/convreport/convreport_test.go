package convreport_test

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"rawlogs/internal/dirs"
	"rawlogs/internal/dirs/convreport"
	"rawlogs/internal/hasoffers"
	"rawlogs/internal/rawlog"
)

// A field that is refused is found whether its refusal names it or not, and left out.
func TestRefused(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		say     string // %s is the field
		refused []string
	}{
		{"Invalid field: %s", []string{"Stat.ip"}},
		{"You do not have permission to access the field '%s'.", []string{"Stat.session_ip", "ConversionsMobile.device_id", "Stat.id"}},
		{"Permission denied", []string{"Stat.ip", "Advertiser.company", "Stat.tune_event_id"}},
		{"Something is wrong", []string{"Stat.tune_event_id"}},
		{"Something is wrong", []string{"RevenueGroup.name", "RevenueGroup.id"}},
	} {
		f := &fake{rows: day20(25), refuse: func(r *http.Request) string {
			for _, field := range r.URL.Query()["fields[]"] {
				if slices.Contains(tc.refused, field) {
					return strings.Replace(tc.say, "%s", field, 1)
				}
			}
			return ""
		}}
		s := source(t, f, convreport.Config{})
		header, rows, _ := read(t, s)
		if len(rows) != 25 || len(header) < len(convreport.Fields())-len(tc.refused) {
			t.Errorf("%d rows, %d names", len(rows), len(header))
		}
		got := s.Refused()
		slices.Sort(tc.refused)
		if !slices.Equal(got, tc.refused) {
			t.Errorf("%s: left out %q, want %q", tc.say, got, tc.refused)
		}
		before := len(f.calls)
		if read(t, s); len(f.calls)-before > 4 {
			t.Errorf("%d calls for another day", len(f.calls)-before)
		}
	}
	s := source(t, &fake{refuse: func(*http.Request) string { return "Insufficient permission" }}, convreport.Config{})
	_, err := s.Open(t.Context(), rawlog.ReportDay(day), 0, "")
	if dirs.KindOf(err) != dirs.Denied || dirs.ScopeOf(err) != dirs.ScopeType || len(s.Refused()) > 0 {
		t.Errorf("the method is refused: %v, %q", err, s.Refused())
	}
	s = source(t, &fake{refuse: func(*http.Request) string { return "Days are available for 762 days only" }}, convreport.Config{})
	if _, err = s.Open(t.Context(), rawlog.ReportDay(day), 0, ""); err == nil || dirs.ScopeOf(err) != dirs.ScopeFile || len(s.Refused()) > 0 {
		t.Errorf("the day is refused: %v, %q", err, s.Refused())
	}
	s = source(t, &fake{refuse: func(*http.Request) string { return "Network id is not valid" }}, convreport.Config{})
	if _, err = s.Open(t.Context(), rawlog.ReportDay(day), 0, ""); dirs.KindOf(err) != dirs.Denied || dirs.ScopeOf(err) != dirs.ScopeRun {
		t.Errorf("the token is refused: %v", err)
	}
}

// Days read concurrently run into the same refusals at the same time. All of them are read,
// and each refused field is logged once.
func TestRefusedSideBySide(t *testing.T) {
	t.Parallel()
	refused := []string{"Stat.id", "Stat.ip", "Stat.payout"}
	for _, say := range []string{"Invalid field: %s", "Permission denied"} {
		const days = 6
		var first sync.WaitGroup
		first.Add(days)
		var calls atomic.Int64
		f := &fake{rows: day20(25), hold: func() {
			if calls.Add(1) <= days { // all are asked before one is answered
				first.Done()
				first.Wait()
			}
		}, refuse: func(r *http.Request) string {
			q := r.URL.Query()
			for _, field := range refused {
				if slices.Contains(q["fields[]"], field) || q.Has("sort["+field+"]") {
					return strings.Replace(say, "%s", field, 1)
				}
			}
			return ""
		}}
		var log strings.Builder
		s := source(t, f, convreport.Config{Log: slog.New(slog.NewTextHandler(&log, nil))})
		texts := make([]string, days)
		var all errgroup.Group
		for i := range days {
			all.Go(func() error {
				body, err := s.Open(t.Context(), rawlog.ReportDay(day), 0, "")
				if err != nil {
					return err
				}
				text, err := io.ReadAll(body)
				texts[i] = string(text)
				return errors.Join(err, body.Close())
			})
		}
		if err := all.Wait(); err != nil {
			t.Errorf("%s: %v", say, err)
		}
		slices.Sort(texts)
		if n := strings.Count(texts[0], "2026-11-20 "); len(slices.Compact(texts)) != 1 || n != 25 {
			t.Errorf("%s: %d rows, and days differ", say, n)
		}
		if got := s.Refused(); !slices.Equal(got, refused) {
			t.Errorf("%s: left out %q", say, got)
		}
		if n := strings.Count(log.String(), "may not ask for a field"); n != len(refused) {
			t.Errorf("%s: %d fields named:\n%s", say, n, log.String())
		}
	}
}

// A day that takes too long is read in halves, and is the same day.
func TestSlow(t *testing.T) {
	t.Parallel()
	hours := func(r *http.Request) time.Duration {
		q := r.URL.Query()
		from, err := time.Parse(time.DateTime, q.Get("filters[Stat.datetime][values][0]"))
		to, err2 := time.Parse(time.DateTime, q.Get("filters[Stat.datetime][values][1]"))
		if err != nil || err2 != nil {
			return 24 * time.Hour
		}
		return to.Sub(from) + time.Second
	}
	f := &fake{rows: day20(50)}
	s := source(t, f, convreport.Config{})
	_, whole, _ := read(t, s)
	for _, most := range []time.Duration{12 * time.Hour, 5 * time.Hour, 20 * time.Minute} {
		f.slow = func(r *http.Request) bool { return hours(r) > most }
		if _, rows, notes := read(t, s); !slices.Equal(ids(rows), ids(whole)) || len(notes) > 0 {
			t.Errorf("%v: %v, %q", most, ids(rows), notes)
		}
	}
	// One that is slow only from its second page on.
	f.slow = func(r *http.Request) bool {
		return hours(r) > 6*time.Hour && r.URL.Query().Has("filters[Stat.id][values][0]")
	}
	if _, rows, _ := read(t, s); !slices.Equal(ids(rows), ids(whole)) {
		t.Errorf("%v", ids(rows))
	}
	f.slow = func(*http.Request) bool { return true }
	_, err := s.Open(t.Context(), rawlog.ReportDay(day), 0, "")
	var e *dirs.Error
	if !errors.As(err, &e) || e.Kind != dirs.Unavailable || !e.Final || !strings.Contains(err.Error(), "2026-11-20 00:00 to 00:00: the network does not get the report ready in time") {
		t.Errorf("%v", err)
	}
	// Trouble of another kind is waited out.
	s = source(t, &fake{rows: day20(25), page: 2}, convreport.Config{})
	if _, rows, _ := read(t, s); len(rows) != 25 {
		t.Errorf("%d rows", len(rows))
	}
}

func TestWalk(t *testing.T) {
	t.Parallel()
	prague, err := time.LoadLocation("Europe/Prague")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 20, 23, 30, 0, 0, time.UTC) // the 21st there
	s := source(t, &fake{}, convreport.Config{Zone: prague, Now: func() time.Time { return now }})
	list := func(types []rawlog.Type, periods ...string) (out []rawlog.File) {
		var ps []rawlog.Period
		for _, p := range periods {
			period, err := rawlog.ParsePeriod(p)
			if err != nil {
				t.Fatal(err)
			}
			ps = append(ps, period)
		}
		if err := s.Walk(t.Context(), types, ps, func(f rawlog.File) error { out = append(out, f); return nil }); err != nil {
			t.Fatal(err)
		}
		return out
	}
	report := []rawlog.Type{rawlog.ConversionReport}
	if got := list(report, "20261119..20261231"); len(got) != 3 || got[2].Name != "report/conversions-20261121.csv" || got[0].Size != -1 {
		t.Errorf("%v", got)
	}
	if got := list(report); len(got) != convreport.Kept || got[0].Name != "report/conversions-20241021.csv" {
		t.Errorf("%d days from %s", len(got), got[0].Name)
	}
	if got := list(report, "2020"); len(got) > 0 {
		t.Errorf("%v", got)
	}
	if got := list(rawlog.Types()); len(got) > 0 {
		t.Errorf("%v", got)
	}
	enough := errors.New("enough")
	if err := s.Walk(t.Context(), report, nil, func(rawlog.File) error { return enough }); !errors.Is(err, enough) {
		t.Error(err)
	}
	kept, err := s.Retention(t.Context())
	if err != nil || kept[rawlog.ConversionReport] != convreport.Kept || s.Name() == "" {
		t.Errorf("%v, %v", kept, err)
	}
	if _, err := s.Open(t.Context(), rawlog.File{Type: rawlog.Clicks}, 0, ""); dirs.KindOf(err) != dirs.NotFound {
		t.Error(err)
	}
}

// A partner's key asks for the partner's own report.
func TestSides(t *testing.T) {
	t.Parallel()
	for side, target := range map[string]string{"": "Report", hasoffers.Affiliate: "Affiliate_Report", hasoffers.Advertiser: "Advertiser_Report"} {
		f := &fake{rows: day20(3)}
		read(t, source(t, f, convreport.Config{Side: side}))
		if got := f.calls[0].URL.Query().Get("Target"); got != target {
			t.Errorf("%s asks %s", side, got)
		}
	}
}
