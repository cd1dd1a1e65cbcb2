package dims_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"rawlogs/internal/dims"
	"rawlogs/internal/hasoffers"
	"rawlogs/internal/sim/simnet"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// network is a simulated network and a client of it.
func network(t *testing.T) (*simnet.Network, *hasoffers.Client) {
	t.Helper()
	n := simnet.WithoutFiles(simnet.Config{ID: "acme", Seed: 7, Limit: 10000})
	server := httptest.NewServer(n)
	t.Cleanup(server.Close)
	client, err := hasoffers.New(hasoffers.Config{
		NetworkID: "acme", Auth: hasoffers.NetworkToken(n.Token()), BaseURL: server.URL + simnet.APIPath,
		Calls: 10000, Attempts: 2, Backoff: time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	return n, client
}

func pick(t *testing.T, names ...string) []dims.Entity {
	t.Helper()
	entities, err := dims.Pick(names)
	if err != nil {
		t.Fatal(err)
	}
	return entities
}

func refresh(t *testing.T, c *hasoffers.Client, st *store.Store, o dims.Options) []dims.Result {
	t.Helper()
	o.Network = "acme"
	results, err := dims.Refresh(t.Context(), c, st, o)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

// rows is a query's answer as text, a line a row.
func rows(t *testing.T, st *store.Store, query string) string {
	t.Helper()
	var got []string
	found, err := st.Conn().Query(t.Context(), "SELECT toString(tuple(*)) FROM ("+query+")")
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer found.Close()
	for found.Next() {
		var s string
		if err := found.Scan(&s); err != nil {
			t.Fatal(err)
		}
		got = append(got, s)
	}
	if err := found.Err(); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return strings.Join(got, "\n")
}

func want(t *testing.T, st *store.Store, query, expected string) {
	t.Helper()
	if got := rows(t, st, query); got != expected {
		t.Errorf("%s:\n got %s\nwant %s", query, got, expected)
	}
}

func TestRefreshEverything(t *testing.T) {
	t.Parallel()
	n, client := network(t)
	st := testkit.Database(t)
	results := refresh(t, client, st, dims.Options{PageSize: 100})
	models := map[string]string{"offers": "Offer", "affiliates": "Affiliate", "advertisers": "Advertiser", "goals": "Goal",
		"countries": "Country", "affiliate_users": "AffiliateUser", "offer_files": "OfferFile", "browsers": "Browser",
		"employees": "Employee", "offer_urls": "OfferUrl", "cashflow_groups": "CashflowGroup", "ad_campaigns": "AdCampaign", "ad_campaign_creatives": "AdCampaignCreative",
		"offer_categories": "OfferCategory", "offer_groups": "OfferGroup", "affiliate_tiers": "AffiliateTier"}
	for _, r := range results {
		total := len(n.IDs(models[r.Entity]))
		if r.Err != nil || r.Rows != total || r.Changed != total || r.Vanished != 0 || total == 0 {
			t.Errorf("%+v, want %d rows", r, total)
		}
		want(t, st, "SELECT count() FROM dim_"+r.Entity+"_current", fmt.Sprintf("(%d)", total))
	}
	for _, r := range refresh(t, client, st, dims.Options{PageSize: 77}) {
		if r.Err != nil || r.Changed != 0 || r.Vanished != 0 {
			t.Errorf("a second time: %+v, want nothing to change", r)
		}
	}
	// Nothing of a password reaches the store.
	for _, table := range []string{"dim_affiliate_users", "dim_affiliate_users_current"} {
		want(t, st, "SELECT count() FROM "+table+" WHERE position(toString(tuple(*)), '"+simnet.SaltCanary+"') > 0", "(0)")
	}
	for _, c := range n.Calls() {
		_ = c
	}
	offer := n.Logs().Offers[1]
	want(t, st, fmt.Sprintf("SELECT name, toString(default_payout), toString(expiration_date) FROM dim_offers_current WHERE network = 'acme' AND id = %d", offer.ID),
		fmt.Sprintf("('%s','%s','%s')", strings.ReplaceAll(offer.Name, "'", `\'`), strings.TrimRight(strings.TrimRight(offer.Payout.Units(), "0"), "."), offer.Expires.Format(time.DateOnly)))
	want(t, st, fmt.Sprintf("SELECT isNull(expiration_date) FROM dim_offers_current WHERE id = %d", n.Logs().Offers[0].ID), "(1)")
	// modified came as a number or a text; both are the same moment.
	for _, a := range n.Logs().Affiliates[:4] {
		want(t, st, fmt.Sprintf("SELECT modified = toDateTime('%s', 'UTC') FROM dim_affiliates_current WHERE id = %d",
			a.Added.Add(90*time.Hour).Format(time.DateTime), a.ID), "(1)")
	}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	n, client := network(t)
	st := testkit.Database(t)
	only := dims.Options{Entities: pick(t, "offers"), PageSize: 50}
	refresh(t, client, st, only)
	ids := n.IDs("Offer")
	first, gone, last := ids[0], ids[100], ids[len(ids)-1]

	n.Set("Offer", first, map[string]any{"name": "Renamed"})
	n.Set("Offer", first+100000, map[string]any{"name": "New", "default_payout": 1.5, "expiration_date": "0000-00-00"})
	n.Remove("Offer", gone)
	n.Remove("Offer", last)
	r := refresh(t, client, st, only)[0]
	if r.Changed != 2 || r.Vanished != 2 {
		t.Errorf("%+v, want 2 changed and 2 vanished", r)
	}
	want(t, st, fmt.Sprintf("SELECT count(), countIf(name = 'Renamed'), max(valid_from) > min(valid_from) FROM dim_offers WHERE id = %d", first), "(2,1,1)")
	want(t, st, fmt.Sprintf("SELECT name FROM dim_offers_current WHERE id IN (%d, %d, %d, %d) ORDER BY name", first, first+100000, gone, last), "('New')\n('Renamed')")
	want(t, st, fmt.Sprintf("SELECT deleted, name != '' FROM dim_offers WHERE id = %d ORDER BY valid_from", gone), "(false,1)\n(true,1)")

	// It comes back: a third version, with the same fields.
	n.Set("Offer", last, map[string]any{"name": "Back"})
	if r := refresh(t, client, st, only)[0]; r.Changed != 1 || r.Vanished != 0 {
		t.Errorf("%+v, want 1 changed", r)
	}
	want(t, st, fmt.Sprintf("SELECT name FROM dim_offers_current WHERE id = %d", last), "('Back')")
}

func TestFilterVanishesNothing(t *testing.T) {
	t.Parallel()
	n, client := network(t)
	st := testkit.Database(t)
	refresh(t, client, st, dims.Options{Entities: pick(t, "offers")})
	ids := n.IDs("Offer")
	n.Remove("Offer", ids[0])
	n.Set("Offer", ids[300], map[string]any{"name": "Seen"})
	f, err := hasoffers.ParseFilter(fmt.Sprintf("id>=%d", ids[200]))
	if err != nil {
		t.Fatal(err)
	}
	r := refresh(t, client, st, dims.Options{Entities: pick(t, "offers"), Filters: []hasoffers.Filter{f}, PageSize: 60})[0]
	if r.Rows != len(ids)-200 || r.Changed != 1 || r.Vanished != 0 {
		t.Errorf("%+v, want %d rows, 1 changed, 0 vanished", r, len(ids)-200)
	}
}

// A right that is withdrawn looks like a network without offers: nothing is
// taken for deleted then.
func TestEmptyAnswerDeletesNothing(t *testing.T) {
	t.Parallel()
	n, client := network(t)
	st := testkit.Database(t)
	refresh(t, client, st, dims.Options{Entities: pick(t, "goals")})
	n.Clear("Goal")
	if r := refresh(t, client, st, dims.Options{Entities: pick(t, "goals")})[0]; r.Vanished != 0 || r.Err != nil {
		t.Errorf("%+v, want nothing vanished", r)
	}
}

func TestResume(t *testing.T) {
	t.Parallel()
	n, client := network(t)
	st := testkit.Database(t)
	only := dims.Options{Entities: pick(t, "offers"), PageSize: 40}
	n.Faults.Intercept(func(r simnet.Request) *simnet.Answer {
		if r.N > 4 {
			return simnet.GatewayTimeout()
		}
		return nil
	})
	r := refresh(t, client, st, only)[0]
	if r.Err == nil || r.Pages != 4 || r.Rows != 160 {
		t.Fatalf("%+v, want an error after 4 pages", r)
	}
	n.Faults.Intercept(nil)
	before := len(n.Calls())
	total := len(n.IDs("Offer"))
	r = refresh(t, client, st, only)[0]
	if r.Err != nil || !r.Resumed || r.Rows != total || len(n.Calls())-before != (total-160+39)/40 {
		t.Errorf("%+v with %d calls, want the rest only", r, len(n.Calls())-before)
	}
	want(t, st, "SELECT count() FROM dim_offers", fmt.Sprintf("(%d)", total))
}

func TestMissingPermission(t *testing.T) {
	t.Parallel()
	n, client := network(t)
	st := testkit.Database(t)
	n.Access.Forbid("Goal", true)
	results := refresh(t, client, st, dims.Options{Entities: pick(t, "offers", "goals", "countries")})
	for _, r := range results {
		if (r.Err != nil) != (r.Entity == "goals") {
			t.Errorf("%+v", r)
		}
	}
	if kind, _ := hasoffers.KindOf(results[1].Err); kind != hasoffers.Permission || !strings.Contains(results[1].Error, "Goal::findAll") {
		t.Errorf("goals: %v, want a missing permission that names the target", results[1].Err)
	}
	n.Faults.RevokeToken(true)
	if _, err := dims.Refresh(t.Context(), client, st, dims.Options{Network: "acme"}); err == nil || strings.Contains(err.Error(), n.Token()) {
		t.Errorf("refused credentials: %v, want an error without the token", err)
	}
}

// Every write is made to fail, or to succeed and be reported lost: the store
// ends up the same, and no version is written twice.
func TestLostWrites(t *testing.T) {
	t.Parallel()
	for _, landed := range []bool{false, true} {
		t.Run(fmt.Sprintf("landed=%v", landed), func(t *testing.T) {
			t.Parallel()
			n, client := network(t)
			cfg := testkit.DatabaseConfig(t)
			var mu sync.Mutex
			seen := map[string]bool{}
			cfg.Hook = func(ctx context.Context, op store.Op, do func(context.Context) error) error {
				mu.Lock()
				fail := op.Kind == "insert" && !seen[op.Detail]
				seen[op.Detail] = true
				mu.Unlock()
				if !fail {
					return do(ctx)
				}
				if landed {
					if err := do(ctx); err != nil {
						return err
					}
				}
				return errLost
			}
			st := testkit.OpenStore(t, cfg)
			only := dims.Options{Network: "acme", Entities: pick(t, "affiliates"), PageSize: 300}
			for range 3 { // a failure ends it, the next goes on
				if _, err := dims.Refresh(t.Context(), client, st, only); err != nil && !errors.Is(err, errLost) {
					t.Fatal(err)
				}
			}
			want(t, st, "SELECT count(), uniqExact(id) FROM dim_affiliates", fmt.Sprintf("(%d,%[1]d)", len(n.IDs("Affiliate"))))
			n.Remove("Affiliate", n.IDs("Affiliate")[5])
			for range 3 {
				if _, err := dims.Refresh(t.Context(), client, st, only); err != nil && !errors.Is(err, errLost) {
					t.Fatal(err)
				}
			}
			want(t, st, "SELECT countIf(deleted), count() - uniqExact(id) FROM dim_affiliates", "(1,1)")
		})
	}
}

var errLost = errors.New("lost")
