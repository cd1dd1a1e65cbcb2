package simnet_test

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/sim/simnet"
	"rawlogs/internal/testkit"
)

// A downloaded report has the rows that the pages have.
func TestDownloadReport(t *testing.T) {
	t.Parallel()
	n := testkit.Simnet(t, simnet.Config{Limit: 1000})
	n.Happen("a", gen.Spec{Type: rawlog.Conversions, Hour: conversionHour(), Rows: 50})
	n.Conversions.Currencies("USD", "EUR")
	base := strings.TrimSuffix(n.URL, simnet.APIPath)
	ask := func(pairs ...string) (link, message string) {
		t.Helper()
		q := url.Values{"NetworkId": {n.ID()}, "NetworkToken": {n.Token()}, "Target": {"DownloadReport"}, "Method": {"getDownloadReportLink"}}
		for i := 0; i < len(pairs); i += 2 {
			q.Add(pairs[i], pairs[i+1])
		}
		res, err := http.PostForm(n.URL, q)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		var a struct {
			Response struct {
				Data         string
				ErrorMessage string
			}
		}
		if err := json.NewDecoder(res.Body).Decode(&a); err != nil {
			t.Fatal(err)
		}
		return a.Response.Data, a.Response.ErrorMessage
	}
	get := func(link string) (status int, body string, err error) {
		t.Helper()
		res, err := http.Get(link)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		b, err := io.ReadAll(res.Body)
		return res.StatusCode, string(b), err
	}
	day := []string{"method", "getConversions", "start_date", "2016-09-09", "end_date", "2016-09-09"}
	fields := []string{"arguments[fields][]", "Stat.id", "arguments[fields][]", "Stat.payout", "arguments[fields][]", "Offer.name", "arguments[sort][Stat.id]", "asc"}
	link, message := ask(with(day, fields)...)
	if message != "" {
		t.Fatal(message)
	}
	_, text, _ := get(link)
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) != 51 || !cmp.Equal(rows[0], []string{"Stat.id", "Stat.payout", "Offer.name", "Stat.payout@EUR", "Stat.payout@USD"}) {
		t.Fatalf("%d rows, header %q, %v", len(rows), rows[0], err)
	}
	q := url.Values{"NetworkId": {n.ID()}, "NetworkToken": {n.Token()}, "Target": {"Report"}, "Method": {"getConversions"}, "sort[Stat.id]": {"asc"}, "fields[]": {"Stat.id", "Stat.payout", "Offer.name"}}
	for i, row := range askConversions(t, base, q).Data {
		if rows[i+1][0] != row["Stat"]["id"] || rows[i+1][1] != row["Stat"]["payout"] || rows[i+1][2] != row["Offer"]["name"] {
			t.Errorf("row %d: %q, page %v", i, rows[i+1], row)
		}
	}
	if link, _ := ask("method", "getStats", "start_date", "2016-09-09", "end_date", "2016-09-09", "arguments[fields][]", "Stat.conversions"); link == "" {
		t.Error("no link to getStats")
	} else if _, text, _ := get(link); !strings.HasPrefix(text, "Stat.conversions\n") {
		t.Errorf("getStats: %q", text)
	}

	// Whatever goes wrong.
	n.Downloads.Halve(1)
	link, _ = ask(with(day, fields)...)
	if _, half, err := get(link); err == nil || !strings.HasPrefix(text, half) || len(half) != len(text)/2 {
		t.Errorf("%d bytes of %d: %v", len(half), len(text), err)
	}
	if status, _, _ := get(link); status != http.StatusForbidden {
		t.Errorf("status %d after the half", status)
	}
	n.Downloads.Edit(func(rows [][]string) [][]string {
		rows[0][1] = "Payout"
		return rows
	})
	link, _ = ask(with(day, fields)...)
	if _, other, _ := get(link); !strings.HasPrefix(other, "Stat.id,Payout,") {
		t.Errorf("header %.30q", other)
	}
	n.Faults.ExpireLinks(1)
	link, _ = ask(with(day, fields)...)
	if status, _, _ := get(link); status != http.StatusForbidden {
		t.Errorf("an expired link: %d", status)
	}
	n.Conversions.Refuse(true, "Offer.name")
	for want, pairs := range map[string][]string{
		"Invalid field: Offer.name":                           with(day, fields),
		"method must be one of getConversions, getStats.":     {"method", "getTruth"},
		"end_date must be a date in the format YYYY-MM-DD.":   with(day[:4], fields),
		"start_date must be a date in the format YYYY-MM-DD.": {"method", "getStats", "start_date", time.Now().String()},
		"fields is a required parameter.":                     day,
	} {
		if _, message := ask(pairs...); message != want {
			t.Errorf("%q, want %q", message, want)
		}
	}
}
