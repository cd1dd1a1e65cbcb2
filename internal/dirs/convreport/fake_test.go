package convreport_test

import (
	"encoding/csv"
	"encoding/json"
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
	hold   func()                  // runs before each call is handled
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
	if f.hold != nil {
		f.hold()
	}
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
