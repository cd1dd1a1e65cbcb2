package dims_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"rawlogs/internal/dims"
	"rawlogs/internal/sim/simnet"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// Every id column of the logs has its name by dictGet.
func TestEveryIDHasAName(t *testing.T) {
	t.Parallel()
	n, client := network(t)
	st := testkit.Database(t)
	for _, r := range refresh(t, client, st, dims.Options{PageSize: 2000}) {
		if r.Err != nil || r.Rows == 0 {
			t.Errorf("%+v", r)
		}
	}
	if views, taken, err := dims.PutDictionaries(t.Context(), st); err != nil || len(views)+len(taken) > 0 {
		t.Fatal(views, taken, err)
	}
	logs := n.Logs()
	offer := logs.Offers[0].ID
	// The dictionary and attribute of each column, and an id that has a name.
	names := map[string]string{
		"affiliate_id":            fmt.Sprintf("'affiliates', 'company', ('acme', %d)", logs.Affiliates[0].ID),
		"affiliate_manager_id":    fmt.Sprintf("'employees', 'last_name', ('acme', %d)", logs.Employees[0].ID),
		"advertiser_id":           fmt.Sprintf("'advertisers', 'company', ('acme', %d)", logs.Advertisers[0].ID),
		"advertiser_manager_id":   fmt.Sprintf("'employees', 'first_name', ('acme', %d)", logs.Employees[0].ID),
		"offer_id":                fmt.Sprintf("'offers', 'name', ('acme', %d)", offer),
		"goal_id":                 fmt.Sprintf("'goal_names', 'name', ('acme', %d, 0)", offer),
		"offer_url_id":            fmt.Sprintf("'offer_urls', 'name', ('acme', %d)", offer*3+1),
		"creative_url_id":         fmt.Sprintf("'offer_urls', 'name', ('acme', %d)", offer*3+1),
		"browser_id":              "'browsers', 'name', ('acme', 6)",
		"ad_campaign_id":          "'ad_campaigns', 'name', ('acme', 11)",
		"ad_campaign_creative_id": "'ad_campaign_creatives', 'name', ('acme', 21)",
		"offer_file_id":           fmt.Sprintf("'offer_files', 'display', ('acme', %d)", offer*3),
		"payout_group_id":         "'cashflow_groups', 'name', ('acme', 4)",
		"revenue_group_id":        "'cashflow_groups', 'name', ('acme', 5)",
		"status_code":             "'status_codes', 'name', tuple(12)",
		"country_code":            "'countries', 'name', ('acme', 'CZ')",
	}
	// Ids of events, people and devices, which nothing names.
	own := []string{"transaction_id", "tune_event_id", "affiliate_click_id", "customer_id", "device_id", "android_id", "user_id", "unknown_id",
		"ad_id", "region_code", "advertiser_ref_id", "affiliate_ref_id", "offer_ref_id", "customer_provided_id"}
	for _, table := range store.RawTables() {
		columns, err := st.Columns(t.Context(), table)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range columns {
			if !strings.HasSuffix(c.Name, "_id") && !strings.HasSuffix(c.Name, "_code") || slices.Contains(own, c.Name) || c.Name == "access_control_reason_code" {
				continue
			}
			if names[c.Name] == "" {
				t.Errorf("%s.%s has no name", table, c.Name)
				continue
			}
			want(t, st, "SELECT dictGet("+names[c.Name]+") != ''", "(1)")
		}
	}
	// Asking for named fields only keeps passwords out.
	for _, e := range dims.Entities() {
		want(t, st, "SELECT count() FROM "+e.Table+" WHERE position(toString(tuple(*)), '"+simnet.SaltCanary+"') > 0", "(0)")
	}
}

// An API that does not know a newer field is read without it; a right that is missing
// stops its entity only.
func TestNamesOfALesserAPI(t *testing.T) {
	t.Parallel()
	n, client := network(t)
	st := testkit.Database(t)
	n.Forget("Offer", "default_goal_name")
	n.Forget("Offer", "ref_id")
	n.Forget("Employee", "status")
	for _, target := range []string{"OfferUrl", "CashflowGroup", "AdManager"} {
		n.Access.Forbid(target, true)
	}
	refused := []string{"offer_urls", "cashflow_groups", "ad_campaigns", "ad_campaign_creatives"}
	for _, r := range refresh(t, client, st, dims.Options{PageSize: 2000}) {
		if (r.Err != nil) != slices.Contains(refused, r.Entity) {
			t.Errorf("%+v", r)
		}
	}
	want(t, st, "SELECT count() > 0, max(default_goal_name), max(length(name)) > 0 FROM dim_offers", "(1,'',1)")
	want(t, st, "SELECT count() > 0, max(status) FROM dim_employees", "(1,'')")
}
