package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/dirs/firehose"
	"rawlogs/internal/pipeline"
	"rawlogs/internal/queue"
	"rawlogs/internal/rawlog"
)

// ErrNoArchive is of a network whose source is not files of events.
var ErrNoArchive = errors.New("the queue's messages are kept in files, and the source is not a place for them")

// Consumed is what was taken from a queue, and what its loads came to.
type Consumed struct {
	queue.Summary
	Loads []pipeline.Summary
}

// Consume takes messages from a queue into the source, which is an archive of events,
// loads them and deletes them. Client, log and what is written and loaded by are set here.
// First it loads what an earlier run archived and could not load. A file that could not be
// loaded is an *IncompleteError; its messages stay in the queue.
func (s *Session) Consume(ctx context.Context, at queue.Address, cfg queue.Config, opts pipeline.Options) (Consumed, error) {
	var out Consumed
	if !s.Config.Source.Events {
		return out, ErrNoArchive
	}
	src, err := s.Source()
	if err != nil {
		return out, err
	}
	archive, ok := src.(*firehose.Source)
	if !ok {
		return out, ErrNoArchive
	}
	client, err := queue.Open(ctx, at)
	if err != nil {
		return out, err
	}
	cfg.URL, cfg.Client, cfg.Put, cfg.MaxMemory, cfg.Stop, cfg.Log = at.URL, client, archive.Put, s.Config.MaxMemory, opts.Stop, s.Log
	load := func(ctx context.Context, files []rawlog.File) error {
		sum, lerr := s.loadThese(ctx, archive, files, opts)
		out.Loads = append(out.Loads, sum)
		if s.record != nil {
			count(&s.record.Result.Counts, sum)
		}
		if lerr != nil {
			return lerr
		}
		return s.acknowledged(ctx, files, sum)
	}
	if err = s.leftover(ctx, load); err != nil {
		return out, err
	}
	cfg.Load = func(ctx context.Context, name string) error {
		var files []rawlog.File
		for _, t := range rawlog.Types() {
			files = append(files, rawlog.File{Type: t, Name: rawlog.EventsFolder + name, Hour: firehose.HourOf(name, time.Time{}), Size: -1})
		}
		return load(ctx, files)
	}
	out.Summary, err = queue.New(cfg).Run(ctx)
	return out, err
}

// leftover loads what the ledger knows of the archive as not loaded: a run that died had
// begun with it, or it failed. What fails again hinders nothing new.
func (s *Session) leftover(ctx context.Context, load func(context.Context, []rawlog.File) error) error {
	st, err := s.Store(ctx)
	if err != nil {
		return err
	}
	entries, err := checkpoint.Open(st, s.Config.Network).Entries(ctx, checkpoint.Filter{States: []checkpoint.State{checkpoint.Planned, checkpoint.Loading, checkpoint.Failed}})
	if err != nil {
		return err
	}
	var files []rawlog.File
	for _, e := range entries {
		if rawlog.IsEvents(e.File.Name) {
			files = append(files, rawlog.File{Type: e.File.Type, Name: e.File.Name, Hour: e.File.Hour, Size: -1})
		}
	}
	if len(files) == 0 {
		return nil
	}
	var not *IncompleteError
	if err := load(ctx, files); err != nil && !errors.As(err, &not) {
		return err
	}
	return nil
}

// loadThese loads files of an archive without listing it.
func (s *Session) loadThese(ctx context.Context, archive *firehose.Source, files []rawlog.File, opts pipeline.Options) (pipeline.Summary, error) {
	opts.Periods, opts.Files = nil, nil
	for _, f := range files {
		hour := rawlog.Period{From: f.Hour, To: f.Hour.Add(time.Hour)}
		if !slices.Contains(opts.Periods, hour) {
			opts.Periods = append(opts.Periods, hour)
		}
		if !slices.Contains(opts.Files, f.Name) {
			opts.Files = append(opts.Files, f.Name)
		}
	}
	return s.load(ctx, archive.These(files), opts)
}

// acknowledged asks the ledger whether the files are loaded, and the counts of their rows
// are right.
func (s *Session) acknowledged(ctx context.Context, files []rawlog.File, sum pipeline.Summary) error {
	if n := len(sum.Mismatches); n > 0 {
		return &IncompleteError{What: fmt.Sprintf("the counts of %d files differ from the ledger; their messages stay in the queue", n)}
	}
	var names []string
	for _, f := range files {
		if !slices.Contains(names, f.Name) {
			names = append(names, f.Name)
		}
	}
	var entries []checkpoint.Entry
	err := s.again(ctx, func() (err error) {
		entries, err = checkpoint.Open(s.store, s.Config.Network).Entries(ctx, checkpoint.Filter{Files: names, States: []checkpoint.State{checkpoint.Loaded}})
		return err
	})
	if err != nil {
		return err
	}
	for _, f := range files {
		is := func(e checkpoint.Entry) bool { return e.File.Type == f.Type && e.File.Name == f.Name }
		if slices.ContainsFunc(entries, is) { //guard:ledger-acknowledged
			continue
		}
		why := "it was not loaded"
		for _, x := range sum.Failures {
			if x.File.Type == f.Type && x.File.Name == f.Name {
				why = x.Err
			}
		}
		return &IncompleteError{What: fmt.Sprintf("%s %s: %s; its messages stay in the queue", f.Type, f.Name, why)}
	}
	return nil
}
