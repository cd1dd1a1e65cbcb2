package session

import (
	"context"

	"rawlogs/internal/pipeline"
	"rawlogs/internal/rawlog"
)

// SetLifetimes says for how long files of the network's types are kept, and drops what is over
// by it. The summary is right as far as it came.
func (s *Session) SetLifetimes(ctx context.Context, opts pipeline.Options, lives rawlog.Lifetimes) (pipeline.Summary, error) {
	st, err := s.Store(ctx) // an older store has no place for them
	if err != nil {
		return pipeline.Summary{}, err
	}
	opts.Privacy = s.Config.Privacy // whoever works under the lease needs the key of the receipts
	opts.Network, opts.Log, opts.Started = s.Config.Network, s.own, func(run string) { s.run.Store(&run) }
	if s.record != nil {
		opts.Name = s.record.Run()
	}
	return pipeline.SetLifetimes(ctx, st, opts, lives)
}
