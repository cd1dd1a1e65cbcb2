package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/load/insert"
	"rawlogs/internal/privacy"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
)

// Forgotten is what `ingest forget` did on a network. Its JSON names are a promise.
type Forgotten struct {
	Network string            `json:"network"`
	DryRun  bool              `json:"dry_run"`
	Values  int               `json:"values"`   // that were to be forgotten
	Known   int               `json:"known"`    // of those: that had a receipt before
	Resumed int               `json:"resumed"`  // of those: whose forgetting had not come to its end
	Rows    map[string]uint64 `json:"rows"`     // deleted, by table; in a dry run: found
	Lines   int               `json:"rejected"` // lines of rejected_rows whose text was withheld
	Files   int               `json:"files"`    // that lost rows
	Seconds float64           `json:"seconds"`
}

// Forget deletes all rows of people, and sees to it that no load brings them back. The order of
// its writes is the promise:
//
//	receipt open → ledger: forgetting n → rows deleted → ledger: rows - n, forgotten + n →
//	deletions made physical → receipt done
//
// Every load obeys a receipt from its first write on. A file of which rows are missing while
// the ledger still counts them says how many those may be (forgetting), so that whoever comes
// next, a load or this again, counts what is there and writes that down (settle): a missing row
// is forgotten, not lost. An open receipt says that rows may be there yet; the same command
// goes on. It holds the lease of the loads.
func Forget(ctx context.Context, st *store.Store, opts Options, people []privacy.Person) (Forgotten, error) {
	opts.Types = rawlog.All()
	opts = opts.withDefaults()
	r := &run{Options: opts, st: st, ledger: checkpoint.Open(st, opts.Network), budget: divide(opts.MaxMemory, opts.Parsers)}
	r.id = cmp.Or(opts.Name, insert.NewRun(opts.Now()))
	r.Log = r.Log.With("run", r.id)
	if r.Started != nil {
		r.Started(r.id)
	}
	r.sum = newCollector(r.id)
	traces := opts.Privacy.Traces(people)
	f := &forgetter{run: r, people: people, wanted: store.Wanted{Marks: traces.Marks, Values: traces.Values, Addresses: traces.Addresses, Names: traces.Names},
		files: make(map[string][]string), out: Forgotten{Network: opts.Network, DryRun: opts.DryRun, Values: len(people), Rows: make(map[string]uint64)}}
	err := guarded(func() error { return f.do(ctx) })()
	f.out.Seconds = r.sum.done().Elapsed.Seconds()
	return f.out, err
}

// forgetter is one run of `ingest forget` on a network.
type forgetter struct {
	*run
	people   []privacy.Person
	wanted   store.Wanted
	receipts []*checkpoint.Receipt
	files    map[string][]string // that lost rows, by log type
	out      Forgotten
}

func (f *forgetter) do(ctx context.Context) (err error) {
	if err = f.Privacy.CanForget(); err != nil {
		return err
	}
	if f.DryRun {
		if err = f.prepare(ctx); err != nil {
			return err
		}
		return f.count(ctx)
	}
	return f.leased(ctx, f.forget)
}

// forget does all of it, under the lease.
func (f *forgetter) forget(ctx context.Context) (err error) {
	if err = f.prepare(ctx); err != nil {
		return err
	}
	if err = f.write(ctx); err != nil { //guard:forget-receipt-first
		return err
	}
	if err = f.erase(ctx); err != nil {
		return err
	}
	for _, r := range f.receipts {
		r.Done = true
	}
	return f.write(ctx)
}

