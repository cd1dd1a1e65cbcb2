package simnet

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
)

// conversionColumns are those of a log that conversions of a report are made from.
func conversionColumns() []string {
	return append(gen.Header(rawlog.Conversions, 2022), "tune_event_id")
}

// ConversionFields lists what getConversions may be asked for.
func ConversionFields() []string { return slices.Clone(conversionFields) }

var conversionFields = strings.Fields(
	"Stat.tune_event_id Stat.id Stat.ad_id Stat.affiliate_id Stat.advertiser_id Stat.affiliate_manager_id Stat.advertiser_manager_id " +
		"Stat.affiliate_info1 Stat.affiliate_info2 Stat.affiliate_info3 Stat.affiliate_info4 Stat.affiliate_info5 Stat.advertiser_info " +
		"Stat.browser_id Stat.city_name Stat.region_code Stat.country_code Stat.currency Stat.customer_id Stat.goal_id Stat.creative_url_id " +
		"Stat.offer_id Stat.offer_url_id Stat.payout Stat.payout_type Stat.revenue Stat.revenue_type Stat.sale_amount Stat.count Stat.date " +
		"Stat.datetime Stat.hour Stat.session_date Stat.session_datetime Stat.datetime_diff Stat.ip Stat.session_ip Stat.is_adjustment " +
		"Stat.pixel_refer Stat.refer Stat.source Stat.status Stat.status_code Stat.user_agent " +
		"Advertiser.company Advertiser.ref_id Affiliate.company Affiliate.ref_id AdvertiserManager.full_name AffiliateManager.full_name " +
		"Browser.id Browser.display_name ConversionMeta.note Country.name Region.name Customer.provided_id Goal.name Offer.name Offer.ref_id " +
		"OfferUrl.name OfferUrl.preview_url PayoutGroup.id PayoutGroup.name RevenueGroup.id RevenueGroup.name " +
		mobile("adv_sub2 adv_sub3 adv_sub4 adv_sub5 affiliate_click_id affiliate_unique1 affiliate_unique2 affiliate_unique3 affiliate_unique4 "+
			"affiliate_unique5 android_id android_id_md5 android_id_sha1 device_brand device_id device_id_md5 device_id_sha1 device_model device_os "+
			"device_os_version fraud_reason_data google_aid google_aid_md5 google_aid_sha1 ios_ifa ios_ifa_md5 ios_ifa_sha1 ios_ifv mac_address "+
			"mac_address_md5 mac_address_sha1 mobile_carrier odin unknown_id user_id windows_aid windows_aid_md5 windows_aid_sha1"))

func mobile(names string) string {
	return "ConversionsMobile." + strings.ReplaceAll(names, " ", " ConversionsMobile.")
}

// ownConversionFields reports whether a partner's own report has a field.
func ownConversionField(target, field string) bool {
	hidden := map[string][]string{
		"Affiliate_Report": {"Stat.revenue", "Stat.revenue_type", "Stat.advertiser_id", "Stat.advertiser_manager_id", "Stat.advertiser_info", "Stat.customer_id",
			"Advertiser.", "AdvertiserManager.", "RevenueGroup.", "Customer."},
		"Advertiser_Report": {"Stat.payout", "Stat.payout_type", "Stat.affiliate_manager_id", "AffiliateManager.", "PayoutGroup."},
	}
	return !slices.ContainsFunc(hidden[target], func(h string) bool {
		return field == h || strings.HasSuffix(h, ".") && strings.HasPrefix(field, h)
	})
}

// isMoney reports whether a field is an amount, in whole units of its currency.
func isMoney(field string) bool {
	return field == "Stat.payout" || field == "Stat.revenue" || field == "Stat.sale_amount"
}

// isText reports whether a field's values are compared as texts, though they may look like numbers.
func isText(field string) bool {
	name := field[strings.IndexByte(field, '.')+1:]
	switch name {
	case "id", "count", "hour", "datetime_diff", "is_adjustment", "status_code", "payout", "revenue", "sale_amount":
		return false
	case "tune_event_id", "ad_id", "customer_id", "ref_id", "provided_id", "affiliate_click_id":
		return true
	}
	return strings.HasPrefix(field, "ConversionsMobile.") || !strings.HasSuffix(name, "_id")
}

// conversion is one as it stands now.
type conversion struct {
	logged  []string       // by conversionColumns; nil: no log speaks of it
	changed map[string]any // what the Conversion entity says of it since; nil: nothing
}

// conversionView is how a report looks at conversions.
type conversionView struct {
	zone   *time.Location
	offset time.Duration
	at     map[string]int // index of a column
	kinds  map[string]*kind
}

// raw is a column of the log; empty where there is none.
func (v conversionView) raw(c *conversion, column string) string {
	if i, ok := v.at[column]; ok && c.logged != nil {
		return c.logged[i]
	}
	return ""
}

// stat is a field of the model Stat that the entity may have changed.
func (v conversionView) stat(c *conversion, name, column string) string {
	if s, ok := c.changed[name].(string); ok && s != "" {
		return s
	}
	return v.raw(c, column)
}

