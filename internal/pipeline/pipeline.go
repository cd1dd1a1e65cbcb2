// Package pipeline moves files from a source into the store, exactly once:
//
//	plan → feed → fetch ×F → load ×P → ledger
//
// The order of writes is the promise (docs/reliability.md): a file is put to
// "loading" before its first row is sent, its rows go into INSERTs that land
// whole or not at all, and it is put to "loaded" after the last of them is
// acknowledged. How an INSERT lands exactly once, and how its rows are taken back, is
// load/insert's to say; recover.go says what becomes of a dead run's files.
package pipeline

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/checkpoint/lease"
	"rawlogs/internal/dirs"
	"rawlogs/internal/fetch"
	"rawlogs/internal/load"
	"rawlogs/internal/load/insert"
	"rawlogs/internal/parse"
	"rawlogs/internal/privacy"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
	"rawlogs/internal/store/check"
)

// Options says what a run does. Zero values mean the defaults written beside them.
type Options struct {
	Network string
	Names   *rawlog.Names   // of the source's files; default: the network's own
	Types   []rawlog.Type   // default: all
	Periods []rawlog.Period // default: everything the source lists
	// RetryFailed also takes up files that an earlier run planned or failed to
	// load and that lie outside Periods.
	RetryFailed bool
	// Lookback is how many days the nightly run looks back, today included; default 3.
	// Earlier days count as complete once they were listed.
	Lookback int
	// CatchUp is how many days before Periods a run with RetryFailed also lists where
	// no run has listed them, though one listed earlier ones; 0 is none.
	CatchUp int
	Reload  bool // load again what is loaded: its rows are replaced
	// Files are those that the run is about, by name or end of name: with Reload beside
	// those of Periods, else these alone, and Periods are their hours.
	Files     []string
	DryRun    bool         // plan and report; write nothing
	Share     rawlog.Share // of the files; default: all
	Escapes   rawlog.Escapes
	Privacy   *privacy.Policy // what becomes of personal data; nil: all of it is kept
	Events    bool            // the source's files hold events of Firehose
	EventDays int             // an event is looked for in files of so many days before and after its own; default 15
	Zones     rawlog.Zones    // of the datetimes in the files; default UTC
	MaxMemory int64           // bytes for archives, texts and blocks; default 256 MiB
	Fetchers  int             // downloads at once; default 8
	Parsers   int             // INSERTs at once; default 2
	// InsertRows is how many rows an INSERT has before it ends at the end of a file, so that
	// the server writes few large parts; default 500,000.
	InsertRows int
	BlockRows  int    // rows of a wire block; default 8,192
	Spool      string // folder for large archives; default the system's
	// Download holds the time-outs and retries of downloads; how much memory and
	// disk they take is the run's own to say.
	Download fetch.Config
	// StoreWait is how long a run waits for a store that went away, or refuses for
	// a reason that may pass, before it gives up; default 2 minutes, and never as long
	// as a lease lasts. What is loaded by then stays loaded.
	StoreWait time.Duration
	// MaxRejected and MaxMisfit are the shares, from 0 to 1, of a file's lines that may be rejected,
	// and of its rows that may have a value that does not fit, for it to be loaded; default 0.5 each.
	MaxRejected, MaxMisfit float64
	Stop                   <-chan struct{} // when closed, no new file is begun
	// Now is the machine's clock; default time.Now. It names runs and INSERTs and
	// says what a network keeps no longer: what is new it never decides.
	Now func() time.Time
	// Skipped counts the names that the source has left out so far, as they are not raw
	// logs; it may be nil.
	Skipped func() int64
	Name    string // of the run, of insert.NewRun; default one of its own
	// mostPlanned is how many files a plan may be about, for tests; default 50,000.
	mostPlanned int
	// mostCompared is how many files Verify holds at once, for tests; default 20,000.
	mostCompared int
	planAll      bool             // pass over no month, for tests
	Started      func(run string) // is told the run's name before anything else happens
	Log          *slog.Logger
	Progress     *Progress
}

func (o Options) withDefaults() Options {
	if len(o.Types) == 0 {
		o.Types = rawlog.Types()
	}
	if o.MaxMemory <= 0 {
		o.MaxMemory = 256 << 20
	}
	if o.Fetchers <= 0 {
		o.Fetchers = 8
	}
	if o.Parsers <= 0 {
		o.Parsers = 2
	}
	o.mostPlanned = cmp.Or(o.mostPlanned, mostPlanned)
	o.mostCompared = cmp.Or(o.mostCompared, mostCompared)
	if o.InsertRows <= 0 {
		o.InsertRows = insertRows
	}
	if o.BlockRows <= 0 {
		o.BlockRows = blockRows
	}
	if o.Events {
		o.Parsers = 1
	}
	if o.EventDays <= 0 {
		o.EventDays = 15
	}
	if o.Lookback <= 0 {
		o.Lookback = 3
	}
	if o.StoreWait <= 0 {
		o.StoreWait = 2 * time.Minute
	}
	if o.MaxRejected <= 0 {
		o.MaxRejected = mostUnread
	}
	if o.MaxMisfit <= 0 {
		o.MaxMisfit = mostUnread
	}
	o.StoreWait = min(o.StoreWait, lease.TTL*3/4)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Progress == nil {
		o.Progress = new(Progress)
	}
	return o
}

