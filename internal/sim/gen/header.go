// Package gen writes raw logs of a network that does not exist: seeded,
// realistic, and in exactly the CSV dialect of the real ones (strings always
// quoted, integers bare, LF, the header first). Every file is a pure function of
// the network's seed, its log type and its hour, so that any file can be made
// without the others and conversions still hit the clicks they came from.
//
// Networks and tables here are immutable once built: everything may be called
// from several goroutines.
package gen

import (
	"slices"
	"strings"

	"rawlogs/internal/rawlog"
)

// The click headers that were seen in the wild. Columns appeared in the middle
// between the two, so a reader has to go by name.
const (
	clicks2016 = "transaction_id,affiliate_id,affiliate_manager_id,advertiser_id,advertiser_manager_id,offer_id,creative_url_id," +
		"affiliate_source,affiliate_sub1,affiliate_sub2,affiliate_sub3,affiliate_sub4,affiliate_sub5," +
		"datetime,revenue_cents,payout_cents,refer,url,pixel_refer,ip,user_agent,country_code,browser_id,is_click_unique," +
		"ad_campaign_id,ad_campaign_creative_id,offer_file_id,status,offer_file_size,currency,payout_type,revenue_type," +
		deviceColumns + ",payout_group_id,revenue_group_id,req_connection_speed,google_aid"

	clicks2022 = "transaction_id,affiliate_id,affiliate_manager_id,advertiser_id,advertiser_manager_id,offer_id,creative_url_id," +
		"affiliate_click_id,affiliate_source,affiliate_sub1,affiliate_sub2,affiliate_sub3,affiliate_sub4,affiliate_sub5," +
		"affiliate_unique_1,affiliate_unique_2,affiliate_unique_3,affiliate_unique_4,affiliate_unique_5," +
		"datetime,revenue_cents,payout_cents,refer,url,pixel_refer,ip,user_agent,country_code,browser_id,is_click_unique," +
		"ad_campaign_id,ad_campaign_creative_id,offer_file_id,status,offer_file_size,currency,payout_type,revenue_type," +
		deviceColumns + ",payout_group_id,revenue_group_id,req_connection_speed,google_aid," +
		"access_control_decision,access_control_reason_code"

	deviceColumns = "device_brand,device_model,device_os,device_os_version,device_id,device_id_md5,device_id_sha1," +
		"android_id,android_id_md5,android_id_sha1,mac_address,mac_address_md5,mac_address_sha1,odin,open_udid," +
		"ios_ifa,ios_ifa_md5,ios_ifa_sha1,ios_ifv,user_id,unknown_id"
)

// The headers of conversions are not known: these are the click headers without
// what only a click has, with the fields of the API's Conversion entity, under
// the click header's spelling where both have one (transaction_id is ad_id
// there, affiliate_sub1 affiliate_info1).
const (
	conversions2016 = "transaction_id,id,affiliate_id,affiliate_manager_id,advertiser_id,advertiser_manager_id,offer_id,goal_id,creative_url_id,customer_id," +
		"affiliate_source,affiliate_sub1,affiliate_sub2,affiliate_sub3,affiliate_sub4,affiliate_sub5,advertiser_info," +
		"datetime,session_datetime,revenue_cents,payout_cents,sale_amount,refer,url,pixel_refer,ip,session_ip,user_agent,country_code,browser_id," +
		"ad_campaign_id,ad_campaign_creative_id,offer_file_id,status,status_code,is_adjustment,currency,payout_type,revenue_type," +
		deviceColumns + ",payout_group_id,revenue_group_id,req_connection_speed,google_aid"
)

// Header lists the columns of a log type as of a year: 2022 and later have the
// newer header, everything before the older one. The caller owns the slice.
func Header(t rawlog.Type, year int) []string {
	newer := year >= 2022
	switch t {
	case rawlog.Conversions:
		cols := strings.Split(conversions2016, ",")
		if newer {
			cols = insertAfter(cols, "customer_id", "affiliate_click_id")
			cols = insertAfter(cols, "affiliate_sub5", "affiliate_unique_1", "affiliate_unique_2", "affiliate_unique_3", "affiliate_unique_4", "affiliate_unique_5")
		}
		return cols
	case rawlog.Impressions:
		// An impression is never a unique click; all else is the click's.
		cols := clickHeader(newer)
		return slices.DeleteFunc(cols, func(c string) bool { return c == "is_click_unique" })
	default:
		return clickHeader(newer)
	}
}

func clickHeader(newer bool) []string {
	if newer {
		return strings.Split(clicks2022, ",")
	}
	return strings.Split(clicks2016, ",")
}

func insertAfter(cols []string, after string, names ...string) []string {
	return slices.Insert(cols, slices.Index(cols, after)+1, names...)
}
