package page

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/dirs"
	"rawlogs/internal/plain"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/reconcile"
	"rawlogs/internal/store"
)

// Question is what to gather of a network.
type Question struct {
	Network   string
	Names     *rawlog.Names // of the source's files; nil: the network's own
	Zones     rawlog.Zones
	Tolerance reconcile.Tolerance // between the store and the network's report
	// NotCounted are rows that the network's report is known not to count.
	NotCounted rawlog.NotCounted
	// Source opens what the files are listed from; nil says what is missing by the ledger
	// alone.
	Source func() (dirs.Source, error)
	Now    func() time.Time // nil: the store's clock
	Log    *slog.Logger
}

// Bounds of what one page asks of the store: a look must not take the store from the
// loads that it looks at.
const (
	stepTime   = 20 * time.Second // of each question that reads raw tables
	stepMemory = 2 << 30
	mostFiles  = 2_000_000
	mostIssues = 500
	mostLines  = 200 // of each of the tables below the calendar
)

// Start is the page of a store, without its networks.
func Start(ctx context.Context, st *store.Store, version string) (Data, error) {
	d := Data{Version: version, Store: plain.Text(st.Name()), Kinds: Kinds(), Networks: []Network{}, Disk: []Disk{}, Headers: []Header{}, Warnings: []string{}}
	now, err := st.Now(ctx)
	if err != nil {
		return d, err
	}
	d.Made = now.Unix()
	if d.limits, err = limit(ctx, st); err != nil {
		return d, err
	}
	if d.Disk, err = readDisk(bounded(ctx, d.limits), st); err != nil {
		d.lack("the disk by month", err)
	}
	if d.Headers, err = readHeaders(bounded(ctx, d.limits), st); err != nil {
		d.lack("headers without a column", err)
	}
	return d, ctx.Err()
}

// lack notes what the page has to do without.
func (d *Data) lack(what string, err error) {
	d.Warnings = append(d.Warnings, plain.Line(what+": "+err.Error(), 400))
}

// Add gathers a network and adds it to the page. What is beside the ledger and cannot be
// read in time becomes a warning; a ledger that cannot be read is an error.
func (d *Data) Add(ctx context.Context, st *store.Store, q Question) error {
	if q.Log == nil {
		q.Log = slog.New(slog.DiscardHandler)
	}
	now := time.Unix(d.Made, 0).UTC()
	if q.Now != nil {
		now = q.Now().UTC()
	}
	briefs, err := checkpoint.Open(st, q.Network).Brief(ctx, rawlog.All(), mostFiles)
	if err != nil {
		return err
	}
	g := &gathering{q: q, limits: d.limits, st: st, now: now, texts: map[string]int{}, runs: map[string]int{}}
	g.net = Network{ID: plain.Text(q.Network), Types: []Calendar{}, RunIDs: []string{}, Texts: []string{}, Issues: []Issue{}, Rejected: []Rejected{}, Runs: []Run{}}
	if g.lives, err = checkpoint.Open(st, q.Network).Lifetimes(ctx); err != nil {
		return err
	}
	lack := func(what string, err error) {
		if err != nil {
			d.lack(g.net.ID+": "+what, err)
		}
	}
	if len(briefs) == mostFiles {
		lack("the ledger", fmt.Errorf("only the latest %d files are shown", mostFiles))
	}
	listing, err := list(ctx, q)
	lack("the source could not be listed", err)
	if len(listing.keep) == 0 {
		listing.keep, err = readKeep(ctx, st, q.Network)
		lack("for how long the source keeps files", err)
	}
	listing.looked, err = readLooked(ctx, st, q.Network)
	lack("when the source was looked at", err)
	g.take(briefs, listing)
	lack("the store's rows were not counted", g.count(ctx))
	lack("the network's kept reports were not compared", g.compare(ctx))
	g.states(listing)
	if g.net.Rejected, err = readRejected(bounded(ctx, d.limits), st, q.Network); err != nil {
		lack("rejected lines", err)
	}
	if g.net.Looked, err = readLast(ctx, st, q.Network); listing.source != "" {
		g.net.Looked = now.Unix()
	}
	lack("when the source was last listed", err)
	if g.net.Runs, err = readRuns(bounded(ctx, d.limits), st, q.Network); err != nil {
		lack("runs", err)
	}
	d.Networks = append(d.Networks, g.finish())
	return ctx.Err()
}

// limit finds the settings that bound a question to the store. A user whose profile
// is read-only may not set any, and one that has less memory keeps it.
func limit(ctx context.Context, st *store.Store) (clickhouse.Settings, error) {
	var readonly, memory uint64
	err := st.Conn().QueryRow(ctx, "SELECT toUInt64(getSetting('readonly')), toUInt64(getSetting('max_memory_usage'))").Scan(&readonly, &memory)
	if err != nil || readonly == 1 {
		return clickhouse.Settings{}, err
	}
	settings := clickhouse.Settings{"max_execution_time": int(stepTime / time.Second), "timeout_overflow_mode": "throw", "max_threads": 2}
	if memory == 0 || memory > stepMemory {
		settings["max_memory_usage"] = stepMemory
	}
	return settings, nil
}

// bounded gives a question to the store no more time and memory than a look may take.
func bounded(ctx context.Context, limits clickhouse.Settings) context.Context {
	return clickhouse.Context(ctx, clickhouse.WithSettings(limits)) //guard:page-bounded
}
