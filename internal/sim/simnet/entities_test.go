package simnet_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/sim/simnet"
)

// The shapes that real networks were recorded with.
func TestEntityShapes(t *testing.T) {
	t.Parallel()
	n := simnet.WithoutFiles(simnet.Config{Token: "T", Limit: 1000})
	server := httptest.NewServer(n)
	t.Cleanup(server.Close)
	data := func(query string) string {
		t.Helper()
		q, err := url.ParseQuery("NetworkId=11111&NetworkToken=T&" + query)
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+simnet.APIPath+"?"+q.Encode(), nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		raw, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		var answer struct {
			Response struct {
				Data   json.RawMessage
				Errors []struct {
					Attribute string `json:"attribute_name"`
					Public    string `json:"publicMessage"`
				}
			}
		}
		if err := json.Unmarshal(raw, &answer); err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		if len(answer.Response.Errors) > 0 {
			e := answer.Response.Errors[0]
			return strings.TrimSpace("error " + e.Attribute + ": " + e.Public)
		}
		return string(answer.Response.Data)
	}
	ids := n.IDs("Offer")
	n.Set("Offer", 1, map[string]any{"name": "First", "expiration_date": "0000-00-00"})
	n.SetAt(time.Date(2016, 9, 9, 5, 6, 7, 0, time.UTC), "Offer", 1, map[string]any{"name": "Renamed", "status": ""})
	n.SetAt(time.Date(2016, 9, 9, 5, 6, 8, 0, time.UTC), "OfferUrl", 7, map[string]any{"name": "A page"})
	n.RemoveAt(time.Date(2016, 9, 9, 5, 6, 9, 0, time.UTC), "OfferUrl", 7)
	n.Set("Offer", 1, map[string]any{"name": "First"})
	for query, want := range map[string]string{
		"Target=Auditor&Method=findBrandDataAudits&filters[table_name]=offer":                                                                         `{"1":{"BrandDataAudit":{"id":"1","table_name":"offer","row_key":"1","operation":"update","old_data":"{\"name\":\"First\"}","new_data":"{\"name\":\"Renamed\"}","action_time_utc":"2016-09-09 05:06:07"}}}`,
		"Target=Auditor&Method=findBrandDataAudits&filters[action_time_utc][GREATER_THAN]=2016-09-09+05:06:07&fields[]=operation&fields[]=table_name": `{"2":{"BrandDataAudit":{"id":"2","operation":"insert","table_name":"offer_url"}},"3":{"BrandDataAudit":{"id":"3","operation":"delete","table_name":"offer_url"}}}`,
		"Target=Application&Method=findAllOfferCategoryOfferIds&id=9":                                                                                 `[]`,
		"Target=Offer&Method=findAll&fields[]=name&limit=1&sort[id]=asc":                                                                              `{"count":401,"current":0,"data":{"1":{"Offer":{"id":"1","name":"First"}}},"page":1,"pageCount":401}`,
		"Target=Offer&Method=findAll&fields[]=name&filters[id]=1":                                                                                     `{"1":{"Offer":{"id":"1","name":"First"}}}`,
		"Target=Offer&Method=findAll&filters[id]=999999":                                                                                              `[]`,
		"Target=Offer&Method=findAll&filters[id]=999999&limit=5":                                                                                      `{"count":0,"current":0,"data":[],"page":1,"pageCount":0}`,
		"Target=Offer&Method=findById&id=999999":                                                                                                      `null`,
		"Target=Offer&Method=findById&id=1&fields[]=expiration_date":                                                                                  `{"Offer":{"id":"1","expiration_date":"0000-00-00"}}`,
		"Target=Offer&Method=findAllByIds&ids[]=1&ids[]=999999&fields[]=name":                                                                         `{"1":{"Offer":{"id":"1","name":"First"}}}`,
		"Target=Offer&Method=findAll&filters[id]=1&fields[]=name&contain[]=Goal":                                                                      `{"1":{"Offer":{"id":"1","name":"First"},"Goal":[]}}`,
		"Target=Offer&Method=count&filters[id][LESS_THAN_OR_EQUAL_TO]=1":                                                                              `"1"`,
		"Target=Offer&Method=count&filters[OR][id]=1&filters[OR][name][LIKE]=fir%25":                                                                  `"1"`,
		"Target=Offer&Method=count&filters[id][BETWEEN]=1":                                                                                            `error filters: Filter operator BETWEEN is not supported.`,
		"Target=Offer&Method=count&filters[nme]=1":                                                                                                    `error filters: Filter field nme does not exist on model Offer.`,
		"Target=Offer&Method=findAll&fields[]=nme":                                                                                                    `error fields: Field nme does not exist on model Offer.`,
		"Target=Offer&Method=findAll&sort[nme]=asc":                                                                                                   `error sort: Sort field nme does not exist on model Offer.`,
		"Target=Offer&Method=findAllIds&sort[Offer.id]=desc&filters[id][]=1&filters[id][]=999999":                                                     `["1"]`,
		"Target=Offer&Method=findAll&filters[Offer.id][]=1&fields[]=ref_id&contain[]=Country":                                                         `{"1":{"Offer":{"id":"1","ref_id":""},"Country":[]}}`,
		"Target=Application&Method=findAllOfferCategories":                                                                                            `{"1":{"OfferCategory":{"id":"1","name":"Loans","status":"active"}},"2":{"OfferCategory":{"id":"2","name":"Shops","status":"active"}}}`,
		"Target=Offer&Method=findEverything":                                                                                                          `error : Method Offer::findEverything does not exist.`,
		"Target=Conversion&Method=findUpdatedConversions&start_date=2016-09-09":                                                                       `error end_date: end_date is a required parameter.`,
		"Target=Conversion&Method=findUpdatedConversions&start_date=2016-09-09+00:00:00&end_date=2016-09-10":                                          `error start_date: start_date must be a date in the format YYYY-MM-DD.`,
		"Target=Conversion&Method=findAddedConversions&start_date=2016-09-09&end_date=1473465599":                                                     `error end_date: end_date must be a date in the format YYYY-MM-DD.`,
		"Target=Conversion&Method=findAddedConversions&start_date=2016-09-09&end_date=2016-09-08":                                                     `error end_date: end_date must not be before start_date.`,
	} {
		if got := data(query); got != want {
			t.Errorf("%s:\n got %s\nwant %s", query, got, want)
		}
	}
	if got := data("Target=Offer&Method=findAll&limit=3&page=2&sort[id]=desc&fields[]=id"); !strings.HasPrefix(got, `{"count":401,"current":3,"data":{"`) || strings.Index(got, itoa(ids[len(ids)-4])) > strings.Index(got, itoa(ids[len(ids)-5])) {
		t.Errorf("a page that is sorted the other way: %s", got)
	}
	if got := data("Target=Application&Method=findAllOfferCategoryOfferIds&id=2"); strings.Count(got, ",") != 79 || !strings.HasPrefix(got, `["`+strconv.Itoa(n.Logs().Offers[0].ID)+`",`) {
		t.Errorf("shops: %s", got)
	}
	// modified is a number of one row and a text of another.
	if got := data("Target=Affiliate&Method=findAll&fields[]=modified"); !strings.Contains(got, `"modified":1`) || !strings.Contains(got, `"modified":"2`) {
		t.Errorf("modified is not of both kinds: %.200s", got)
	}
	if got := data("Target=AffiliateUser&Method=findAll&limit=1"); !strings.Contains(got, simnet.SaltCanary) {
		t.Errorf("no salt: %s", got)
	}
	if got := data("Target=AffiliateUser&Method=findAll&fields[]=email"); strings.Contains(got, simnet.SaltCanary) || !strings.Contains(got, "@affiliate.example") {
		t.Errorf("named fields bring the salt: %.200s", got)
	}
}

func itoa(n int) string {
	raw, err := json.Marshal(n)
	if err != nil {
		panic(err)
	}
	return `"` + string(raw) + `"`
}
