package session

import (
	"context"
	"errors"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/dims"
	"rawlogs/internal/pipeline"
	"rawlogs/internal/privacy"
	"rawlogs/internal/status"
	"rawlogs/internal/store"
)

// Forget deletes what the store has of people, and keeps them out of it. The result is right
// as far as it came, also beside an error.
func (s *Session) Forget(ctx context.Context, people []privacy.Person, dryRun bool) (out pipeline.Forgotten, err error) {
	if err = s.Config.Privacy.CanForget(); err != nil {
		return out, err
	}
	open := s.Store
	if dryRun {
		open = s.Look
	}
	st, err := open(ctx)
	if err != nil {
		return out, err
	}
	opts := pipeline.Options{
		Network: s.Config.Network, Privacy: s.Config.Privacy, MaxMemory: s.Config.MaxMemory, Parsers: s.Config.Parsers, DryRun: dryRun,
		Log: s.own, Started: func(run string) { s.run.Store(&run) },
	}
	if s.record != nil {
		opts.Name = s.record.Run()
	}
	if !dryRun {
		held, release, err := dims.Hold(ctx, st, s.Config.Network, s.Log)
		if err != nil {
			return out, err
		}
		defer func() { err = errors.Join(err, release()) }()
		ctx = held
	}
	return pipeline.Forget(ctx, st, opts, people)
}

// checkForgotten tells of people whose forgetting did not come to its end, and of receipts that
// loads could not obey.
func (s *Session) checkForgotten(ctx context.Context, st *store.Store) []Finding {
	const what = "forgotten"
	receipts, err := checkpoint.Receipts(ctx, st, s.Config.Network)
	if err != nil {
		return failure(what, err)
	}
	if len(receipts) == 0 {
		return nil
	}
	if _, err := checkpoint.Obeying(ctx, st, s.Config.Network, s.Config.Privacy); err != nil {
		return failure(what, err)
	}
	of := status.ForgottenOf(receipts)
	if text := of.Open(); text != "" {
		return []Finding{{Level: "warn", What: what, Detail: text}}
	}
	return []Finding{{Level: "ok", What: what, Detail: of.String()}}
}
