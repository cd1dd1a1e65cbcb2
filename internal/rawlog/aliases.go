package rawlog

import (
	"strings"
	"unicode"
)

// Meaning is what a header name stands for: a column of ours, and the power of ten by
// which its values have to be multiplied to be in the column's unit.
type Meaning struct {
	Column string
	Scale  int
}

// aliases are the names that other parts of the network's vocabulary have for a column
// of raw logs, in the spelling that Spelling gives. A log type whose table lacks the
// column has no use for the alias. Amounts of the API and of reports are in whole units
// of currency, those of raw logs in hundredths.
var aliases = map[string]Meaning{
	// The API's Conversion entity, Conversion::findAll.
	"ad_id":           {Column: "transaction_id"},
	"affiliate_info1": {Column: "affiliate_sub1"},
	"affiliate_info2": {Column: "affiliate_sub2"},
	"affiliate_info3": {Column: "affiliate_sub3"},
	"affiliate_info4": {Column: "affiliate_sub4"},
	"affiliate_info5": {Column: "affiliate_sub5"},
	"payout":          {Column: "payout_cents", Scale: 2},
	"revenue":         {Column: "revenue_cents", Scale: 2},
	// Report::getConversions, whose fields are Stat.offer_url_id, Stat.source and so on.
	"offer_url_id": {Column: "creative_url_id"},
	"source":       {Column: "affiliate_source"},
	// Firehose messages, half raw-log names and half link macros.
	"conversion_id": {Column: "id"},
	"event_id":      {Column: "tune_event_id"},
	// What one is worth now, in whole units of currency.
	"current_payout":  {Column: "payout_cents", Scale: 2},
	"current_revenue": {Column: "revenue_cents", Scale: 2},
	"aff_sub":         {Column: "affiliate_sub1"},
	"aff_sub1":        {Column: "affiliate_sub1"},
	"aff_sub2":        {Column: "affiliate_sub2"},
	"aff_sub3":        {Column: "affiliate_sub3"},
	"aff_sub4":        {Column: "affiliate_sub4"},
	"aff_sub5":        {Column: "affiliate_sub5"},
	"adv_sub":         {Column: "advertiser_info"},
	"adv_sub1":        {Column: "advertiser_info"},
	// Parameters of tracking links (aff_c?offer_id=13&aff_id=3&aff_click_id=x).
	"aff_id":       {Column: "affiliate_id"},
	"aff_click_id": {Column: "affiliate_click_id"},
	"aff_unique1":  {Column: "affiliate_unique1"},
	"aff_unique2":  {Column: "affiliate_unique2"},
	"aff_unique3":  {Column: "affiliate_unique3"},
	"aff_unique4":  {Column: "affiliate_unique4"},
	"aff_unique5":  {Column: "affiliate_unique5"},
}

// entities are what reports and API put before a field's name. Those of other entities
// (Offer.name) are not columns of raw logs.
var entities = []string{"stat.", "conversion.", "conversionsmobile."}

// Alias returns what a header name stands for in the network's other vocabulary, or
// the name itself. Column is in the spelling that Spelling gives.
func Alias(header string) Meaning {
	name := Spelling(header)
	for _, e := range entities {
		name = strings.TrimPrefix(name, e)
	}
	if m, ok := aliases[name]; ok {
		return m
	}
	return Meaning{Column: name}
}

// Spelling gives one spelling to names that differ in nothing that matters: letters'
// case, blanks, quotes and byte order marks around them, a blank or hyphen for an
// underscore, and the underscore before a final number, which the network writes in one
// year and leaves out in another.
func Spelling(name string) string {
	name = strings.TrimFunc(name, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) || strings.ContainsRune("\"'`", r) // Cf: BOM, zero-width marks
	})
	name = strings.Map(func(r rune) rune {
		if r == '-' || unicode.IsSpace(r) {
			return '_'
		}
		return unicode.ToLower(r)
	}, name)
	digits := len(name)
	for digits > 0 && name[digits-1] >= '0' && name[digits-1] <= '9' {
		digits--
	}
	if digits == len(name) || digits == 0 || name[digits-1] != '_' {
		return name
	}
	return name[:digits-1] + name[digits:]
}
