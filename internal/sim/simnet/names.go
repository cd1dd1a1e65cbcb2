package simnet

import (
	"fmt"
	"net/url"

	"rawlogs/internal/sim/gen"
)

// buildNames makes what the logs name by an id and no partner owns.
func (e *Entities) buildNames(logs *gen.Network) {
	k := e.table("Employee", "id first_name last_name status email password salt", "password", "salt")
	for _, m := range logs.Employees {
		k.put(m.ID, m.FirstName, m.LastName, "active", m.Email, "HASHED", SaltCanary)
	}
	k = e.table("OfferUrl", "id offer_id name status offer_url preview_url")
	for _, o := range logs.Offers {
		for i := range 3 {
			k.put(o.ID*3+i, o.ID, fmt.Sprintf("Landing page %d", i+1), "active", o.URL, o.PreviewURL)
		}
	}
	k = e.table("CashflowGroup", "id name description")
	k.put(4, "Gold", "Partners of long standing")
	k.put(5, "New", nil)
	k = e.table("AdCampaign", "id name status type")
	k.put(11, "Spring", "active", "banner")
	k = e.table("AdCampaignCreative", "id ad_campaign_id name status offer_id offer_file_id")
	k.put(21, 11, "Spring, wide", "active", logs.Offers[0].ID, logs.Offers[0].ID*3)
	k = e.table("OfferCategory", "id name status")
	k.put(1, "Loans", "active")
	k.put(2, "Shops", "active")
	k = e.table("OfferGroup", "id name status")
	k.put(1, "Seasonal", "active")
	k = e.table("AffiliateTier", "id name level")
	k.put(1, "Basic", 1)
	k.put(2, "Preferred", 2)
}

// list answers the methods that show a list whole; nil leaves the call to others.
func list(kinds map[string]*kind, target, method string) *Answer {
	model := map[string]string{
		"Application::findAllCountries": "Country", "Application::findAllBrowsers": "Browser",
		"Application::findAllOfferCategories": "OfferCategory", "Application::findAllOfferGroups": "OfferGroup",
		"Application::findAllAffiliateTiers": "AffiliateTier", "CashflowGroup::findCashflowGroups": "CashflowGroup",
		"AdManager::findAllCampaigns": "AdCampaign", "AdManager::findAllCreatives": "AdCampaignCreative",
	}[target+"::"+method]
	if k := kinds[model]; k != nil {
		return success(rowsByID(model, k.all(), k.fields))
	}
	if target == "Application" {
		return Failure("Method Application::" + method + " does not exist.")
	}
	return nil
}

// ids answers findAllIds: the ids of the rows that the filters leave, as texts.
func (n *Network) ids(q url.Values, model string, k *kind) *Answer {
	rows, refused := k.filter(q, model, k.all())
	if refused == nil {
		refused = k.order(q, model, rows)
	}
	if refused != nil {
		return refused
	}
	ids := make([]any, 0, len(rows))
	for _, row := range rows {
		ids = append(ids, row["id"])
	}
	return success(ids)
}
