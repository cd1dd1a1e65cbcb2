package report

import (
	"fmt"
	"slices"
	"strings"

	"rawlogs/internal/near"
)

// kind says what a field's value is, and so where it is kept and whether the
// values of two spans may be added up.
type kind int

const (
	dimension kind = iota // an id, a name, a date: what rows are grouped by
	count                 // a whole number that adds up
	money                 // a decimal that adds up; adjustments make it negative
	ratio                 // computed from others: never added up
)

// audience is the set of targets that know a field.
type audience uint8

const (
	forNetwork audience = 1 << iota
	forAffiliate
	forAdvertiser

	forAll = forNetwork | forAffiliate | forAdvertiser
)

// field is one name that getStats understands.
type field struct {
	name string
	kind kind
	who  audience
}

// known is the one list of fields. Where it comes from: the names are those of
// the vendor's documentation of the three getStats methods and of public
// clients' lists of them; what is additive follows from what the words mean. A
// network may know more (--any-field lets a name through).
func known() []field {
	var all []field
	add := func(k kind, who audience, names ...string) {
		for _, n := range names {
			all = append(all, field{n, k, who})
		}
	}
	add(dimension, forAll, "Stat.date", "Stat.hour", "Stat.week", "Stat.month", "Stat.year",
		"Stat.offer_id", "Stat.goal_id", "Stat.country_code", "Stat.currency", "Stat.offer_url_id", "Stat.offer_file_id",
		"Stat.payout_type", "Stat.revenue_type", "Stat.browser_id",
		"Offer.name", "Goal.name", "Country.name", "Category.id", "Category.name", "OfferUrl.name", "OfferUrl.preview_url",
		"OfferFile.display", "Browser.id", "Browser.display_name")
	add(dimension, forNetwork|forAffiliate, "Stat.affiliate_info1", "Stat.affiliate_info2", "Stat.affiliate_info3",
		"Stat.affiliate_info4", "Stat.affiliate_info5", "Stat.source", "Stat.ad_campaign_id", "Stat.ad_campaign_creative_id", "AdCampaign.name")
	add(dimension, forNetwork|forAdvertiser, "Stat.affiliate_id", "Affiliate.company")
	add(dimension, forNetwork, "Stat.advertiser_id", "Stat.affiliate_manager_id", "Stat.advertiser_manager_id", "Stat.creative_url_id",
		"Stat.device_brand", "Stat.device_model", "Stat.device_os", "Stat.device_os_version", "Stat.mobile_carrier",
		"Stat.region_code", "Stat.city_name", "Region.name",
		"Advertiser.company", "Advertiser.ref_id", "Affiliate.ref_id", "Offer.ref_id", "Offer.display_advertiser",
		"AffiliateManager.full_name", "AdvertiserManager.full_name", "AffiliateTag.name", "AdvertiserTag.name",
		"OfferVertical.name", "OfferChannel.name", "OfferConversionType.name", "OfferIncentive.name",
		"OfferMediaPlacement.name", "OfferOperatingSystem.name")
	add(count, forAll, "Stat.clicks", "Stat.gross_clicks", "Stat.unique_clicks", "Stat.impressions", "Stat.conversions")
	add(ratio, forNetwork, "Stat.affiliate_count", "Stat.offer_count", "Stat.count") // counts of distinct things do not add up
	add(money, forAll, "Stat.sale_amount")
	add(money, forNetwork|forAffiliate, "Stat.payout")
	add(money, forNetwork|forAdvertiser, "Stat.revenue")
	add(money, forNetwork, "Stat.profit")
	add(ratio, forAll, "Stat.ctr", "Stat.gross_ctr", "Stat.unique_ctr", "Stat.ltr", "Stat.cpa", "Stat.cpc", "Stat.cpm",
		"Stat.rpa", "Stat.rpc", "Stat.rpm", "Stat.epc", "Stat.erpc")
	return all
}

// lookup finds a field that target knows.
func lookup(name string, a As) (field, bool) {
	all := known()
	i := slices.IndexFunc(all, func(f field) bool { return f.name == name && f.who&a.audience() != 0 })
	if i < 0 {
		return field{}, false
	}
	return all[i], true
}

// Fields lists the names of the fields that a target knows, in the list's
// order: first what can be grouped by, then the figures.
func Fields(a As) (groups, figures []string) {
	for _, f := range known() {
		switch {
		case f.who&a.audience() == 0:
		case f.kind == dimension:
			groups = append(groups, f.name)
		default:
			figures = append(figures, f.name)
		}
	}
	return groups, figures
}

// UnknownError is a name that does not exist, with those that do.
type UnknownError struct {
	What  string // "field", "group", "operator", "target"
	Name  string
	Near  []string // the likeliest meant ones, best first
	Exist []string
}

// Error names the word and the nearest that exist.
func (e *UnknownError) Error() string {
	s := fmt.Sprintf("unknown %s %q", e.What, e.Name)
	if len(e.Near) > 0 {
		s += ": did you mean " + strings.Join(e.Near, " or ") + "?"
	}
	return s
}

// Hint lists what exists.
func (e *UnknownError) Hint() string { return e.What + "s: " + strings.Join(e.Exist, ", ") }

func unknown(what, name string, exist []string) *UnknownError {
	e := &UnknownError{What: what, Name: name, Exist: exist}
	plain := func(s string) string {
		s = strings.ToLower(s)
		return s[strings.LastIndexByte(s, '.')+1:]
	}
	for _, x := range exist {
		if d := near.Distance(plain(name), plain(x)); d <= max(1, len(plain(name))/4) && len(e.Near) < 3 {
			e.Near = append(e.Near, x)
		}
	}
	return e
}
