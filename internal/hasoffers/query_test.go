package hasoffers_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rawlogs/internal/hasoffers"
)

func TestParseFilter(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"id>100":                      "filters[id][GREATER_THAN]=100",
		"id >= 100":                   "filters[id][GREATER_THAN_OR_EQUAL_TO]=100",
		"id<5":                        "filters[id][LESS_THAN]=5",
		"id<=5":                       "filters[id][LESS_THAN_OR_EQUAL_TO]=5",
		"status=active":               "filters[status]=active",
		"status=":                     "filters[status]=",
		"status!=deleted":             "filters[status][NOT_EQUAL_TO]=deleted",
		"name~%loan%":                 "filters[name][LIKE]=%loan%",
		"name!~%a=b%":                 "filters[name][NOT_LIKE]=%a=b%",
		"expiration_date NOT_NULL":    "filters[expiration_date][NOT_NULL]=1",
		"is_private true":             "filters[is_private][TRUE]=1",
		"or:status=paused":            "filters[OR][status]=paused",
		"Stat.date GREATER_THAN 2016": "filters[Stat.date][GREATER_THAN]=2016",
	} {
		f, err := hasoffers.ParseFilter(text)
		params := url.Values{}
		hasoffers.Query{Filters: []hasoffers.Filter{f}}.AddTo(params)
		got, _ := url.QueryUnescape(params.Encode())
		if err != nil || got != want {
			t.Errorf("%q: %s %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "id", ">5", "id BETWEEN 5", "id=>5", "id<>5", "id LIKE", "id GREATER_THAN", "id ! 5"} {
		_, err := hasoffers.ParseFilter(text)
		if err == nil || !strings.Contains(err.Error(), "NOT_EQUAL_TO") && !strings.Contains(err.Error(), "needs a value") {
			t.Errorf("%q: %v, want an error that lists the operators", text, err)
		}
	}
}

func TestQuery(t *testing.T) {
	t.Parallel()
	sort, err := hasoffers.ParseSort("-id")
	if err != nil {
		t.Fatal(err)
	}
	params := url.Values{}
	hasoffers.Query{Fields: []string{"id", "name"}, Contain: []string{"Country"}, Sort: []hasoffers.Sort{sort}, Limit: 10}.AddTo(params)
	want := url.Values{"fields[]": {"id", "name"}, "contain[]": {"Country"}, "sort[id]": {"desc"}, "limit": {"10"}, "page": {"1"}}
	if diff := cmp.Diff(want, params); diff != "" {
		t.Error(diff)
	}
	for text, desc := range map[string]bool{"id": false, "id:asc": false, "id:DESC": true} {
		if s, err := hasoffers.ParseSort(text); err != nil || s.Field != "id" || s.Desc != desc {
			t.Errorf("%q: %+v %v", text, s, err)
		}
	}
	for _, text := range []string{"", "-", "id:up", "id desc"} {
		if _, err := hasoffers.ParseSort(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestDecodePage(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, model, data, want string }{
		{"paged map", "Conversion", `{"page":1,"current":0,"count":49816,"pageCount":24908,"data":{"3":{"Conversion":{"id":"3"}},"1":{"Conversion":{"id":1}}}}`, `1/24908 of 49816: 3 {"id":"3"}, 1 {"id":1}`},
		{"numbers as text", "Offer", `{"page":"2","current":"0","count":"1","pageCount":"2","data":{"3":{"Offer":{"id":"3"}}}}`, `2/2 of 1: 3 {"id":"3"}`},
		{"paged and empty", "Offer", `{"page":1,"current":0,"count":0,"pageCount":0,"data":[]}`, `1/0 of 0:`},
		{"paged, data null", "Offer", `{"page":1,"current":0,"count":null,"pageCount":0,"data":null}`, `1/0 of 0:`},
		{"paged array", "Stat", `{"page":1,"current":50,"count":1,"pageCount":1,"data":[{"Stat":{"clicks":"20645"}}]}`, `1/1 of 1:  {"clicks":"20645"}`},
		{"map", "Offer", `{"3":{"Offer":{"id":"3"},"Goal":[],"Country":{"1":{"code":"CZ"}}}}`, `3 {"id":"3"} +Country+Goal`},
		{"bare rows", "Country", `{"3":{"id":"3","code":"CZ"}}`, `3 {"id":"3","code":"CZ"}`},
		{"a row whose key is data", "Offer", `{"data":{"Offer":{"id":"3"}}}`, `data {"id":"3"}`},
		{"no model", "", `{"3":{"Offer":{"id":"3"}}}`, `3 {"id":"3"}`},
		{"array of wrapped", "Offer", `[{"Offer":{"id":"3"}}]`, ` {"id":"3"}`},
		{"empty array", "Offer", `[]`, ``},
		{"null", "Offer", `null`, ``},
		{"empty text", "Offer", `""`, ``},
		{"a row of another model", "Offer", `{"3":{"Goal":{"id":"3"}}}`, `error: row "3" holds no Offer`},
		{"a text", "Offer", `"x"`, `error: data is a string where rows are expected`},
		{"rows of texts", "Offer", `{"3":"x"}`, `error: row "3" is a string`},
		{"a count that is none", "Offer", `{"page":1,"count":"many","pageCount":1,"data":[]}`, `error: count: want a whole number, not "many"`},
	}
	for _, test := range tests {
		page, err := hasoffers.DecodePage(json.RawMessage(test.data), test.model)
		var b strings.Builder
		if page.Paged {
			b.WriteString(strings.Join([]string{itoa(page.Page), "/", itoa(page.Pages), " of ", itoa(page.Count), ":"}, ""))
			if len(page.Rows) > 0 {
				b.WriteString(" ")
			}
		}
		for i, r := range page.Rows {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(r.Key + " " + string(r.Fields))
			for _, name := range []string{"Country", "Goal"} {
				if _, ok := r.Related[name]; ok {
					if name == "Country" {
						b.WriteString(" ")
					}
					b.WriteString("+" + name)
				}
			}
		}
		got := b.String()
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}

func itoa(n int) string { return string(mustJSON(n)) }

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func TestParseTime(t *testing.T) {
	t.Parallel()
	prague, err := time.LoadLocation("Europe/Prague")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"2016-09-09 14:00:28": "2016-09-09T12:00:28Z",
		"2016-09-09":          "2016-09-08T22:00:00Z",
		"1473422428":          "2016-09-09T12:00:28Z",
		"":                    "0001-01-01T00:00:00Z", "0": "0001-01-01T00:00:00Z",
		"0000-00-00": "0001-01-01T00:00:00Z", "0000-00-00 00:00:00": "0001-01-01T00:00:00Z",
	} {
		got, err := hasoffers.ParseTime(text, prague)
		if err != nil || got.Format(time.RFC3339) != want {
			t.Errorf("%q: %v %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"yesterday", "-5", "99999999999", "2016-13-01"} {
		if _, err := hasoffers.ParseTime(text, prague); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func FuzzDecodePage(f *testing.F) {
	f.Add([]byte(`{"page":1,"current":0,"count":2,"pageCount":1,"data":{"3":{"Offer":{"id":"3"}}}}`))
	f.Add([]byte(`[{"Offer":{"id":3}}]`))
	f.Add([]byte(`{"3":{"id":"3"}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !json.Valid(raw) {
			t.Skip("the envelope is checked before")
		}
		page, err := hasoffers.DecodePage(raw, "Offer")
		if err != nil {
			return
		}
		for _, r := range page.Rows {
			r.Values()
		}
	})
}
