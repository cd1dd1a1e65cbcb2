package convreport_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"rawlogs/internal/dirs"
	"rawlogs/internal/dirs/convreport"
	"rawlogs/internal/rawlog"
)

func TestPages(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		f     *fake
		want  []int
		notes int
		once  bool
	}{
		"one page":        {f: &fake{rows: day20(7)}, want: upTo(7)},
		"none":            {f: &fake{}, want: upTo(0)},
		"full pages":      {f: &fake{rows: day20(30)}, want: upTo(30)},
		"a smaller limit": {f: &fake{rows: day20(30), capped: 4}, want: upTo(30)},
		"no such filter": {f: &fake{rows: day20(35), refuse: func(r *http.Request) string {
			if r.URL.Query().Has("filters[Stat.id][conditional]") {
				return "Invalid filter"
			}
			return ""
		}}, want: upTo(35)},
		"a filter without effect": {f: &fake{rows: day20(35), beyond: func(row, string, string) bool { return true }}, want: upTo(35)},
		// Rows that are in no page yet go, and others come: those that stay are all read.
		"rows that move": {f: &fake{rows: day20(30), before: func(f *fake, call int) {
			if call == 2 {
				f.rows = append(slices.Clone(f.rows[1:]), row{"Stat": {"id": 99, "date": "2026-11-20", "datetime": "2026-11-20 23:59:59"}})
			}
		}}, want: append(upTo(30), 99), once: true},
		"a row that goes before it is read": {f: &fake{rows: day20(30), before: func(f *fake, call int) {
			if call == 2 {
				f.rows = slices.Delete(slices.Clone(f.rows), 24, 25)
			}
		}}, want: upTo(30, 25)},
		"a count too high": {f: &fake{rows: day20(30), count: func(n int) any { return n + 3 }}, want: upTo(30), notes: 1},
		"a count too low":  {f: &fake{rows: day20(35), count: func(n int) any { return max(0, n-15) }}, want: upTo(35)},
		"rows in a map": {f: &fake{rows: day20(12), wrap: func(rows []row) any {
			m := map[string]any{}
			for _, r := range rows {
				m[fmt.Sprint(r["Stat"]["id"])] = r
			}
			return m
		}}, want: upTo(12)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := source(t, tc.f, convreport.Config{})
			for i := range 2 {
				if i > 0 && tc.once {
					break
				}
				_, rows, notes := read(t, s)
				if got := ids(rows); !slices.Equal(got, tc.want) || len(notes) != tc.notes {
					t.Errorf("%v, want %v; %q", got, tc.want, notes)
				}
			}
		})
	}
}

// Rows without a number go by their event; those without either by pages.
func TestKeys(t *testing.T) {
	t.Parallel()
	rows := day20(35)
	rows[3]["Stat"]["id"] = nil
	rows[30]["Stat"]["id"] = "0"
	s := source(t, &fake{rows: rows}, convreport.Config{})
	_, got, notes := read(t, s)
	if len(got) != 35 || len(notes) > 0 {
		t.Errorf("%d rows, %q", len(got), notes)
	}
	rows = day20(35)
	for _, r := range rows {
		delete(r["Stat"], "id")
		delete(r["Stat"], "tune_event_id")
	}
	rows[8] = rows[7] // two that nothing tells apart
	f := &fake{rows: rows}
	s = source(t, f, convreport.Config{})
	if _, got, notes = read(t, s); len(got) != 35 || len(notes) > 0 {
		t.Errorf("%d rows, %q", len(got), notes)
	}
	if last := f.calls[len(f.calls)-1].URL.Query(); last.Get("sort[Stat.datetime]") != "asc" || last.Get("page") != "4" {
		t.Errorf("%v", last)
	}
}

func TestShapes(t *testing.T) {
	t.Parallel()
	rows := []row{{
		"Stat": {"id": 7, "date": "2026-11-20", "datetime": "2026-11-20 10:00:00", "payout": 1.5, "payout@EUR": "1.20000", "revenue@EUR": nil, "browser_id": "8",
			"is_adjustment": true, "brand_new": "x", "odd": []any{1, "2"}},
		"Browser": {"id": 8, "display_name": "Firefox"}, "OfferUrl": {"name": nil, "preview_url": nil}, "Goal": nil, "Country": {"name": "Česko", "id": "203"},
	}}
	s := source(t, &fake{rows: rows}, convreport.Config{})
	header, got, _ := read(t, s)
	want := map[string]string{"id": "7", "payout": "1.5", "Stat.payout@EUR": "1.20000", "browser_id": "8", "is_adjustment": "1", "Stat.brand_new": "x", "Stat.odd": `[1,"2"]`,
		"browser_display_name": "Firefox", "offer_url_name": "", "goal_name": "", "country_name": "Česko", "Country.id": "203", "Stat.revenue@EUR": "", "Browser.id": ""}
	for name, v := range want {
		if got[0][name] != v {
			t.Errorf("%s is %q, want %q", name, got[0][name], v)
		}
	}
	if len(header) != len(convreport.Fields())+4 || slices.Contains(header, "Browser.id") {
		t.Errorf("%d names: %q", len(header), header)
	}
	rows[0]["Stat"]["date"] = "2026-11-19"
	_, err := s.Open(t.Context(), rawlog.ReportDay(day), 0, "")
	if err == nil || !strings.Contains(err.Error(), "2026-11-20 was asked for") || dirs.ScopeOf(err) != dirs.ScopeFile {
		t.Errorf("a row of another day: %v", err)
	}
	for _, broken := range []any{"x", 5, []any{"x"}, []any{[]any{1}}} {
		s = source(t, &fake{rows: rows, wrap: func([]row) any { return broken }}, convreport.Config{})
		if _, err := s.Open(t.Context(), rawlog.ReportDay(day), 0, ""); err == nil || dirs.ScopeOf(err) != dirs.ScopeFile {
			t.Errorf("%v: %v", broken, err)
		}
	}
}

// BenchmarkPages reads a day of 50,000 conversions by pages of several sizes.
func BenchmarkPages(b *testing.B) {
	rows := day20(50_000)
	for _, limit := range []int{400, 2000, 100_000} {
		b.Run(strconv.Itoa(limit), func(b *testing.B) {
			s := source(b, &fake{rows: rows}, convreport.Config{Limit: limit})
			b.ReportAllocs()
			for b.Loop() {
				body, err := s.Open(b.Context(), rawlog.ReportDay(day), 0, "")
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(body.Size)
				if err := body.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