// wall is a time in the report's days; false where there is none.
func (v conversionView) wall(c *conversion, name string) (time.Time, bool) {
	t, err := time.ParseInLocation(time.DateTime, v.raw(c, name), time.UTC)
	if s, ok := c.changed[name].(string); ok && s != "" {
		t, err = time.ParseInLocation(time.DateTime, s, v.zone)
	}
	if err != nil {
		return t, false
	}
	local := t.In(v.zone)
	_, shift := local.Zone()
	return local.UTC().Add(time.Duration(shift)*time.Second + v.offset), true
}

// amount is a field in whole units.
func (v conversionView) amount(c *conversion, name string) gen.Money {
	if s, ok := c.changed[name].(string); ok && s != "" {
		return signed(s, 100)
	}
	if name == "sale_amount" {
		return signed(v.raw(c, name), 100)
	}
	return signed(v.raw(c, name+"_cents"), 1)
}

// signed is an amount of so many cents, or units with factor 100; both may be negative.
func signed(s string, factor gen.Money) gen.Money {
	text, negative := strings.CutPrefix(s, "-")
	whole, fraction, _ := strings.Cut(text, ".")
	w, _ := strconv.ParseInt(whole, 10, 64) // empty is 0
	f, _ := strconv.ParseInt((fraction + "0000")[:4], 10, 64)
	m := gen.Money(w)*100*factor + gen.Money(f)*factor/100
	if negative {
		return -m
	}
	return m
}

// value is a field as the API prints it; nil where a related thing does not exist.
func (v conversionView) value(c *conversion, field string) any {
	model, name, _ := strings.Cut(field, ".")
	switch model {
	case "Stat":
		return v.statValue(c, name)
	case "ConversionsMobile":
		switch {
		case name == "mobile_carrier":
			return "?"
		case name == "fraud_reason_data":
			return nil
		case strings.HasPrefix(name, "affiliate_unique"):
			name = "affiliate_unique_" + name[len(name)-1:]
		}
		return v.raw(c, name)
	}
	return v.related(c, model, name)
}

func (v conversionView) statValue(c *conversion, name string) any {
	switch name {
	case "payout", "revenue", "sale_amount":
		return units(v.amount(c, name))
	case "count":
		return "1"
	case "date", "datetime", "hour", "session_date", "session_datetime":
		column := "datetime"
		if strings.HasPrefix(name, "session_") {
			column = "session_datetime"
		}
		t, ok := v.wall(c, column)
		switch {
		case !ok:
			return nil
		case name == "hour":
			return strconv.Itoa(t.Hour())
		case strings.HasSuffix(name, "date"):
			return t.Format(time.DateOnly)
		}
		return t.Format(time.DateTime)
	case "datetime_diff":
		a, ok := v.wall(c, "session_datetime")
		b, too := v.wall(c, "datetime")
		if !ok || !too {
			return nil
		}
		return strconv.Itoa(int(b.Sub(a) / time.Second))
	case "city_name", "region_code":
		return nil
	case "goal_id", "creative_url_id", "offer_url_id", "browser_id", "affiliate_manager_id", "advertiser_manager_id", "is_adjustment", "status_code":
		if s := v.stat(c, name, strings.Replace(name, "offer_url_id", "creative_url_id", 1)); s != "" {
			return s
		}
		return "0"
	}
	columns := map[string]string{"ad_id": "transaction_id", "source": "affiliate_source"}
	if column, ok := columns[name]; ok {
		return v.stat(c, name, column)
	}
	return v.stat(c, name, strings.Replace(name, "affiliate_info", "affiliate_sub", 1))
}

// related is a field of what a conversion belongs to.
func (v conversionView) related(c *conversion, model, name string) any {
	byID := func(model, id string) map[string]any {
		n, _ := strconv.Atoi(id) // none has id 0
		return v.kinds[model].rows[n]
	}
	id := func(column string) string { return v.text(c, "Stat."+column) }
	switch model {
	case "Advertiser", "Affiliate":
		return byID(model, id(strings.ToLower(model)+"_id"))[name]
	case "AdvertiserManager", "AffiliateManager":
		e := byID("Employee", id(strings.ToLower(strings.TrimSuffix(model, "Manager"))+"_manager_id"))
		if e == nil {
			return nil
		}
		return fmt.Sprintf("%v %v", e["first_name"], e["last_name"])
	case "Browser":
		if name == "id" {
			return id("browser_id")
		}
		return byID("Browser", id("browser_id"))[name]
	case "Country":
		code := id("country_code")
		for _, country := range v.kinds["Country"].rows {
			if country["code"] == code {
				return country[name]
			}
		}
	case "Customer":
		if s := id("customer_id"); s != "" {
			return s
		}
	case "Goal":
		if id("goal_id") == "0" {
			return byID("Offer", id("offer_id"))["default_goal_name"]
		}
		return byID("Goal", id("goal_id"))[name]
	case "Offer":
		return byID("Offer", id("offer_id"))[name]
	case "OfferUrl":
		return byID("OfferUrl", id("offer_url_id"))[name]
	case "PayoutGroup", "RevenueGroup":
		group := v.raw(c, strings.ToLower(strings.TrimSuffix(model, "Group"))+"_group_id")
		if name == "id" {
			return group
		}
		return byID("CashflowGroup", group)[name]
	}
	return nil // ConversionMeta, Region
}
