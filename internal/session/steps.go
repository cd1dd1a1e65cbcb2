package session

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"rawlogs/internal/dims"
	"rawlogs/internal/dirs"
	"rawlogs/internal/hasoffers"
	"rawlogs/internal/pipeline"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/reconcile"
	"rawlogs/internal/report"
	"rawlogs/internal/store"
)

// IncompleteError reports that the work was done but for something that it names.
type IncompleteError struct{ What string }

func (e *IncompleteError) Error() string { return e.What }

// LookbackPeriod is the period of the last days. The local clock only bounds what is
// listed, never what is new; it may be hours off, so the period reaches a day
// into the future.
func (s *Session) LookbackPeriod(now time.Time) rawlog.Period {
	today := now.UTC().Truncate(24 * time.Hour)
	return rawlog.Period{From: today.AddDate(0, 0, 1-s.Config.Lookback), To: today.AddDate(0, 0, 2)} //guard:lookback-slack
}

// Load brings the store up to date with the source; what opts leave open comes from
// the settings. The summary is right as far as the load came, also beside an error.
func (s *Session) Load(ctx context.Context, opts pipeline.Options) (pipeline.Summary, error) {
	src, err := s.Source()
	if err != nil {
		return pipeline.Summary{}, err
	}
	if s.record != nil {
		opts.Name = s.record.Run()
	}
	s.loaded = true
	sum, err := s.load(ctx, src, opts)
	s.noteLoad(ctx, src, sum)
	return sum, err
}

// load is one run of the pipeline. Each has a name of its own: INSERTs are known by it.
func (s *Session) load(ctx context.Context, src dirs.Source, opts pipeline.Options) (pipeline.Summary, error) {
	open := s.Store
	if opts.DryRun { //guard:dry-run-makes-nothing
		open = s.Look
	}
	st, err := open(ctx)
	var none *AbsentError
	switch {
	case errors.As(err, &none) && opts.DryRun:
		s.Log.Info("nothing is loaded yet", "err", err)
	case err != nil:
		return pipeline.Summary{}, err
	}
	if err = s.checkPolicy(ctx, st); err != nil {
		return pipeline.Summary{}, err
	}
	opts.Share = s.Share
	opts.Network, opts.Names, opts.Zones, opts.Escapes, opts.MaxMemory = s.Config.Network, s.Config.Names, s.Config.Zones, s.Config.Escapes, s.Config.MaxMemory
	opts.MaxRejected, opts.MaxMisfit = s.Config.MaxRejected, s.Config.MaxMisfit
	opts.Privacy = s.Config.Privacy
	opts.EventDays = s.Config.EventDays
	opts.Events = s.Config.Source.Events && !slices.ContainsFunc(opts.Types, rawlog.Type.Snapshot)
	opts.Lookback, opts.CatchUp = s.Config.Lookback, s.Config.CatchUp
	opts.Fetchers, opts.Parsers, opts.Spool = cmp.Or(opts.Fetchers, s.Config.Fetchers), s.Config.Parsers, s.Config.Spool
	opts.Log, opts.Started = s.own, func(run string) { s.run.Store(&run) }
	opts.Skipped = s.skipped.Load
	sum, err := pipeline.Run(ctx, st, src, opts)
	for _, f := range sum.Failures {
		if f.New {
			s.failed = append(s.failed, f.File)
		}
	}
	return sum, err
}

// Prepare opens what Dims and Updates need, so that what follows is about them.
func (s *Session) Prepare(ctx context.Context) error {
	if _, err := s.API(); err != nil {
		return err
	}
	_, err := s.Store(ctx)
	return err
}

// Names is what a refresh of the names did. Its JSON names are a promise.
type Names struct {
	Network  string        `json:"network"`
	Entities []dims.Result `json:"entities"`
	Views    []string      `json:"views,omitempty"` // names that the server allows no dictionary for
	Taken    []string      `json:"taken,omitempty"` // names that belong to something of an analyst's
}

// Dims refreshes the names behind the ids and makes the dictionaries show them. The
// report is right as far as it came. An *IncompleteError names what could not be
// refreshed.
func (s *Session) Dims(ctx context.Context, o dims.Options) (Names, error) {
	names := Names{Network: s.Config.Network}
	client, err := s.API()
	if err != nil {
		return names, err
	}
	st, err := s.Store(ctx)
	if err != nil {
		return names, err
	}
	o.Network, o.Zone, o.Log = s.Config.Network, s.Config.Zones.Now(), s.Log
	if names.Entities, err = dims.Refresh(ctx, client, st, o); err != nil {
		return names, err
	}
	var taken []*store.TakenError
	names.Views, taken, err = dims.PutDictionaries(ctx, st)
	for _, t := range taken {
		names.Taken = append(names.Taken, t.Name)
		s.Log.Warn("dictGet finds no names of ours here; `ingest dims` makes them once the name is free", "err", t)
	}
	if err != nil {
		return names, err
	}
	var failed []string
	for _, r := range names.Entities {
		s.noteChanged(uint64(r.Changed))
		if r.Err != nil {
			failed = append(failed, r.Entity)
		}
	}
	if len(failed) > 0 {
		return names, &IncompleteError{What: "not refreshed: " + strings.Join(failed, ", ")}
	}
	return names, nil
}

// Updates reads the later changes of conversions that were made in the periods; none
// means those of the last days. A network that does not let it is an
// *IncompleteError.
func (s *Session) Updates(ctx context.Context, periods []rawlog.Period) (dims.UpdateResult, error) {
	client, err := s.API()
	if err != nil {
		return dims.UpdateResult{}, err
	}
	st, err := s.Store(ctx)
	if err != nil {
		return dims.UpdateResult{}, err
	}
	if err = s.checkPolicy(ctx, st); err != nil {
		return dims.UpdateResult{}, err
	}
	if len(periods) == 0 {
		periods = []rawlog.Period{s.LookbackPeriod(time.Now())}
	}
	sum, err := dims.Updates(ctx, client, st, dims.Options{Network: s.Config.Network, Zone: s.Config.Zones.At(periods[0].From), Privacy: s.Config.Privacy, Log: s.Log}, periods)
	s.noteChanged(uint64(sum.Changed))
	if kind, _ := hasoffers.KindOf(err); err != nil && kind == hasoffers.Permission {
		err = &IncompleteError{What: err.Error()}
	}
	return sum, err
}

// Reconcile compares the rows of the periods with the network's own totals. Network,
// names, words, zone and log of c come from the settings, unless c has a zone.
func (s *Session) Reconcile(ctx context.Context, c reconcile.Config, periods []rawlog.Period) ([]*reconcile.Report, error) {
	st, err := s.Look(ctx)
	if err != nil {
		return nil, err
	}
	client, err := s.API()
	if err != nil {
		return nil, err
	}
	c.Network, c.Names, c.NotCounted, c.Log = s.Config.Network, s.Config.Names, s.Config.NotCounted, s.Log
	if c.FromReport = s.Config.ReportOnly; c.FromReport {
		c.Types = []rawlog.Type{rawlog.Conversions} // clicks and impressions have no rows anywhere
	}
	zone := c.Zone
	asker := report.New(client, report.Config{Log: s.Log})
	reports := []*reconcile.Report{}
	for _, p := range periods {
		if zone == nil {
			c.Zone = s.Config.Zones.At(p.From)
		}
		r, err := reconcile.Run(ctx, st, asker, p, c)
		if err != nil {
			return nil, err
		}
		reports = append(reports, r)
	}
	s.noteDifferences(reports)
	return reports, nil
}
