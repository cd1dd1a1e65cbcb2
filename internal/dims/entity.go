// Package dims keeps the names behind the ids: a network's offers, affiliates
// and the like, each with its history, and the later changes of conversions.
// They come from the API's find methods page by page; a row that did not change
// writes nothing, one that did is a new version with the time it was seen.
package dims

import (
	"fmt"
	"slices"
	"strings"
)

// Entity is one kind of thing that the API names.
type Entity struct {
	Name   string // offers: as people ask for it, and its dictionary's name
	Table  string // dim_offers
	Target string // Offer, of the API
	Method string // findAll
	Model  string // what answers wrap a row in
	Fields []Field
	// Paged tells that the method takes fields, filters, sort and limit; the
	// few short lists that do not come whole.
	Paged bool
	// Key is the column that raw logs name the thing by; "" is id.
	Key string
	// Event is the field whose text knows a row where the API gives it no id; "": there is none.
	Event string
}

// Field is one field of an entity and its column.
type Field struct {
	Name string // the column, and the API's field
	Kind Kind
	From []string // other names that the field has in answers
	// Optional fields are left out where the API does not know them.
	Optional bool
}

// Kind is how a field is read and which column type holds it.
type Kind int

// The kinds of fields. Times are in the network's zone.
const (
	Text   Kind = iota // String
	Word               // LowCardinality(String)
	Number             // UInt64
	Money              // Decimal(18, 5)
	Time               // Nullable(DateTime('UTC')); zero dates are NULL
	Day                // Nullable(Date32); zero dates are NULL
	Flag               // Bool
)

// Type is the column's ClickHouse type.
func (k Kind) Type() string {
	return [...]string{"String", "LowCardinality(String)", "UInt64", "Decimal(18, 5)", "Nullable(DateTime('UTC'))", "Nullable(Date32)", "Bool"}[k]
}

// Entities lists everything that is known, in the order of a refresh.
//
// The fields are named one by one and nothing else is ever asked for or kept:
// an AffiliateUser's answer would carry the salt of its password.
func Entities() []Entity {
	company := func(name, target string) Entity {
		return Entity{Name: name, Table: "dim_" + name, Target: target, Method: "findAll", Model: target, Paged: true, Fields: []Field{
			{Name: "company"}, {Name: "status", Kind: Word}, {Name: "country", Kind: Word},
			{Name: "date_added", Kind: Time}, {Name: "modified", Kind: Time}, {Name: "account_manager_id", Kind: Number},
		}}
	}
	return append([]Entity{
		{Name: "offers", Table: "dim_offers", Target: "Offer", Method: "findAll", Model: "Offer", Paged: true, Fields: []Field{
			{Name: "advertiser_id", Kind: Number}, {Name: "name"}, {Name: "status", Kind: Word}, {Name: "currency", Kind: Word},
			{Name: "default_payout", Kind: Money}, {Name: "max_payout", Kind: Money},
			{Name: "payout_type", Kind: Word}, {Name: "revenue_type", Kind: Word}, {Name: "expiration_date", Kind: Day},
			{Name: "offer_url"}, {Name: "preview_url"}, {Name: "default_goal_name", Optional: true},
			{Name: "percent_payout", Kind: Money, Optional: true}, {Name: "max_percent_payout", Kind: Money, Optional: true}, {Name: "ref_id", Optional: true},
		}},
		company("affiliates", "Affiliate"),
		company("advertisers", "Advertiser"),
		{Name: "goals", Table: "dim_goals", Target: "Goal", Method: "findAll", Model: "Goal", Paged: true, Fields: []Field{
			{Name: "offer_id", Kind: Number}, {Name: "name"}, {Name: "status", Kind: Word},
			{Name: "default_payout", Kind: Money}, {Name: "max_payout", Kind: Money},
			{Name: "payout_type", Kind: Word, Optional: true}, {Name: "percent_payout", Kind: Money, Optional: true}, {Name: "ref_id", Optional: true},
		}},
		{Name: "countries", Table: "dim_countries", Target: "Application", Method: "findAllCountries", Model: "Country", Key: "code", Fields: []Field{
			{Name: "code", Kind: Word}, {Name: "name"},
		}},
		{Name: "affiliate_users", Table: "dim_affiliate_users", Target: "AffiliateUser", Method: "findAll", Model: "AffiliateUser", Paged: true, Fields: []Field{
			{Name: "affiliate_id", Kind: Number}, {Name: "email"}, {Name: "status", Kind: Word}, {Name: "join_date", Kind: Time},
		}},
		{Name: "offer_files", Table: "dim_offer_files", Target: "OfferFile", Method: "findAll", Model: "OfferFile", Paged: true, Fields: []Field{
			{Name: "offer_id", Kind: Number}, {Name: "filename"}, {Name: "type", Kind: Word},
			{Name: "width", Kind: Number}, {Name: "height", Kind: Number}, {Name: "display", Optional: true}, {Name: "status", Kind: Word, Optional: true},
		}},
		{Name: "browsers", Table: "dim_browsers", Target: "Application", Method: "findAllBrowsers", Model: "Browser", Fields: []Field{
			{Name: "name", From: []string{"display_name"}},
		}},
	}, others()...)
}

