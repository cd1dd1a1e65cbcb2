package dims

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/hasoffers"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
)

// conversions is the entity that changes after its log was written.
func conversions() Entity {
	return Entity{Name: "conversions", Table: "conversion_updates", Target: "Conversion", Model: "Conversion", Paged: true, Event: "tune_event_id", Fields: []Field{
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
	Rows    int `json:"rows"`    // changes that the API showed, each once a day and the next
	Changed int `json:"changed"` // of those, new to the store
}

// Updates reads the conversions that were changed or added later, on each day of
// the periods, into conversion_updates: a conversion that is as the store knows
// it already writes nothing, so that any day may be read again. The days are the
// network's: the dates of the periods, in its zone.
//
// The API shows a conversion as it is now, not as it was on the day asked for,
// so the order in which days are read does not matter.
//
// Dates are sent plain, as documented. Each call asks for a day and the next one, as the
// documentation does not say whether end_date is included: where it is, a day is shown
// twice, and where it is not, none is left out.
//
// It holds the same lease as Refresh.
func Updates(ctx context.Context, client *hasoffers.Client, st *store.Store, o Options, periods []rawlog.Period) (sum UpdateResult, err error) {
	o = o.withDefaults()
	ctx, release, err := hold(ctx, st, o)
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, release()) }()
	if o.Privacy, err = checkpoint.Obeying(ctx, st, o.Network, o.Privacy); err != nil {
		return sum, err
	}
	watch := o.Privacy.Watch()
	known := &identity{} // what the first days teach, the others need not learn
	shown := seen{}
	for _, p := range periods {
		for day := p.From.UTC().Truncate(24 * time.Hour); day.Before(p.To); day = day.AddDate(0, 0, 1) {
			for _, m := range []struct{ method, found string }{{"findUpdatedConversions", "updated"}, {"findAddedConversions", "added"}} {
				h := history{st: st, network: o.Network, entity: conversions(), extra: "found", extraValue: m.found, log: o.Log}
				h.entity.Method = m.method
				r := reader{client: client, entity: h.entity, options: o, known: known, watch: watch, extra: url.Values{
					"start_date": {day.Format(time.DateOnly)},
					"end_date":   {day.AddDate(0, 0, 1).Format(time.DateOnly)}, //guard:updates-overlap
				}}
				err := r.readAll(ctx, h, &sum, shown)
				for known.learn(err, h.entity, o.Log) {
					err = r.readAll(ctx, h, &sum, shown)
				}
				if err != nil {
					return sum, fmt.Errorf("%s: %w", day.Format(time.DateOnly), err)
				}
			}
			shown.nextDay()
			sum.Days++
		}
	}
	return sum, nil
}

// seen are the rows of the day before, and of this one, by method: a row that two days
// show counts once.
type seen map[shownRow]int // 1: of this day, 0: of the day before

type shownRow struct {
	method string
	key
	hash uint64
}

// add reports whether a row is new.
func (s seen) add(method string, v version) bool {
	row := shownRow{method, v.key, v.hash}
	_, known := s[row]
	s[row] = 1
	return !known
}

// nextDay forgets the day before.
func (s seen) nextDay() {
	for row, age := range s {
		if age == 0 {
			delete(s, row)
		} else {
			s[row] = 0
		}
	}
}

// rereads bounds how often a page is asked for again whose rows do not add up
// to its count.
const rereads = 3

// readAll reads what a method shows. It goes by id or event: going by page number, a
// conversion that leaves the list meanwhile, as it is changed once more, would move the
// others up, and one of them into a page that was read.
func (r reader) readAll(ctx context.Context, h history, sum *UpdateResult, shown seen) error {
	var after place
	byEvent := r.by().byEvent
	page, err := r.page(ctx, after)
	for again := 0; err == nil; {
		var next answer
		if !page.end {
			if next, err = r.page(ctx, last(page.rows, after, byEvent)); err != nil {
				return err
			}
			if lacking := page.count - len(page.rows) - next.count; page.counted && next.counted && lacking > 0 { //guard:updates-counted
				// The page left rows out, or rows behind it left the list meanwhile.
				if again++; again > rereads {
					return r.wrong("%d of the %d rows after %v are on no page", lacking, page.count, after)
				}
				page, err = r.page(ctx, after)
				continue
			}
		}
		again = 0
		var changed int
		rows := slices.DeleteFunc(slices.Clone(page.rows), func(v version) bool { return v.forgotten }) //guard:forgotten-updates
		changed, _, err = h.put(ctx, rows, nil)
		sum.Changed += changed
		if err != nil {
			return err
		}
		for _, v := range rows {
			if shown.add(r.entity.Method, v) {
				sum.Rows++
			}
		}
		if page.end || len(next.rows) == 0 {
			return nil
		}
		after, page = last(page.rows, after, byEvent), next
	}
	return err
}
