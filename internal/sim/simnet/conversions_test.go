package simnet_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/sim/simnet"
	"rawlogs/internal/testkit"
)

type conversionsAnswer struct {
	status                          int
	message                         string
	Page, Current, Count, PageCount int
	Data                            []map[string]map[string]any
	Totals                          map[string]map[string]string
	Currencies                      []string
	Default                         string   `json:"default_currency"`
	Columns                         []string `json:"currency_columns"`
}

// asker asks a network that has no files for its conversions.
func asker(t *testing.T, cfg simnet.Config) (*simnet.Network, func(target string, pairs ...string) conversionsAnswer) {
	t.Helper()
	cfg.Limit = 100_000
	n := simnet.WithoutFiles(cfg)
	server := httptest.NewServer(n)
	t.Cleanup(server.Close)
	return n, func(target string, pairs ...string) conversionsAnswer {
		t.Helper()
		q := url.Values{"NetworkId": {n.ID()}, "NetworkToken": {n.Token()}, "Target": {target}, "Method": {"getConversions"}}
		for i := 0; i < len(pairs); i += 2 {
			q.Add(pairs[i], pairs[i+1])
		}
		return askConversions(t, server.URL, q)
	}
}

func askConversions(t *testing.T, base string, q url.Values) conversionsAnswer {
	t.Helper()
	res, err := http.PostForm(base+simnet.APIPath, q)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var a struct {
		Response struct {
			Data         json.RawMessage
			ErrorMessage string
		}
	}
	out := conversionsAnswer{status: res.StatusCode}
	if res.StatusCode != http.StatusOK {
		return out
	}
	if err := json.Unmarshal(body, &a); err != nil {
		t.Fatal(err)
	}
	if out.message = a.Response.ErrorMessage; out.message == "" {
		if err := json.Unmarshal(a.Response.Data, &out); err != nil {
			t.Fatalf("%s: %v", a.Response.Data, err)
		}
	}
	return out
}

func conversionHour() time.Time { return time.Date(2016, 9, 9, 22, 0, 0, 0, time.UTC) }

// between is a filter of days.
func between(first, last string) []string {
	return []string{"filters[Stat.date][conditional]", "BETWEEN", "filters[Stat.date][values][0]", first, "filters[Stat.date][values][1]", last}
}

func with(lists ...[]string) (all []string) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

func fieldsOf(names ...string) (pairs []string) {
	for _, name := range names {
		pairs = append(pairs, "fields[]", name)
	}
	return pairs
}

// The report shows what the logs hold, as it was changed since.
func TestConversionsAsTheyStandNow(t *testing.T) {
	t.Parallel()
	n, ask := asker(t, simnet.Config{})
	spec := gen.Spec{Type: rawlog.Conversions, Hour: conversionHour(), Rows: 40, Broken: 2}
	n.Happen("a", spec)
	n.Happen("the same in a second file", spec)
	records := n.Logs().Records(spec, []string{"id", "transaction_id", "datetime", "payout_cents", "status", "goal_id", "offer_id", "tune_event_id"})
	sort := []string{"sort[Stat.id]", "asc"}
	fields := fieldsOf("Stat.id", "Stat.ad_id", "Stat.datetime", "Stat.payout", "Stat.status", "Stat.goal_id", "Stat.offer_id", "Stat.tune_event_id")
	a := ask("Report", with(fields, between("2016-09-09", "2016-09-09"), sort)...)
	if len(records) != 42 || a.Count != 42 || len(a.Data) != 42 {
		t.Fatalf("%d records, count %d, %d rows", len(records), a.Count, len(a.Data))
	}
	byID := map[any]map[string]any{}
	for _, row := range a.Data {
		byID[row["Stat"]["id"]] = row["Stat"]
	}
	for _, r := range records {
		cents, err := strconv.ParseFloat(r[3], 64)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]any{"id": r[0], "ad_id": r[1], "datetime": r[2], "payout": strconv.FormatFloat(cents/100, 'f', 5, 64), "status": r[4],
			"goal_id": r[5], "offer_id": r[6], "tune_event_id": r[7]}
		if diff := cmp.Diff(want, byID[r[0]]); diff != "" {
			t.Errorf("conversion %s (-log +report):\n%s", r[0], diff)
		}
	}
	id, _ := strconv.Atoi(records[3][0])
	n.Set("Conversion", id, map[string]any{"status": "rejected", "payout": "-1.25000", "updated": "2016-09-20 00:00:00"})
	n.Set("Conversion", 7, map[string]any{"tune_event_id": "added-by-hand", "datetime": "2016-09-09 23:59:59", "offer_id": "5", "is_adjustment": "1", "payout": "3"})
	gone, _ := strconv.Atoi(records[4][0])
	n.Conversions.Delete(gone)
	a = ask("Report", with(fields, []string{"totals", "1"}, between("2016-09-09", "2016-09-09"), sort)...)
	if a.Count != 42 || a.Data[0]["Stat"]["id"] != "7" || a.Data[0]["Stat"]["payout"] != "3.00000" {
		t.Errorf("count %d, first %v", a.Count, a.Data[0])
	}
	sum := 0.0
	for _, row := range a.Data {
		amount, _ := strconv.ParseFloat(row["Stat"]["payout"].(string), 64)
		sum += amount
		if row["Stat"]["id"] == records[3][0] && (row["Stat"]["status"] != "rejected" || row["Stat"]["payout"] != "-1.25000" || row["Stat"]["ad_id"] != records[3][1]) {
			t.Errorf("changed: %v", row)
		}
		if row["Stat"]["id"] == records[4][0] {
			t.Errorf("deleted: %v", row)
		}
	}
	if a.Totals["Stat"]["payout"] != strconv.FormatFloat(sum, 'f', 5, 64) {
		t.Errorf("totals %v, rows %f", a.Totals, sum)
	}
}

