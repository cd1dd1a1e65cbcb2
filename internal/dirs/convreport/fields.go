package convreport

import (
	"regexp"
	"slices"
	"strings"
)

// The fields that the paging and the filters are about.
const (
	numberField   = "Stat.id"
	eventField    = "Stat.tune_event_id"
	dateField     = "Stat.date"
	datetimeField = "Stat.datetime"
)

// Fields lists the documented fields of the report, in the order in which they are asked for.
func Fields() []string { return slices.Clone(fields) }

var fields = slices.Concat(
	named("Stat", "tune_event_id id ad_id affiliate_id affiliate_manager_id advertiser_id advertiser_manager_id offer_id goal_id creative_url_id offer_url_id customer_id "+
		"source affiliate_info1 affiliate_info2 affiliate_info3 affiliate_info4 affiliate_info5 advertiser_info datetime date hour session_datetime session_date datetime_diff "+
		"status status_code payout revenue sale_amount currency payout_type revenue_type is_adjustment count ip session_ip pixel_refer refer user_agent browser_id "+
		"country_code region_code city_name"),
	named("ConversionsMobile", "adv_sub2 adv_sub3 adv_sub4 adv_sub5 affiliate_click_id affiliate_unique1 affiliate_unique2 affiliate_unique3 affiliate_unique4 affiliate_unique5 "+
		"mobile_carrier device_brand device_model device_os device_os_version device_id device_id_md5 device_id_sha1 android_id android_id_md5 android_id_sha1 "+
		"google_aid google_aid_md5 google_aid_sha1 ios_ifa ios_ifa_md5 ios_ifa_sha1 ios_ifv mac_address mac_address_md5 mac_address_sha1 "+
		"windows_aid windows_aid_md5 windows_aid_sha1 odin unknown_id user_id fraud_reason_data"),
	named("Advertiser", "company ref_id"), named("Affiliate", "company ref_id"), named("AdvertiserManager", "full_name"), named("AffiliateManager", "full_name"),
	named("Browser", "display_name"), named("ConversionMeta", "note"), named("Country", "name"), named("Region", "name"), named("Customer", "provided_id"), named("Goal", "name"),
	named("Offer", "name ref_id"), named("OfferUrl", "name preview_url"), named("PayoutGroup", "id name"), named("RevenueGroup", "id name"),
)

func named(model, names string) []string {
	var out []string
	for name := range strings.FieldsSeq(names) {
		out = append(out, model+"."+name)
	}
	return out
}

var capital = regexp.MustCompile(`([a-z0-9])([A-Z])`)

// snake is a model's name as columns spell it: OfferUrl is offer_url.
func snake(model string) string {
	return strings.ToLower(capital.ReplaceAllString(model, "${1}_${2}"))
}

// Column is the column of conversion_report that a field feeds: those of Stat and
// ConversionsMobile have their own names, the others stand behind their model's. What is
// not documented keeps its name, and is rescued under it.
func Column(field string) string {
	if !slices.Contains(fields, field) {
		return field
	}
	model, name, _ := strings.Cut(field, ".")
	if model == "Stat" || model == "ConversionsMobile" {
		return name
	}
	return snake(model) + "_" + name
}