// prepare makes the receipts, or finds those that are there.
func (f *forgetter) prepare(ctx context.Context) error {
	var known []checkpoint.Receipt
	var now time.Time
	err := f.steady(ctx, func(ctx context.Context) (err error) {
		if known, err = checkpoint.Receipts(ctx, f.st, f.Network); err == nil {
			now, err = f.st.Now(ctx)
		}
		return err
	})
	if err != nil {
		return err
	}
	byID := make(map[string]*checkpoint.Receipt)
	for i := range known {
		byID[known[i].ID] = &known[i]
	}
	for _, person := range f.people {
		hashes := f.Privacy.Receipt(person)
		r := byID[hashes[0]]
		switch {
		case r == nil:
			r = &checkpoint.Receipt{ID: hashes[0], Kind: person.Kind, Hashes: hashes, Key: f.Privacy.KeyID(), Asked: now}
			byID[r.ID] = r
		case slices.Contains(f.receipts, r):
			continue // named twice
		case r.Done:
			f.out.Known++
		case r.Version > 0:
			f.out.Known++
			f.out.Resumed++
		}
		f.receipts = append(f.receipts, r)
	}
	f.out.Values = len(f.receipts)
	return nil
}

// write writes the receipts as they stand.
func (f *forgetter) write(ctx context.Context) error {
	for _, r := range f.receipts {
		if r.Counts == nil {
			r.Counts = make(map[string]uint64)
		}
		if r.Done {
			for table, n := range f.out.Rows {
				r.Counts[table] += n
			}
			r.Counts[store.RejectedRows] += uint64(f.out.Lines)
		}
		r.Version++
	}
	return f.steady(ctx, func(ctx context.Context) error { return f.ledger.PutReceipts(ctx, f.id, f.receipts) })
}

// count only looks.
func (f *forgetter) count(ctx context.Context) error {
	for _, typ := range f.Types {
		places, err := f.find(ctx, typ)
		if err != nil {
			return err
		}
		files := make(map[string]bool)
		for _, p := range places {
			files[p.File] = true
		}
		f.found(string(typ), len(places))
		f.out.Files += len(files)
		n, err := f.st.WithholdRejected(ctx, f.scopes(typ, rawlog.Period{})[1], f.wanted, store.Fence{}, true)
		if err != nil {
			return err
		}
		f.out.Lines += n
	}
	for _, table := range store.LooseTables() {
		keys, err := f.st.FindLoose(ctx, table, f.Network, f.wanted)
		if err != nil {
			return err
		}
		f.found(table, len(keys))
	}
	return nil
}

func (f *forgetter) found(table string, n int) {
	if n > 0 {
		f.out.Rows[table] += uint64(n)
	}
}

// erase deletes all that is found, and looks again until nothing is.
func (f *forgetter) erase(ctx context.Context) error {
	for _, typ := range f.Types {
		if err := f.eraseType(ctx, typ); err != nil {
			return err
		}
	}
	err := f.steady(ctx, func(ctx context.Context) error {
		if err := f.lease.Confirm(ctx); err != nil {
			return err
		}
		for _, table := range store.LooseTables() {
			if err := f.eraseLoose(ctx, table); err != nil {
				return err
			}
		}
		return f.st.WithholdTexts(ctx, f.Network, f.wanted, f.files, f.lease.Fence())
	})
	if err != nil {
		return err
	}
	// What reloads replaced is still in the parts as well, and is the person's, too.
	for _, table := range slices.Concat(tablesOf(f.Types), store.LooseTables(), []string{store.RejectedRows}) {
		if err := f.steady(ctx, func(ctx context.Context) error { return f.st.Purge(ctx, table) }); err != nil {
			return err
		}
	}
	return nil
}

func tablesOf(types []rawlog.Type) []string {
	tables := make([]string, len(types))
	for i, t := range types {
		tables[i] = string(t)
	}
	return tables
}

// tries bounds how often rows are looked for that should be gone.
const tries = 5