// The shapes that were recorded: related models with nulls, the default goal's name, twins.
func TestConversionShapes(t *testing.T) {
	t.Parallel()
	n, ask := asker(t, simnet.Config{})
	n.Happen("a", gen.Spec{Type: rawlog.Conversions, Hour: conversionHour(), Rows: 200})
	fields := fieldsOf("Stat.goal_id", "Stat.currency", "Stat.sale_amount", "Goal.name", "PayoutGroup.id", "PayoutGroup.name", "OfferUrl.preview_url",
		"ConversionMeta.note", "Browser.display_name", "ConversionsMobile.mobile_carrier", "AffiliateManager.full_name", "Country.name", "Stat.datetime_diff")
	goal := []string{"filters[Stat.goal_id][conditional]", "EQUAL_TO", "filters[Stat.goal_id][values][]", "0"}
	a := ask("Report", with(fields, goal)...)
	if a.Count == 0 || a.Count == 200 || a.Default != "" {
		t.Fatalf("count %d of 200, currency %q", a.Count, a.Default)
	}
	for _, row := range a.Data {
		name, _ := row["Goal"]["name"].(string)
		country, _ := row["Country"]["name"].(string)
		if !strings.HasPrefix(name, "Sale of ") || country == "" || row["PayoutGroup"]["id"] != "0" || row["PayoutGroup"]["name"] != nil ||
			row["ConversionMeta"]["note"] != nil || row["Browser"]["id"] == nil || row["ConversionsMobile"]["mobile_carrier"] != "?" {
			t.Fatalf("%v", row)
		}
		if _, ok := row["ConversionMeta"]["note"]; !ok {
			t.Fatalf("%v", row)
		}
	}
	n.Conversions.Currencies("IDR", "USD")
	n.Conversions.Numbers(true)
	a = ask("Report", with(fields, goal)...)
	if a.Default != "IDR" || !cmp.Equal(a.Currencies, []string{"USD"}) || !cmp.Equal(a.Columns, []string{"Stat.sale_amount@IDR", "Stat.sale_amount@USD"}) {
		t.Errorf("%q %q %q", a.Default, a.Currencies, a.Columns)
	}
	for _, row := range a.Data {
		plain, ok := row["Stat"]["sale_amount"].(float64)
		own, _ := strconv.ParseFloat(row["Stat"]["sale_amount@IDR"].(string), 64)
		if !ok || own != 3*plain || (row["Stat"]["currency"] == "USD") != (row["Stat"]["sale_amount@USD"] != nil) {
			t.Fatalf("%v", row)
		}
	}
	// Every field that is documented has a value or is null.
	for _, row := range ask("Report", fieldsOf(simnet.ConversionFields()...)...).Data[:3] {
		for _, f := range simnet.ConversionFields() {
			model, name, _ := strings.Cut(f, ".")
			if _, ok := row[model][name]; !ok {
				t.Errorf("%s is not in %v", f, row)
			}
		}
	}
}

