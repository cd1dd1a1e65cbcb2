package dims

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"rawlogs/internal/hasoffers"
	"rawlogs/internal/privacy"
	"rawlogs/internal/store"
)

// Options says what to refresh. Zero values mean the defaults written beside them.
type Options struct {
	Network  string
	Entities []Entity // default: all
	// Filters narrow what is read; nothing counts as vanished then.
	Filters  []hasoffers.Filter
	Zone     *time.Location  // of the network's dates; default UTC
	Privacy  *privacy.Policy // of later changes of conversions; nil: all is kept
	PageSize int             // rows a call; default 500
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
//
// It holds a lease meanwhile: two refreshes of one network at once would write
// each change twice. A *lease.HeldError says who is at work.
func Refresh(ctx context.Context, client *hasoffers.Client, st *store.Store, o Options) (results []Result, err error) {
	o = o.withDefaults()
	ctx, release, err := hold(ctx, st, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, release()) }()
	changes := &trail{client: client, log: o.Log}
	for _, e := range o.Entities {
		r, err := refresh(ctx, client, st, o, e, changes)
		if err != nil {
			r.Err, r.Error = err, err.Error()
		}
		results = append(results, r)
		if fatal(ctx, err) {
			return results, err
		}
		if err != nil {
			o.Log.Warn("not refreshed", "entity", e.Name, "err", err)
		}
	}
	return results, nil
}

// fatal reports whether an entity's failure is everybody's.
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

func refresh(ctx context.Context, client *hasoffers.Client, st *store.Store, o Options, e Entity, changes *trail) (Result, error) {
	filters := filterText(o.Filters)
	p, err := begin(ctx, st, o.Network, e.Name, filters)
	if err != nil {
		return Result{Entity: e.Name}, err
	}
	resumed := p.afterID > 0
	result := func() Result {
		return Result{Entity: e.Name, Pages: int(p.pages), Rows: int(p.rows), Changed: int(p.changed), Vanished: int(p.vanished), Resumed: resumed}
	}
	h := history{st: st, network: o.Network, entity: e, log: o.Log, trail: changes, since: p.before}
	r := reader{client: client, entity: e, options: o, known: &identity{}}
	page, readErr := r.page(ctx, place{id: p.afterID})
	for r.known.leaveOut(readErr, e, o.Log) {
		page, readErr = r.page(ctx, place{id: p.afterID})
	}
	for readErr == nil {
		// The next page is read first, as its count says whether this one is whole.
		var next answer
		var nextErr error
		if !page.end {
			next, nextErr = r.page(ctx, last(page.rows, place{id: p.afterID}, false))
		}
		var whole *span
		if len(o.Filters) == 0 && nextErr == nil && page.proves(next) {
			whole = &span{after: p.afterID, last: last(page.rows, place{id: p.afterID}, false).id, unchecked: !e.Paged}
			if page.end {
				whole.last = 1<<64 - 1
			}
		}
		changed, vanished, err := h.put(ctx, page.rows, whole)
		if err != nil {
			return result(), err
		}
		p.afterID = last(page.rows, place{id: p.afterID}, false).id
		p.pages++
		p.rows += uint64(len(page.rows))
		p.changed += uint64(changed)
		p.vanished += uint64(vanished)
		done := page.end || nextErr == nil && len(next.rows) == 0
		if err := p.save(ctx, done); err != nil || done {
			return result(), err
		}
		page, readErr = next, nextErr
	}
	// What was read so far is kept: the next refresh goes on from there.
	if ctx.Err() == nil {
		readErr = errors.Join(readErr, p.fail(ctx, readErr))
	}
	return result(), readErr
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