// others are the entities whose calls were never recorded: their methods and fields are
// the documentation's. Lists without a model take whatever name wraps a row.
func others() []Entity {
	list := func(name, target, method string, fields ...Field) Entity {
		return Entity{Name: name, Table: "dim_" + name, Target: target, Method: method, Fields: fields}
	}
	status := Field{Name: "status", Kind: Word, Optional: true}
	return []Entity{
		{Name: "employees", Table: "dim_employees", Target: "Employee", Method: "findAll", Model: "Employee", Paged: true, Fields: []Field{
			{Name: "first_name"}, {Name: "last_name"}, status,
		}},
		{Name: "offer_urls", Table: "dim_offer_urls", Target: "OfferUrl", Method: "findAll", Model: "OfferUrl", Paged: true, Fields: []Field{
			{Name: "offer_id", Kind: Number}, {Name: "name"}, status, {Name: "offer_url"}, {Name: "preview_url", Optional: true},
		}},
		list("cashflow_groups", "CashflowGroup", "findCashflowGroups", Field{Name: "name"}, Field{Name: "description"}),
		list("ad_campaigns", "AdManager", "findAllCampaigns", Field{Name: "name"}, status),
		list("ad_campaign_creatives", "AdManager", "findAllCreatives", Field{Name: "ad_campaign_id", Kind: Number}, Field{Name: "name"}, status,
			Field{Name: "offer_id", Kind: Number}, Field{Name: "offer_file_id", Kind: Number}),
		list("offer_categories", "Application", "findAllOfferCategories", Field{Name: "name"}, status),
		list("offer_groups", "Application", "findAllOfferGroups", Field{Name: "name"}, status),
		list("affiliate_tiers", "Application", "findAllAffiliateTiers", Field{Name: "name"}, Field{Name: "level", Kind: Number}),
	}
}

// Names lists the entities' names.
func Names() []string {
	var names []string
	for _, e := range Entities() {
		names = append(names, e.Name)
	}
	return names
}

// Pick returns the entities of those names, all for none; an unknown name says
// which exist.
func Pick(names []string) ([]Entity, error) {
	if len(names) == 0 {
		return Entities(), nil
	}
	var picked []Entity
	for _, e := range Entities() {
		if slices.Contains(names, e.Name) {
			picked = append(picked, e)
		}
	}
	for _, name := range names {
		if !slices.Contains(Names(), name) {
			return nil, fmt.Errorf("unknown entity %q: want %s", name, strings.Join(Names(), ", "))
		}
	}
	return picked, nil
}

// FieldNames are the API's fields, id first.
func (e Entity) FieldNames() []string {
	names := []string{"id"}
	if e.Event != "" {
		names = append(names, e.Event)
	}
	for _, f := range e.Fields {
		names = append(names, f.Name)
	}
	return names
}

// Has reports whether the entity has a field of that name.
func (e Entity) Has(field string) bool { return slices.Contains(e.FieldNames(), field) }

// columns are the table's columns that come from the API, without id.
func (e Entity) columns() []string { return e.FieldNames()[1:] }