func (f *forgetter) eraseType(ctx context.Context, typ rawlog.Type) error {
	scopes := f.scopes(typ, rawlog.Period{})
	for try := 0; ; try++ {
		places, err := f.find(ctx, typ)
		if err != nil {
			return err
		}
		if len(places) == 0 {
			break
		}
		if try == tries {
			return fmt.Errorf("forgetting rows of %s: %d are still found after %d deletions", typ, len(places), tries)
		}
		slices.SortFunc(places, func(a, b store.Place) int {
			return cmp.Or(a.Hour.Compare(b.Hour), cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
		})
		for len(places) > 0 {
			n := filesEnd(places)
			if err := f.erasePlaces(ctx, typ, places[:n]); err != nil {
				return err
			}
			places = places[n:]
		}
	}
	return f.steady(ctx, func(ctx context.Context) error {
		if err := f.lease.Confirm(ctx); err != nil {
			return err
		}
		n, err := f.st.WithholdRejected(ctx, scopes[1], f.wanted, f.lease.Fence(), false)
		f.out.Lines += n
		return err
	})
}

func (f *forgetter) find(ctx context.Context, typ rawlog.Type) (places []store.Place, err error) {
	err = f.steady(ctx, func(ctx context.Context) (err error) {
		places, err = f.st.FindPeople(ctx, f.scopes(typ, rawlog.Period{})[0], f.wanted)
		return err
	})
	return places, err
}

// atOnce bounds the files that are written to the ledger as being forgotten at a time.
const atOnce = 500

// filesEnd is how many of the places are of the first files.
func filesEnd(places []store.Place) int {
	files, last := 0, ""
	for i, p := range places {
		if i == 0 || p.File != last {
			if files, last = files+1, p.File; files > atOnce {
				return i
			}
		}
	}
	return len(places)
}

// erasePlaces deletes rows of some files. The ledger says before how many there may be less,
// and after how many there are.
func (f *forgetter) erasePlaces(ctx context.Context, typ rawlog.Type, places []store.Place) error {
	of := make(map[string][]store.Place)
	for _, p := range places {
		of[p.File] = append(of[p.File], p)
	}
	files := slices.Sorted(maps.Keys(of))
	entries, err := f.entries(ctx, checkpoint.Filter{Types: []rawlog.Type{typ}, Files: files})
	if err != nil {
		return err
	}
	marked := make([]*checkpoint.Entry, len(entries))
	for i := range entries {
		e := &entries[i]
		marked[i] = e
		e.Run = f.id
		e.Forgetting = 0
		markForgetting(e, of[e.File.Name])
	}
	if err = f.record(ctx, marked); err != nil { //guard:forget-marked
		return err
	}
	hours := rawlog.Period{From: places[0].Hour, To: places[len(places)-1].Hour.Add(time.Hour)}
	err = f.steady(ctx, func(ctx context.Context) error {
		if lost := f.lease.Confirm(ctx); lost != nil {
			return lost
		}
		return f.st.DeletePlaces(ctx, f.scopes(typ, hours)[0], places, f.lease.Fence())
	})
	if err != nil {
		return err
	}
	f.found(string(typ), len(places))
	f.out.Files += len(files)
	f.files[string(typ)] = append(f.files[string(typ)], files...)
	return f.settle(ctx, typ, marked)
}

// markForgetting says in an entry how many of its rows are about to be deleted, and takes out of
// it what quotes the file.
func markForgetting(e *checkpoint.Entry, places []store.Place) {
	e.Forgetting = 0
	for _, p := range places {
		if !slices.Contains(e.Inserts, p.Insert) {
			continue // the ledger does not count it
		}
		e.Forgetting++
		if p.Rescued && e.Rescued > 0 {
			e.Rescued--
		}
	}
	e.Error = privacy.Unquoted(e.Error)
	e.Issues = slices.Clone(e.Issues)
	for i := range e.Issues {
		e.Issues[i].Text = privacy.Unquoted(e.Issues[i].Text)
	}
}

func (f *forgetter) eraseLoose(ctx context.Context, table string) error {
	for try := 0; ; try++ {
		keys, err := f.st.FindLoose(ctx, table, f.Network, f.wanted)
		if err != nil || len(keys) == 0 {
			return err
		}
		if try == tries {
			return fmt.Errorf("forgetting rows of %s: %d are still found after %d deletions", table, len(keys), tries)
		}
		if err := f.st.DeleteLoose(ctx, table, f.Network, keys, f.lease.Fence()); err != nil {
			return err
		}
		f.found(table, len(keys))
	}
}
