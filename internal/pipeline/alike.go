package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
)

// Bounds of a comparison.
const (
	// mostAlike is the share of the smaller file's rows beyond which two files are taken
	// for the same time exported twice. Parts of an hour, and an hour's late second file,
	// have none in common.
	mostAlike = 0.5
	// comparedRows bounds the rows whose ids the server holds at once, 220 bytes each at
	// most. Files of one time that have more are compared by a sample of the ids.
	comparedRows = 1_000_000
	// sampled is how many rows of a sample it takes to say anything.
	sampled = 10
	// comparedHours bounds the hours that one statement names.
	comparedHours = 1000
)

// likes are the files of one time.
type likes struct {
	typ     rawlog.Type
	entries []*checkpoint.Entry
	rows    uint64
	found   map[string]overlap // by name
}

// overlap is what a file has in common with others.
type overlap struct {
	keys, rows uint64 // of its rows
	oneOf      uint64 // of so many rows one was looked at
	with       []string
}

func (o overlap) String() string {
	about, others := "", ""
	if o.oneOf > 1 {
		about = "about "
	}
	if len(o.with) > 1 {
		others = fmt.Sprintf(" and %d others", len(o.with)-1)
	}
	verb := "has"
	if others != "" {
		verb = "have"
	}
	return fmt.Sprintf("%s%d of its %d rows have transaction ids that %s%s %s too: is it the same hour exported again? Replace one of them at its source and load it with `ingest reload`, or ignore this",
		about, o.keys*o.oneOf, o.rows*o.oneOf, printable(o.with[0]), others, verb)
}

// likeBatch is what one statement compares.
type likeBatch struct {
	typ    rawlog.Type
	key    []string
	groups []*likes
	rows   uint64
	hours  []time.Time
}

// batches puts groups with the same key together, as far as the server may hold their
// rows: each statement reads the ids of a month.
func (r *run) batches(groups []*likes) []*likeBatch {
	slices.SortFunc(groups, func(a, b *likes) int { return compareFiles(a.entries[0].File, b.entries[0].File) })
	var all []*likeBatch
	open := make(map[string]*likeBatch)
	for _, g := range groups {
		var held []*checkpoint.Entry
		var hours []time.Time
		for _, e := range g.entries {
			if e.Rows == 0 {
				continue
			}
			held = append(held, e)
			g.rows += e.Rows
			if !slices.ContainsFunc(hours, e.File.Hour.Equal) {
				hours = append(hours, e.File.Hour)
			}
		}
		key := r.sameBy(g.typ, held)
		if len(held) < 2 || key == nil {
			continue
		}
		id := string(g.typ) + " " + strings.Join(key, " ")
		b := open[id]
		if b == nil || b.rows+g.rows > comparedRows || len(b.hours)+len(hours) > comparedHours {
			b = &likeBatch{typ: g.typ, key: key}
			open[id] = b
			all = append(all, b)
		}
		b.groups, b.rows, b.hours = append(b.groups, g), b.rows+g.rows, append(b.hours, hours...)
	}
	return all
}

// sameBy are the columns by which a row of a type is the same in each of the files. A
// click's id is enough; a click has several conversions, which their ids tell apart,
// or goal and time where not all of the files have ids. It is nil where the
// table has no transactions.
func (r *run) sameBy(typ rawlog.Type, entries []*checkpoint.Entry) []string {
	var columns []string
	for _, c := range r.tables[typ].Columns {
		columns = append(columns, c.Name)
	}
	if !slices.Contains(columns, "transaction_id") {
		return nil
	}
	key := []string{"transaction_id"}
	if typ != rawlog.Conversions {
		return key
	}
	add := func(column string) bool {
		// Of files of an earlier release it is not known what they fill.
		all := slices.Contains(columns, column) && !slices.ContainsFunc(entries, func(e *checkpoint.Entry) bool {
			return len(e.Filled) > 0 && !slices.Contains(e.Filled, column)
		})
		if all {
			key = append(key, column)
		}
		return all
	}
	add("goal_id")                           //guard:goals-differ
	if !add("id") && !add("tune_event_id") { //guard:conversions-differ
		add("datetime")
	}
	return key
}

