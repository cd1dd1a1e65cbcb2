package dims

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"rawlogs/internal/hasoffers"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
)

// conversions is the entity that changes after its log was written.
func conversions() Entity {
	return Entity{Name: "conversions", Table: "conversion_updates", Target: "Conversion", Model: "Conversion", Paged: true, Fields: []Field{
		{Name: "ad_id"}, {Name: "affiliate_id", Kind: Number}, {Name: "advertiser_id", Kind: Number},
		{Name: "offer_id", Kind: Number}, {Name: "goal_id", Kind: Number},
		{Name: "datetime", Kind: Time}, {Name: "session_datetime", Kind: Time},
		{Name: "status", Kind: Word}, {Name: "status_code", Kind: Number},
		{Name: "payout", Kind: Money}, {Name: "revenue", Kind: Money}, {Name: "sale_amount", Kind: Money},
		{Name: "currency", Kind: Word}, {Name: "payout_type", Kind: Word}, {Name: "revenue_type", Kind: Word},
		{Name: "country_code", Kind: Word}, {Name: "is_adjustment", Kind: Flag},
	}}
}

// UpdateResult is what a reading of later changes did.
type UpdateResult struct {
	Days    int `json:"days"`    // read to their end
	Rows    int `json:"rows"`    // changes that the API told of
	Changed int `json:"changed"` // of those, new to the store
}

// Updates reads the conversions that were changed or added later, on each day of
// the periods, into conversion_updates: a conversion that is as the store knows
// it already writes nothing, so that any day may be read again. The days are the
// network's: the dates of the periods, in its zone.
//
// The API shows a conversion as it is now, not as it was on the day asked for,
// so the order in which days are read does not matter.
func Updates(ctx context.Context, client *hasoffers.Client, st *store.Store, o Options, periods []rawlog.Period) (UpdateResult, error) {
	o = o.withDefaults()
	var sum UpdateResult
	for _, p := range periods {
		for day := p.From.UTC().Truncate(24 * time.Hour); day.Before(p.To); day = day.AddDate(0, 0, 1) {
			for _, m := range []struct{ method, found string }{{"findUpdatedConversions", "updated"}, {"findAddedConversions", "added"}} {
				h := history{st: st, network: o.Network, entity: conversions(), extra: "found", extraValue: m.found}
				h.entity.Method = m.method
				if err := readDay(ctx, client, h, o, day, &sum); err != nil {
					return sum, fmt.Errorf("%s: %w", day.Format(time.DateOnly), err)
				}
			}
			sum.Days++
		}
	}
	return sum, nil
}

// maxPages ends a reading that an API without an end would never leave.
const maxPages = 100_000

func readDay(ctx context.Context, client *hasoffers.Client, h history, o Options, day time.Time, sum *UpdateResult) error {
	e := h.entity
	date := day.Format(time.DateOnly)
	extra := url.Values{"start_date": {date + " 00:00:00"}, "end_date": {date + " 23:59:59"}}
	q := hasoffers.Query{Fields: e.FieldNames(), Sort: []hasoffers.Sort{{Field: "id"}}, Limit: o.PageSize}
	var before uint64
	for q.Page = 1; q.Page <= maxPages; q.Page++ {
		page, err := client.Find(ctx, e.Target, e.Method, e.Model, q, extra)
		if err != nil {
			return err
		}
		rows := make([]version, 0, len(page.Rows))
		for _, row := range page.Rows {
			v, err := e.read(row, o.Zone)
			if err != nil {
				return &hasoffers.APIError{Target: e.Target, Method: e.Method, Kind: hasoffers.Malformed, Err: err}
			}
			rows = append(rows, v)
		}
		if len(rows) == 0 || q.Page > 1 && rows[0].id == before {
			return nil // the end, or a method that gives every page the same rows
		}
		before = rows[0].id
		changed, _, err := h.put(ctx, rows, nil)
		sum.Changed += changed
		if err != nil {
			return err
		}
		sum.Rows += len(rows)
		if !page.Paged || q.Page >= page.Pages {
			return nil
		}
	}
	return fmt.Errorf("%s::%s: more than %d pages for %s", e.Target, e.Method, maxPages, date)
}
