package session

import (
	"context"
	"time"

	"rawlogs/internal/config"
	"rawlogs/internal/dirs"
	"rawlogs/internal/load/insert"
	"rawlogs/internal/pipeline"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/reconcile"
	"rawlogs/internal/runs"
	"rawlogs/internal/store"
)

// Recorded is work of a command that is written down in ingest_runs: each network's as a
// run of its own, with the exit status and error that it ends with.
func (n *Networks) Recorded(c runs.Command, work Job) Job {
	return func(ctx context.Context, s *Session) error {
		s.record = runs.New(c, s.Config.Network, insert.NewRun(time.Now()), s.Config.Secrets(), s.Log)
		err := work(ctx, s) // a panic leaves the row without an end, and it counts as died
		status, failure := n.outcome(err)
		s.end(ctx, status, failure)
		return err
	}
}

// Record writes the begin of a run on a store that was opened as it is; Store and Look do
// so themselves.
func (s *Session) Record(ctx context.Context, st *store.Store) { s.record.Begin(ctx, st) }

// usage is the exit status of a command line or setting that is wrong.
const usage = 2

// end writes the end of the run, also where its begin could not be written. Work that
// failed before it opened the store is written down as well, where there is a store.
func (s *Session) end(ctx context.Context, status int, failure error) {
	const patience = 10 * time.Second
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if !s.record.Begun() && (status == usage || s.store == nil && failure == nil || !s.recordable(ctx)) {
		return
	}
	err := s.again(ctx, func() error { return s.record.End(ctx, s.store, status, failure) })
	if err != nil && !store.NoTable(err) {
		s.Log.Warn("the end of the run could not be recorded; it will be shown as died", "run", s.record.Run(), "err", err) //guard:run-ends-anyway
	}
}

// recordable reports whether a store is there that runs are written down in. One that
// could not be opened is not tried again.
func (s *Session) recordable(ctx context.Context) bool {
	if s.store == nil {
		if s.refused {
			return false
		}
		if _, err := s.Open(ctx, store.Config{Existing: true}); err != nil {
			s.Log.Debug("the run is not recorded", "err", err)
			return false
		}
	}
	applied, err := s.store.Applied(ctx)
	return err == nil && applied && s.store.Current(ctx) == nil
}

// noteLoad takes down what a load came to, beside what others of the run came to, and how
// long the source keeps files.
func (s *Session) noteLoad(ctx context.Context, src dirs.Source, sum pipeline.Summary) {
	if s.record == nil {
		return
	}
	r := &s.record.Result
	count(&r.Counts, sum)
	ofReport := s.report != nil && src == dirs.Source(s.report)
	if !ofReport || r.Listing.At.IsZero() {
		r.Listing = runs.Listing{Types: sum.Listing.Types, Days: sum.Listing.Days, At: sum.Listing.At}
	}
	if ofReport {
		return // its days are kept for as long whenever one asks
	}
	r.Kept = sum.Kept
	if sum.Listing.At.IsZero() || ctx.Err() != nil || s.Config.Source.Kind != config.API || !s.record.AsksRetention(ctx) {
		return
	}
	kept, err := src.Retention(ctx)
	if err != nil {
		s.Log.Debug("the source does not tell how long it keeps files", "err", err)
		return
	}
	r.Kept = kept
}

// count adds what a load came to.
func count(c *runs.Counts, sum pipeline.Summary) {
	add := func(to *uint64, n int) { *to += uint64(n) }
	add(&c.Listed, sum.Listed)
	add(&c.AlreadyLoaded, sum.AlreadyLoaded)
	add(&c.Loaded, sum.Loaded)
	add(&c.Failed, sum.Failed)
	add(&c.Left, sum.Left)
	add(&c.Recovered, sum.Recovered)
	add(&c.Replaced, sum.Replaced)
	add(&c.Lost, len(sum.Missing))
	add(&c.Inserts, sum.Inserts)
	add(&c.Mismatches, len(sum.Mismatches))
	c.Rows, c.Rejected, c.Rescued, c.Inexact, c.Bytes = c.Rows+sum.Rows, c.Rejected+sum.Rejected, c.Rescued+sum.Rescued, c.Inexact+sum.Inexact, c.Bytes+uint64(sum.Bytes)
}

// noteChanged counts versions of names, and later changes of conversions.
func (s *Session) noteChanged(n uint64) {
	if s.record != nil {
		s.record.Result.Changed += n
	}
}

// noteDifferences sums up by type the rows of the lines that are beyond the tolerance.
func (s *Session) noteDifferences(reports []*reconcile.Report) {
	if s.record == nil {
		return
	}
	rows := map[rawlog.Type]uint64{}
	for _, r := range reports {
		for _, l := range r.Lines {
			rows[l.Type] += 0 // compared
			if !l.Open && !l.Within {
				rows[l.Type] += uint64(max(l.Difference, -l.Difference))
			}
		}
	}
	s.record.Result.Differing = rows
}
