package convreport_test

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"rawlogs/internal/dirs"
	"rawlogs/internal/dirs/convreport"
	"rawlogs/internal/hasoffers"
	"rawlogs/internal/rawlog"
)

type row map[string]map[string]any

// fake is an API with the rows of one day, and whatever is to go wrong.
type fake struct {
	mu     sync.Mutex
	rows   []row
	calls  []http.Request
	before func(f *fake, call int) // each call
	refuse func(r *http.Request) string
	slow   func(r *http.Request) bool
	beyond func(r row, field, last string) bool // nil: those with a greater number
	page   int                                  // the call that is answered with a page of HTML
	capped int                                  // rows of a page at most
	count  func(n int) any
	wrap   func(rows []row) any
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, *r)
	if f.before != nil {
		f.before(f, len(f.calls))
	}
	q := r.URL.Query()
	if len(f.calls) == f.page {
		_, _ = io.WriteString(w, "<html>")
		return
	}
	if f.slow != nil && f.slow(r) {
		w.WriteHeader(http.StatusGatewayTimeout)
		return
	}
	if f.refuse != nil {
		if why := f.refuse(r); why != "" {
			_ = json.NewEncoder(w).Encode(map[string]any{"response": map[string]any{"status": -1, "errorMessage": why, "errors": []any{map[string]any{"publicMessage": why, "err_code": 3}}}})
			return
		}
	}
	found := []row{}
	for _, row := range f.rows {
		if from := q.Get("filters[Stat.datetime][values][0]"); from != "" {
			at := fmt.Sprint(row["Stat"]["datetime"])
			if at < from || at > q.Get("filters[Stat.datetime][values][1]") {
				continue
			}
		}
		keep := true
		for _, field := range []string{"id", "tune_event_id"} {
			if last := q.Get("filters[Stat." + field + "][values][0]"); last != "" {
				if f.beyond != nil {
					keep = keep && f.beyond(row, field, last)
				} else {
					keep = keep && number(row["Stat"][field]) > number(last)
				}
			}
		}
		if keep {
			found = append(found, row)
		}
	}
	limit, _ := strconv.Atoi(q.Get("limit"))
	page, _ := strconv.Atoi(q.Get("page"))
	if f.capped > 0 {
		limit = min(limit, f.capped)
	}
	begin := min((page-1)*limit, len(found))
	data := map[string]any{"page": page, "current": limit, "count": len(found), "pageCount": (len(found) + limit - 1) / limit}
	if f.count != nil {
		data["count"] = f.count(len(found))
	}
	rows := found[begin:min(begin+limit, len(found))]
	data["data"] = rows
	if f.wrap != nil {
		data["data"] = f.wrap(rows)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"response": map[string]any{"status": 1, "data": data}})
}

func number(v any) int {
	n, _ := strconv.Atoi(strings.TrimLeft(fmt.Sprint(v), "e"))
	return n
}

var day = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)

// day20 makes rows of the day, spread over it.
func day20(n int) []row {
	var rows []row
	for i := range n {
		at := day.Add(time.Duration(i) * 24 * time.Hour / time.Duration(n))
		rows = append(rows, row{
			"Stat":  {"id": strconv.Itoa(i + 1), "tune_event_id": fmt.Sprintf("e%05d", i+1), "date": "2026-11-20", "datetime": at.Format(time.DateTime), "payout": "1.50000", "goal_id": 0},
			"Offer": {"name": "an \"offer\", with\na line"},
		})
	}
	return rows
}

func source(t testing.TB, f *fake, cfg convreport.Config) *convreport.Source {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	var err error
	auth := hasoffers.Auth(hasoffers.NetworkToken("NETx"))
	if cfg.Side != "" {
		auth = hasoffers.APIKey{Key: "x", Side: cfg.Side}
	}
	cfg.Client, err = hasoffers.New(hasoffers.Config{NetworkID: "acme", Auth: auth, BaseURL: server.URL, Calls: 100_000, Backoff: time.Millisecond, Attempts: 2})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Spool = t.TempDir()
	if cfg.Limit == 0 {
		cfg.Limit = 10
	}
	return convreport.New(cfg)
}

// read is the day as a table, and what is said of it.
func read(t *testing.T, s *convreport.Source) (header []string, rows []map[string]string, notes []string) {
	t.Helper()
	body, err := s.Open(t.Context(), rawlog.ReportDay(day), 0, "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := body.Close(); err != nil {
			t.Error(err)
		}
	}()
	text, err := io.ReadAll(body)
	if err != nil || int64(len(text)) != body.Size {
		t.Fatalf("%d bytes of %d: %v", len(text), body.Size, err)
	}
	lines, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines[1:] {
		cells := map[string]string{}
		for i, v := range line {
			cells[lines[0][i]] = v
		}
		rows = append(rows, cells)
	}
	return lines[0], rows, body.Notes
}

func ids(rows []map[string]string) (out []int) {
	for _, r := range rows {
		out = append(out, number(r["id"]))
	}
	return out
}

func upTo(n int, but ...int) (out []int) {
	for i := range n {
		if !slices.Contains(but, i+1) {
			out = append(out, i+1)
		}
	}
	return out
}

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
