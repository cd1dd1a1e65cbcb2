package dims

import (
	"context"
	"fmt"
	"net/url"

	"rawlogs/internal/hasoffers"
	"rawlogs/internal/privacy"
)

// reader reads an entity's rows by id, page by page.
type reader struct {
	client  *hasoffers.Client
	entity  Entity
	options Options
	extra   url.Values // parameters of the method itself
	known   *identity  // what the API goes by; nil: by id
	watch   *privacy.Watch
}

// answer is what the API shows after an id.
type answer struct {
	rows []version
	// counted reports whether the API said how many rows there are after the
	// id, on this page and on later ones: count.
	counted bool
	count   int
	// end reports whether these rows are the last.
	end bool
	// all reports whether the method knows no pages: it shows everything.
	all bool
}

// proves reports whether a row of the store that the answer lacks is gone. The
// answer must say so itself: that there is no count, or that fewer rows are shown
// than were counted, is no evidence. Nor is an answer without any row, which is
// what a withdrawn right looks like. next is the answer after this one.
func (a answer) proves(next answer) bool {
	switch {
	case len(a.rows) == 0:
		return false
	case a.all:
		return true
	case a.end:
		return a.counted //guard:vanished-counted
	}
	return a.counted && next.counted && a.count-len(a.rows) == next.count //guard:vanished-page-whole
}

// by is what the API goes by.
func (r reader) by() *identity {
	if r.known == nil {
		return &identity{}
	}
	return r.known
}

// page reads the rows behind a place, in order. Going by id, or event, instead of
// page number, a row that is added or removed meanwhile moves no other from one
// page to the next.
func (r reader) page(ctx context.Context, after place) (answer, error) {
	e, by := r.entity, r.by()
	var q hasoffers.Query
	if e.Paged {
		q = hasoffers.Query{
			Fields: by.fields(e), Filters: append([]hasoffers.Filter(nil), r.options.Filters...),
			Sort: []hasoffers.Sort{{Field: by.key(e)}}, Limit: r.options.PageSize, Page: 1,
		}
		if !after.begins() {
			q.Filters = append(q.Filters, hasoffers.Filter{Field: by.key(e), Op: "GREATER_THAN", Value: after.text(by.byEvent)})
		}
	}
	page, err := r.client.Find(ctx, e.Target, e.Method, e.Model, q, r.extra)
	if err != nil {
		return answer{}, err
	}
	rows := len(page.Rows)
	a := answer{all: !e.Paged, counted: page.Counted && page.Count >= rows, count: page.Count}
	switch {
	case a.all || rows == 0:
		a.end = true
	case a.counted:
		a.end = page.Count == rows
	default:
		// Without page numbers it is everything, unless it was cut at the limit.
		a.end = !page.Paged && rows != q.Limit
	}
	if !a.all && rows == 0 && page.Count > 0 {
		return answer{}, r.wrong("%d rows are to follow after %s, and none is shown", page.Count, after)
	}
	before := after
	for _, row := range page.Rows {
		v, err := e.read(row, r.options.Zone, r.options.Privacy)
		if err != nil {
			return answer{}, r.wrong("%w", err)
		}
		v.forgotten = r.watch.Sees(row.Values())
		at := v.place(by.byEvent)
		if !a.end && at.begins() {
			if !by.byEvent {
				return answer{}, errNoID
			}
			return answer{}, r.wrong("the row with id %d has no %s, and others have no id: pages cannot be told apart", v.id, e.Event)
		}
		later := by.byEvent && at.event > after.event
		if e.Paged && !after.begins() && at.compare(after, by.byEvent) <= 0 && !later {
			return answer{}, r.wrong("asked for rows behind %v, the answer holds %v: it did not filter", after, at)
		}
		if !a.end && at.compare(before, by.byEvent) < 0 {
			return answer{}, r.wrong("%v comes after %v: the answer is not sorted, so that pages cannot be told apart", at, before)
		}
		before = at
		a.rows = append(a.rows, v)
	}
	return a, nil
}

func (r reader) wrong(format string, args ...any) error {
	return &hasoffers.APIError{Target: r.entity.Target, Method: r.entity.Method, Kind: hasoffers.Malformed, Err: fmt.Errorf(format, args...)}
}