// compare fills in what the files of a batch have in common.
func (r *run) compare(ctx context.Context, b *likeBatch) error {
	q := store.Alike{Hours: b.hours, Key: b.key, OneOf: 1 + (b.rows-1)/comparedRows}
	hours := make([]rawlog.File, len(b.hours))
	for i, h := range b.hours {
		hours[i].Hour = h
	}
	q.Scope = r.scopes(b.typ, span(hours))[0]
	var files map[string]store.Identified
	var common []store.Common
	err := r.steady(ctx, func(ctx context.Context) (err error) {
		files, common, err = r.st.FindAlike(ctx, q)
		return err
	})
	if err != nil {
		return err
	}
	for _, g := range b.groups {
		g.judge(files, common, q.OneOf, r.Share)
	}
	return nil
}

// pair is two files of one time.
type pair struct{ a, b *checkpoint.Entry }

// judge decides which of the group's files hold others of it once more.
func (g *likes) judge(files map[string]store.Identified, common []store.Common, oneOf uint64, share rawlog.Share) {
	with := make(map[string]map[string]bool)
	for p, n := range g.shared(common) {
		smaller := min(files[p.a.File.Name].Rows, files[p.b.File.Name].Rows)
		if !exceeds(n, smaller, mostAlike) || oneOf > 1 && n < sampled { //guard:different-files-stand
			continue
		}
		later, other := p.ordered(files, share)
		if !mayTell(later, share) {
			continue // the run whose file it is says so
		}
		if with[later.File.Name] == nil {
			with[later.File.Name] = make(map[string]bool)
		}
		with[later.File.Name][other.File.Name] = true
	}
	g.found = make(map[string]overlap)
	for name, others := range with {
		o := overlap{rows: files[name].Rows, oneOf: oneOf, with: slices.Sorted(maps.Keys(others))}
		for _, c := range common {
			if slices.Contains(c.Files, name) && slices.ContainsFunc(c.Files, func(f string) bool { return others[f] }) {
				o.keys += c.Keys
			}
		}
		g.found[name] = o
	}
}

// shared counts the keys that any two of the group's files have in common.
func (g *likes) shared(common []store.Common) map[pair]uint64 {
	shared := make(map[pair]uint64)
	for _, c := range common {
		var of []*checkpoint.Entry // in the order of the group; the others are of other hours
		for _, e := range g.entries {
			if slices.Contains(c.Files, e.File.Name) {
				of = append(of, e)
			}
		}
		for i, a := range of {
			for _, b := range of[i+1:] {
				shared[pair{a, b}] += c.Keys
			}
		}
	}
	return shared
}

// mayTell reports whether this run may write an issue of the file.
func mayTell(e *checkpoint.Entry, share rawlog.Share) bool {
	return share.Has(e.File.Name) && (e.State == checkpoint.Loaded || e.State == checkpoint.Failed)
}

// ordered picks the file that is said to overlap the other: the one of which that was
// said before, as somebody may have said to ignore it, else the one that was loaded
// later. Within a second, which is as far as rows know it, that is the one that is not
// compared yet.
func (p pair) ordered(files map[string]store.Identified, share rawlog.Share) (later, other *checkpoint.Entry) {
	fresh := func(e *checkpoint.Entry) int {
		if e.Has(checkpoint.Overlap) && !told(e) {
			return 1
		}
		return 0
	}
	order := cmp.Or(files[p.a.File.Name].Loaded.Compare(files[p.b.File.Name].Loaded), cmp.Compare(fresh(p.a), fresh(p.b)), strings.Compare(p.a.File.Name, p.b.File.Name))
	b := order < 0
	switch {
	case told(p.a) != told(p.b): //guard:overlap-stays-put
		b = told(p.b)
	case mayTell(p.a, share) != mayTell(p.b, share):
		b = mayTell(p.b, share)
	}
	if b {
		return p.b, p.a
	}
	return p.a, p.b
}
