package pipeline

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	firehosedir "rawlogs/internal/dirs/firehose"
	diskfolder "rawlogs/internal/dirs/folder"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/sim/simnet"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// The events of a network and its raw logs are the same rows in every column that both
// have, in whatever form events come and though some come twice.
func TestEventsAreTheRawLogs(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	zone := time.FixedZone("", 2*3600)
	n := simnet.WithoutFiles(simnet.Config{Seed: 7, Zone: zone})
	f := newFolder(t)
	f.net = n.Logs()
	want := map[rawlog.Type]int{}
	for i := range 3 {
		for typ, rows := range map[rawlog.Type]int{rawlog.Clicks: 70, rawlog.Impressions: 90, rawlog.Conversions: 40} {
			spec := gen.Spec{Type: typ, Hour: firstHour.Add(time.Duration(i) * time.Hour), Rows: rows, Header: gen.Header(typ, 2022), Zone: zone}
			n.Happen(f.write(spec), spec)
			want[typ] += rows
		}
	}
	if _, err := Run(t.Context(), st, f.source(), Options{Network: "raw", Log: testLog(t), Zones: rawlog.InZone(zone)}); err != nil {
		t.Fatal(err)
	}
	shared := "transaction_id, affiliate_id, affiliate_manager_id, advertiser_id, advertiser_manager_id, offer_id, creative_url_id, affiliate_click_id, affiliate_source, " +
		"affiliate_sub1, affiliate_sub2, affiliate_sub3, affiliate_sub4, affiliate_sub5, affiliate_unique_1, affiliate_unique_5, toString(datetime), toString(revenue_cents), " +
		"toString(payout_cents), toString(ip), user_agent, country_code, browser_id, currency, payout_type, revenue_type, device_brand, device_os_version, google_aid, ios_ifa, req_connection_speed"
	more := map[rawlog.Type]string{rawlog.Clicks: ", is_click_unique", rawlog.Conversions: ", id, goal_id, customer_id, advertiser_info, toString(session_datetime), status, status_code, toString(sale_amount)"}
	for form, how := range map[string]simnet.Events{"lines": {Form: "lines", Repeat: 7}, "envelopes": {Form: "envelopes", Repeat: 11}, "messages": {Form: "messages", Repeat: 5}} {
		root := t.TempDir()
		happened, err := n.PublishEvents(root, how)
		if err != nil || !cmp.Equal(happened, want) {
			t.Fatalf("%s: %v, %v", form, happened, err)
		}
		sum, err := Run(t.Context(), st, firehosedir.New(diskfolder.New(root, nil), nil), Options{Network: form, Events: true, Log: testLog(t), Zones: rawlog.InZone(zone), Fetchers: 1})
		if err != nil || sum.Rows != 600 || sum.Rejected != 0 || sum.LeftOut != uint64(600/how.Repeat) {
			t.Fatalf("%s: %v, %+v", form, err, sum)
		}
		for _, typ := range rawlog.Types() {
			query := "SELECT arraySort(groupArray(toString(tuple(" + shared + more[typ] + ")))) FROM " + string(typ) + " WHERE network = ?"
			if diff := cmp.Diff(list(t, st, query, "raw"), list(t, st, query, form)); diff != "" {
				t.Errorf("%s as %s (-raw +events):\n%.3000s", typ, form, diff)
			}
			if ids := count(t, st, "SELECT uniqExact(tune_event_id) FROM "+string(typ)+" WHERE network = ?", form); ids != uint64(want[typ]) {
				t.Errorf("%s as %s: %d ids of %d", typ, form, ids, want[typ])
			}
		}
	}
}

// Later changes come as differences: sums over them are what the network's report says.
func TestEventsOfLaterChanges(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	n := simnet.WithoutFiles(simnet.Config{Seed: 7})
	spec := gen.Spec{Type: rawlog.Conversions, Hour: firstHour, Rows: 80}
	n.Happen("a", spec)
	root := t.TempDir()
	load := func(rows int) string {
		t.Helper()
		if _, err := n.PublishEvents(root, simnet.Events{Form: "messages", Repeat: 3}); err != nil {
			t.Fatal(err)
		}
		sum, err := Run(t.Context(), st, firehosedir.New(diskfolder.New(root, nil), nil), Options{Network: "n", Events: true, Log: testLog(t), Fetchers: 1})
		if err != nil || sum.Failed > 0 || count(t, st, "SELECT count() FROM conversions WHERE network = 'n'") != uint64(rows) {
			t.Fatalf("%v, %+v, %d rows", err, sum, count(t, st, "SELECT count() FROM conversions WHERE network = 'n'"))
		}
		return strings.Join(list(t, st, "SELECT [toString(sum(payout_cents) / 100), toString(sum(revenue_cents) / 100), toString(countIf(is_adjustment = 0))] FROM conversions WHERE network = ?", "n"), " ")
	}
	payout, revenue := n.ConversionTotals()
	if got, want := load(80), payout+" "+revenue+" 80"; got != want {
		t.Errorf("at first %s, want %s", got, want)
	}
	changed := n.Revise(8)
	nowPayout, nowRevenue := n.ConversionTotals()
	if nowPayout == payout || nowRevenue == revenue {
		t.Fatalf("%d changes made no difference: %s, %s", changed, nowPayout, nowRevenue)
	}
	if got, want := load(80+changed), nowPayout+" "+nowRevenue+" 80"; got != want {
		t.Errorf("in the end %s, want %s", got, want)
	}
}

func list(t *testing.T, st *store.Store, query, network string) (out []string) {
	t.Helper()
	if err := st.Conn().QueryRow(t.Context(), query, network).Scan(&out); err != nil {
		t.Fatal(err)
	}
	return out
}
