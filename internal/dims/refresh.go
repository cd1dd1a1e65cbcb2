package dims

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"rawlogs/internal/hasoffers"
	"rawlogs/internal/store"
)

// Options says what to refresh. Zero values mean the defaults written beside them.
type Options struct {
	Network  string
	Entities []Entity // default: all
	// Filters narrow what is read; nothing counts as vanished then.
	Filters  []hasoffers.Filter
	Zone     *time.Location // of the network's dates; default UTC
	PageSize int            // rows a call; default 500
	Log      *slog.Logger
}

func (o Options) withDefaults() Options {
	if len(o.Entities) == 0 {
		o.Entities = Entities()
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.PageSize <= 0 {
		o.PageSize = 500
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Result is what a refresh of one entity did.
type Result struct {
	Entity   string `json:"entity"`
	Pages    int    `json:"pages"`
	Rows     int    `json:"rows"`     // read
	Changed  int    `json:"changed"`  // versions written
	Vanished int    `json:"vanished"` // rows that the API no longer shows
	Resumed  bool   `json:"resumed"`  // it went on where an earlier one had stopped
	Error    string `json:"error,omitempty"`
	Err      error  `json:"-"` // why it did not end; the others went on
}

// Refresh brings the tables up to date with the API, one entity after the
// other. An entity that fails does not stop the others; the error is for what
// stops them all: the store, the credentials, the context. The results are right
// as far as it came.
func Refresh(ctx context.Context, client *hasoffers.Client, st *store.Store, o Options) ([]Result, error) {
	o = o.withDefaults()
	var results []Result
	for _, e := range o.Entities {
		r, err := refresh(ctx, client, st, o, e)
		if err != nil {
			r.Err, r.Error = err, err.Error()
		}
		results = append(results, r)
		if fatal(ctx, err) {
			return results, err
		}
		if err != nil {
			o.Log.Warn("not refreshed", "entity", e.Name, "error", err)
		}
	}
	return results, nil
}

// fatal tells whether an entity's failure is everybody's.
func fatal(ctx context.Context, err error) bool {
	if err == nil {
		return false
	}
	kind, ofAPI := hasoffers.KindOf(err)
	return ctx.Err() != nil || !ofAPI || kind == hasoffers.Unauthenticated || kind == hasoffers.Untrusted
}

// resumable is how old an unfinished refresh may be that is gone on with; what
// an older one has seen may have changed since.
const resumable = 12 * time.Hour

func refresh(ctx context.Context, client *hasoffers.Client, st *store.Store, o Options, e Entity) (Result, error) {
	filters := filterText(o.Filters)
	p, err := begin(ctx, st, o.Network, e.Name, filters)
	if err != nil {
		return Result{Entity: e.Name}, err
	}
	resumed := p.afterID > 0
	result := func() Result {
		return Result{Entity: e.Name, Pages: int(p.pages), Rows: int(p.rows), Changed: int(p.changed), Vanished: int(p.vanished), Resumed: resumed}
	}
	h := history{st: st, network: o.Network, entity: e}
	for done := false; !done; {
		var rows []version
		rows, done, err = readPage(ctx, client, o, e, p.afterID)
		if err != nil {
			// What was read so far is kept: the next refresh goes on from there.
			if ctx.Err() == nil {
				err = errors.Join(err, p.fail(ctx, err))
			}
			return result(), err
		}
		var whole *span
		if len(o.Filters) == 0 {
			whole = &span{after: p.afterID, last: lastID(rows, p.afterID)}
			if done {
				whole.last = 1<<64 - 1
			}
			if done && len(rows) == 0 && p.rows == 0 {
				// Nothing at all is more likely a right that was withdrawn
				// than a network without offers.
				whole = nil
			}
		}
		changed, vanished, err := h.put(ctx, rows, whole)
		if err != nil {
			return result(), err
		}
		p.afterID = lastID(rows, p.afterID)
		p.pages++
		p.rows += uint64(len(rows))
		p.changed += uint64(changed)
		p.vanished += uint64(vanished)
		if err := p.save(ctx, done); err != nil {
			return result(), err
		}
	}
	return result(), nil
}

func lastID(rows []version, otherwise uint64) uint64 {
	last := otherwise
	for _, v := range rows {
		last = max(last, v.id)
	}
	return last
}

// readPage reads the rows after an id, in the order of ids, and tells whether
// they are the last. Going by id instead of page number, a row that is added or
// removed meanwhile moves no other from one page to the next.
func readPage(ctx context.Context, client *hasoffers.Client, o Options, e Entity, after uint64) ([]version, bool, error) {
	var q hasoffers.Query
	if e.Paged {
		q = hasoffers.Query{
			Fields: e.FieldNames(), Filters: append([]hasoffers.Filter(nil), o.Filters...),
			Sort: []hasoffers.Sort{{Field: "id"}}, Limit: o.PageSize, Page: 1,
		}
		if after > 0 {
			q.Filters = append(q.Filters, hasoffers.Filter{Field: "id", Op: "GREATER_THAN", Value: strconv.FormatUint(after, 10)})
		}
	}
	page, err := client.Find(ctx, e.Target, e.Method, e.Model, q, nil)
	if err != nil {
		return nil, false, err
	}
	wrong := func(format string, args ...any) error {
		return &hasoffers.APIError{Target: e.Target, Method: e.Method, Kind: hasoffers.Malformed, Err: fmt.Errorf(format, args...)}
	}
	last := !e.Paged || !page.Paged || page.Count <= len(page.Rows) || len(page.Rows) == 0
	rows := make([]version, 0, len(page.Rows))
	before := after
	for _, row := range page.Rows {
		v, err := e.read(row, o.Zone)
		if err != nil {
			return nil, false, wrong("%w", err)
		}
		if e.Paged && v.id <= after {
			return nil, false, wrong("asked for ids above %d, the answer holds %d: it did not filter", after, v.id)
		}
		if !last && v.id < before {
			return nil, false, wrong("id %d comes after id %d: the answer is not sorted, so that pages cannot be told apart", v.id, before)
		}
		before = v.id
		rows = append(rows, v)
	}
	return rows, last, nil
}

// CheckFilters tells of a filter on a field that one of the entities lacks, and
// which it has.
func CheckFilters(filters []hasoffers.Filter, entities []Entity) error {
	for _, e := range entities {
		for _, f := range filters {
			switch {
			case !e.Paged:
				return fmt.Errorf("%s come whole: they take no filter; name others with --only", e.Name)
			case !e.Has(f.Field):
				return fmt.Errorf("%s have no field %q: want one of %s", e.Name, f.Field, joined(e.FieldNames()))
			}
		}
	}
	return nil
}