// run is the state of one run; its methods are spread over this package's files
// by subject.
type run struct {
	Options
	st      *store.Store
	src     dirs.Source
	id      string
	ledger  *checkpoint.Ledger
	lease   *lease.Lease
	inserts *insert.Sender // under the lease
	tables  map[rawlog.Type]*load.Table
	// altered names the types whose table has a column of another type than the schema's.
	altered map[rawlog.Type]bool
	// doubtful says, by type, by what of the table's definition its server may refuse rows.
	doubtful map[rawlog.Type]string
	uncopied string // rights that the user lacks to make copies of tables; "" for none, or unasked
	// usual are the columns that earlier files of a type fill.
	usual   map[rawlog.Type]checkpoint.Usual
	kept    map[rawlog.Type]int // days that the source keeps files, where it was asked and told
	ahead   horizon
	expired []*checkpoint.Entry // of listed files whose months are over, to be written down
	budget  budget
	meant   [][]string // by each of Files: the names that it may mean
	sum     *collector
	flawed  atomic.Pointer[[]checkpoint.Entry] // files with issues, since the run last wrote to the ledger

	twins     *twins
	copies    copies
	awaits    []awaited
	releaned  map[fileKey]bool
	crowded   bool // a file of its plan is not the only one of its time
	fruitful  bool // the source is known to hold raw logs
	stretched bool // Periods are a stretch of those that it was asked for
	fetcher   *fetch.Fetcher
	openFiles int // archives that one INSERT may hold open
	size      insertSize

	wide struct { // proves what takes a window
		sync.Mutex
		parse.Inflater
	}
}

// Run brings the store up to date with what the source lists, as opts say. The
// summary is right as far as the run came, also beside an error. A
// *lease.HeldError means that another run is at work. In a dry run st may be
// nil: there is no store yet, and everything is to be loaded.
func Run(ctx context.Context, st *store.Store, src dirs.Source, opts Options) (Summary, error) {
	r := newRun(st, opts)
	r.src, r.budget = src, divide(r.MaxMemory, r.Parsers)
	// Each may be a file descriptor; as many are left to connections and the rest.
	r.openFiles = max(1, min(mostOpenFiles, fileLimit()/(2*r.Parsers)))
	r.wide.Window, r.meant = r.budget.window, meant(r.Names, r.Files)
	err := guarded(func() error { return r.do(ctx) })()
	return r.sum.done(), err
}

func newRun(st *store.Store, opts Options) *run {
	opts = opts.withDefaults()
	r := &run{Options: opts, st: st, ledger: checkpoint.Open(st, opts.Network), id: cmp.Or(opts.Name, insert.NewRun(opts.Now()))}
	r.Log = r.Log.With("run", r.id)
	if r.Started != nil {
		r.Started(r.id)
	}
	r.sum = newCollector(r.id)
	return r
}

func (r *run) do(ctx context.Context) (err error) {
	if r.st != nil { // a dry run does without one
		if err = r.openTables(ctx); err != nil {
			return err
		}
		if err = r.checkEvents(); err != nil {
			return err
		}
		if err = r.steady(ctx, r.loadable); err != nil { //guard:store-loadable
			return err
		}
	}
	if err = r.lookAhead(ctx); err != nil {
		return err
	}
	if r.DryRun {
		return r.work(ctx)
	}
	return r.leased(ctx, r.work)
}

// openTables reads the destinations' columns, which decide what is parsed.
func (r *run) openTables(ctx context.Context) error {
	r.tables, r.altered, r.doubtful = make(map[rawlog.Type]*load.Table), make(map[rawlog.Type]bool), make(map[rawlog.Type]string)
	return r.steady(ctx, func(ctx context.Context) error {
		tables, err := load.OpenTables(ctx, r.st, r.destinations()...)
		if err != nil {
			return err
		}
		columns := make(map[string][]store.Column)
		for _, table := range tables {
			columns[table.Name] = table.Columns
		}
		refusers, err := r.st.Refusers(ctx, columns)
		if err != nil {
			return err
		}
		for i, t := range r.Types {
			r.tables[t] = tables[i]
			if err := r.markAltered(t, tables[i]); err != nil {
				return err
			}
			if err := r.markDoubtful(ctx, t, tables[i], refusers[tables[i].Name]); err != nil {
				return err
			}
		}
		return nil
	})
}

// loadable looks at what would make a count no proof, before one is believed.
func (r *run) loadable(ctx context.Context) error {
	return check.Loadable(ctx, r.st, r.destinations())
}

// destinations are the tables of the run's types, in their order.
func (r *run) destinations() []string {
	tables := make([]string, len(r.Types))
	for i, t := range r.Types {
		tables[i] = string(t)
	}
	return tables
}
