package session

import (
	"cmp"
	"context"
	"slices"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/config"
	"rawlogs/internal/notify"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/runs"
)

// past is what the store says of the time before a run ended: what the run before came
// to, and which files are not loaded. Nothing else is kept: a change is judged by what
// the runs and the ledger of files hold anyway.
type past struct {
	former notify.State
	told   time.Time     // when a run last told its changes, by the store's clock; zero is never
	missed time.Time     // begin of the oldest run since that told none, as it died or was interrupted; zero is none
	busy   bool          // another run is at work: what it has not loaded yet, it may still
	failed []rawlog.File // of this run, that had not failed before
	open   []checkpoint.Entry
	keep   map[rawlog.Type]int // days for which the source keeps files
}

// loads are the commands that change which files are loaded.
var loads = []string{"run", "backfill", "reload", "conversions", "firehose"}

// about reports whether a command tells of files of a type. What only looks at the report of
// conversions leaves raw logs to the others: two nightly jobs would tell twice.
func about(command string, t rawlog.Type) bool {
	return command != rawlog.ConversionReport.Loader() || t.Loader() == command
}

// before asks the store. Where it cannot be asked, the former state is unknown, and
// nothing is said of files.
func (s *Session) before(ctx context.Context, c runs.Command, r notify.Report) past {
	p := past{former: notify.Unknown, failed: s.failed}
	if s.record == nil || !s.recordable(ctx) {
		return p
	}
	all, err := runs.List(ctx, s.store, runs.Filter{Network: s.Config.Network, Command: c.Name, Limit: mostRuns})
	if err != nil {
		s.Log.Warn("how the run before ended is not known; a failure may be reported again", "err", err)
		return p
	}
	latest, err := runs.List(ctx, s.store, runs.Filter{Network: s.Config.Network, Limit: mostRuns})
	p.busy = err != nil || slices.ContainsFunc(latest, func(x runs.Run) bool { return x.Outcome == runs.Running && x.Name != r.Run })
	p.judge(slices.DeleteFunc(all, func(x runs.Run) bool { return x.Name == r.Run || x.Worker != c.Worker }))
	if !slices.Contains(loads, c.Name) {
		return p
	}
	p.open, err = checkpoint.Open(s.store, s.Config.Network).Entries(ctx, checkpoint.Filter{States: []checkpoint.State{checkpoint.Planned, checkpoint.Loading, checkpoint.Failed}})
	p.open = slices.DeleteFunc(p.open, func(e checkpoint.Entry) bool { return !about(c.Name, e.File.Type) })
	if err == nil && s.Config.Source.Kind == config.API {
		p.keep, err = s.kept(ctx)
	}
	if err != nil {
		s.Log.Warn("webhooks are told nothing of files", "err", err)
	}
	return p
}

// mostRuns is how many runs are looked at for one with an outcome that says something.
const mostRuns = 100

// judge reads runs, newest first. One that died, was held or interrupted says nothing of
// the state, and has told no change.
func (p *past) judge(all []runs.Run) {
	for _, x := range all {
		if x.ExitStatus != nil && x.Ended != nil && notify.StateOf(int(*x.ExitStatus)) != notify.Unknown {
			p.former, p.told = notify.StateOf(int(*x.ExitStatus)), *x.Ended
			return
		}
		p.missed = x.Begun
	}
}

// kept is how long the source keeps files: as it said to this run, or to an earlier one.
func (s *Session) kept(ctx context.Context) (map[rawlog.Type]int, error) {
	if kept := s.record.Result.Kept; kept != nil {
		return kept, nil
	}
	return runs.Kept(ctx, s.store, s.Config.Network)
}

// changes are what a webhook hears of. Of a run that was held or interrupted it is nothing:
// the next one tells.
func (p past) changes(r notify.Report, h config.Hook) (all []notify.Change) {
	if notify.StateOf(r.Status) == notify.Unknown { //guard:held-tells-nothing
		return nil
	}
	if c, turned := notify.Turn(p.former, r.Status); turned {
		all = append(all, c)
	}
	if files := p.newlyFailed(); len(files) > 0 {
		all = append(all, notify.Change{Event: notify.FilesFailed, Former: p.former, Files: files})
	}
	if hours := p.newlyExpiring(r.Ended, h.Days); len(hours) > 0 {
		all = append(all, notify.Change{Event: notify.HoursExpiring, Former: p.former, Hours: hours})
	}
	return slices.DeleteFunc(all, func(c notify.Change) bool { return !c.Event.Hears(h.On) })
}

// newlyFailed are the files that have failed since changes were last told.
func (p past) newlyFailed() (files []notify.File) {
	for _, e := range p.open {
		if e.State == checkpoint.Failed && e.Ignored == "" && p.fresh(e) { //guard:failed-files-once
			files = append(files, notify.File{Type: string(e.File.Type), Name: e.File.Name, Hour: e.File.Hour, Error: e.Error})
		}
	}
	return files
}

// fresh reports whether a file got into its state since changes were last told. Of this run
// it is known; issues of a run that told none are as old as that at most. Dates alone would
// not do: they are in whole seconds, by a clock that may be off the store's, and two runs
// may be done within one second.
func (p past) fresh(e checkpoint.Entry) bool {
	if e.State != checkpoint.Failed {
		return e.UpdatedAt.After(p.told)
	}
	now := func(f rawlog.File) bool { return f.Type == e.File.Type && f.Name == e.File.Name }
	return slices.ContainsFunc(p.failed, now) || !p.missed.IsZero() && !e.Since.Before(p.missed.Truncate(time.Second))
}

// newlyExpiring are the hours whose files are not loaded, and which have come within so
// many days of being deleted since changes were last told.
func (p past) newlyExpiring(now time.Time, days int) []notify.Hour {
	type key struct {
		typ  rawlog.Type
		hour time.Time
	}
	hours := map[key]*notify.Hour{}
	for _, e := range p.open {
		keep, known := p.keep[e.File.Type]
		if !known || !e.Awaited() || p.busy && e.State != checkpoint.Failed { //guard:busy-not-expiring
			continue
		}
		lost := rawlog.DayOf(e.File.Hour).From.AddDate(0, 0, keep)
		near := lost.AddDate(0, 0, -days)
		if now.Before(near) || near.Before(p.told) && !p.fresh(e) { //guard:expiring-once
			continue
		}
		k := key{e.File.Type, e.File.Hour.Truncate(time.Hour)}
		if hours[k] == nil {
			hours[k] = &notify.Hour{Type: string(k.typ), Hour: k.hour, LostAt: lost}
		}
		hours[k].Files++
	}
	var out []notify.Hour
	for _, h := range hours {
		out = append(out, *h)
	}
	slices.SortFunc(out, func(a, b notify.Hour) int {
		return cmp.Or(a.LostAt.Compare(b.LostAt), cmp.Compare(a.Type, b.Type), a.Hour.Compare(b.Hour))
	})
	return out
}