// Partners see their own conversions, and not what is the other's business.
func TestConversionsOfPartners(t *testing.T) {
	t.Parallel()
	n, ask := asker(t, simnet.Config{})
	n.Happen("a", gen.Spec{Type: rawlog.Conversions, Hour: conversionHour(), Rows: 300})
	all := ask("Report", fieldsOf("Stat.affiliate_id", "Stat.advertiser_id")...)
	for target, field := range map[string]string{"Affiliate_Report": "affiliate_id", "Advertiser_Report": "advertiser_id"} {
		mine := all.Data[0]["Stat"][field].(string)
		id, _ := strconv.Atoi(mine)
		n.Reports.As(id, id)
		want := 0
		for _, row := range all.Data {
			if row["Stat"][field] == mine {
				want++
			}
		}
		if a := ask(target, fieldsOf("Stat.id", "Stat."+field)...); len(a.Data) != want || a.Data[0]["Stat"][field] != mine && a.message == "" {
			t.Errorf("%s: %d rows (%s), want %d", target, len(a.Data), a.message, want)
		}
	}
	if a := ask("Affiliate_Report", fieldsOf("Stat.revenue")...); a.message != "Invalid field: Stat.revenue" {
		t.Errorf("an affiliate sees revenue: %q", a.message)
	}
	if a := ask("Advertiser_Report", fieldsOf("AffiliateManager.full_name")...); a.message != "Invalid field: AffiliateManager.full_name" {
		t.Errorf("an advertiser sees managers: %q", a.message)
	}
}

// What goes wrong on demand.
func TestConversionFaults(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("", 2*3600)
	n, ask := asker(t, simnet.Config{Zone: zone})
	n.Happen("a", gen.Spec{Type: rawlog.Conversions, Hour: conversionHour(), Rows: 30})
	fields := fieldsOf("Stat.id", "Stat.datetime")
	if a := ask("Report", with(fields, between("2016-09-09", "2016-09-09"))...); a.Count != 0 || a.Data == nil {
		t.Errorf("in the network's zone the rows are the next day's: %+v", a)
	}
	day := between("2016-09-10", "2016-09-10")
	hours := []string{"filters[Stat.datetime][conditional]", "BETWEEN", "filters[Stat.datetime][values][0]", "2016-09-10 00:00:00", "filters[Stat.datetime][values][1]", "2016-09-10 00:29:59"}
	all := ask("Report", with(fields, day)...)
	if half := ask("Report", with(fields, hours)...); half.Count == 0 || half.Count >= all.Count || all.Count != 30 {
		t.Errorf("%d rows in half an hour, %d in a day", half.Count, all.Count)
	}
	n.Conversions.Miscount(-2)
	if a := ask("Report", with(fields, day, []string{"limit", "14"})...); a.Count != 28 || a.PageCount != 2 || len(a.Data) != 14 || a.Current != 14 {
		t.Errorf("miscount: %d rows, count %d, %d pages", len(a.Data), a.Count, a.PageCount)
	}
	n.Conversions.Miscount(0)
	n.Conversions.Slow(29)
	if a := ask("Report", with(fields, day)...); a.status != http.StatusGatewayTimeout {
		t.Errorf("status %d", a.status)
	}
	n.Conversions.Slow(0)
	n.Conversions.Arriving(3)
	known := map[any]bool{}
	for i, want := range []int{27, 28, 29, 30, 30} {
		a := ask("Report", with(fields, day)...)
		for _, row := range a.Data {
			known[row["Stat"]["id"]] = true
		}
		if a.Count != want || len(known) != want {
			t.Errorf("call %d: %d rows, %d so far, want %d", i, a.Count, len(known), want)
		}
	}
	n.Conversions.Back(762, time.Date(2018, 10, 13, 0, 0, 0, 0, time.UTC))
	if a := ask("Report", with(fields, day)...); a.message == "" {
		t.Error("a question of 763 days ago is answered")
	}
	n.Conversions.Back(763, time.Date(2018, 10, 13, 0, 0, 0, 0, time.UTC))
	if a := ask("Report", with(fields, day)...); a.message != "" {
		t.Error(a.message)
	}
	n.Conversions.Refuse(true, "Stat.datetime")
	for want, pairs := range map[string][]string{
		"Invalid field: Stat.datetime":        fields,
		"Invalid filter field: Stat.datetime": with(fieldsOf("Stat.id"), hours),
		"Invalid sort field: Stat.datetime":   with(fieldsOf("Stat.id"), []string{"sort[Stat.datetime]", "asc"}),
		"Invalid field: Stat.profit":          fieldsOf("Stat.profit"),
		"fields is a required parameter.":     day,
	} {
		if a := ask("Report", pairs...); a.message != want {
			t.Errorf("%q, want %q", a.message, want)
		}
	}
}

