package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/checkpoint/lease"
	"rawlogs/internal/load/insert"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
)

// Ignore says why the issues of files need nobody's care, and returns their
// entries: those of opts.Files, by name or end of name, and of opts.Periods. It holds the network's lease meanwhile, as a run
// does: a *lease.HeldError means that one is at work. A name that has no
// issue is an error, and then nothing is changed.
func Ignore(ctx context.Context, st *store.Store, opts Options, reason string) (ignored []checkpoint.Entry, err error) {
	opts = opts.withDefaults()
	id := cmp.Or(opts.Name, insert.NewRun(opts.Now()))
	claim := lease.New(st, opts.Network, id, rawlog.Share{}, opts.Log)
	if err = claim.Claim(ctx); err != nil {
		return nil, err
	}
	lost, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	claim.Keep(lost, cancel)
	defer func() { err = errors.Join(err, claim.Release(ctx)) }()
	ledger := checkpoint.Open(st, opts.Network).Under(claim.Fence())
	entries, err := ledger.Entries(ctx, checkpoint.Filter{Types: opts.Types, Issues: true})
	if err != nil {
		return nil, err
	}
	named := func(file string) bool {
		words := opts.Names.Meant(file)
		return slices.ContainsFunc(entries, func(e checkpoint.Entry) bool { return matches(e.File.Name, words) })
	}
	if strangers := slices.DeleteFunc(slices.Clone(opts.Files), named); len(strangers) > 0 {
		return nil, fmt.Errorf("no issue is known of %s", strings.Join(strangers, ", "))
	}
	var changed []*checkpoint.Entry
	words := meant(opts.Names, opts.Files)
	for i := range entries {
		e := &entries[i]
		if slices.ContainsFunc(opts.Periods, func(p rawlog.Period) bool { return p.Contains(e.File.Hour) }) ||
			slices.ContainsFunc(words, func(w []string) bool { return matches(e.File.Name, w) }) {
			e.Ignored = reason
			changed = append(changed, e)
		}
	}
	if err := ledger.Put(ctx, changed); err != nil {
		return nil, err
	}
	for _, e := range changed {
		ignored = append(ignored, *e)
	}
	return ignored, nil
}