// Raw logs go, reports stay.
func TestRawLogsRetired(t *testing.T) {
	t.Parallel()
	n, ask := asker(t, simnet.Config{})
	control := httptest.NewServer(n.Control())
	t.Cleanup(control.Close)
	turn := func(want int, knob string) {
		t.Helper()
		res, err := http.Post(control.URL+"/control/"+knob, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s: %s", knob, res.Status)
		}
	}
	turn(http.StatusOK, "raw-logs?retired=1")
	turn(http.StatusOK, "conversions?refuse=Stat.ip&numbers=1&currencies=USD,EUR")
	turn(http.StatusBadRequest, "conversions?slow=often")
	turn(http.StatusBadRequest, "conversions?colour=red")

	for name, want := range map[string]string{"RawLog": "Target RawLog does not exist.", "Report": "Invalid field: Stat.ip"} {
		a := ask(name, fieldsOf("Stat.ip")...)
		if a.message != want {
			t.Errorf("%s: %q, want %q", name, a.message, want)
		}
	}
}

// Reports do not go by the words of the logs' header.
func TestReportsWhateverTheHeader(t *testing.T) {
	t.Parallel()
	var want string
	for _, variant := range gen.Variants() {
		n, ask := asker(t, simnet.Config{})
		n.Happen("a", gen.Spec{Type: rawlog.Conversions, Hour: conversionHour(), Rows: 60, Header: gen.ConversionHeader(variant)})
		a := ask("Report", with(fieldsOf("Stat.payout", "Stat.revenue", "Stat.id"), []string{"totals", "1"})...)
		server := httptest.NewServer(n)
		t.Cleanup(server.Close)
		_, stats, _ := getStats(t, &testkit.Network{Network: n, URL: server.URL + simnet.APIPath}, "fields[]", "Stat.payout", "fields[]", "Stat.revenue")
		got := fmt.Sprint(a.Totals["Stat"]["payout"], a.Totals["Stat"]["revenue"], a.Data[0]["Stat"]["id"], stats)
		if want == "" {
			want = got
		}
		if got != want || a.Totals["Stat"]["payout"] == "0.00000" || strings.Contains(stats, `"0.00000"`) {
			t.Errorf("%s: %s, want %s", variant, got, want)
		}
	}
	if gen.ConversionHeader("another") != nil {
		t.Error("a header that is not known")
	}
}

// Later changes are of conversions that were published, and the report has them, too.
func TestRevise(t *testing.T) {
	t.Parallel()
	n, ask := asker(t, simnet.Config{Zone: time.FixedZone("", 3600)})
	n.Happen("a", gen.Spec{Type: rawlog.Conversions, Hour: conversionHour(), Rows: 70})
	fields := fieldsOf("Stat.id", "Stat.ad_id", "Stat.status", "Stat.payout", "Stat.is_adjustment", "Stat.datetime")
	before := map[any]map[string]any{}
	for _, row := range ask("Report", fields...).Data {
		before[row["Stat"]["id"]] = row["Stat"]
	}
	if got := n.Revise(7); got != 30 {
		t.Errorf("%d changed, want 30", got)
	}
	rejected, paid, added := 0, 0, 0
	for _, row := range ask("Report", fields...).Data {
		was, now := before[row["Stat"]["id"]], row["Stat"]
		switch {
		case was == nil && now["is_adjustment"] == "1" && now["payout"] == "1.50000":
			added++
		case was == nil || was["ad_id"] != now["ad_id"] || was["datetime"] != now["datetime"]:
			t.Errorf("was %v, is %v", was, now)
		case was["payout"] != now["payout"] && now["payout"] == "0.00000":
			rejected++
		case was["payout"] != now["payout"]:
			paid++
		}
	}
	if rejected != 10 || paid != 10 || added != 10 {
		t.Errorf("%d rejected, %d of another payout, %d added", rejected, paid, added)
	}
}
