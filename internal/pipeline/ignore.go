package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
)

// Ignore says of files, by name or end of name, why their issues need nobody's
// care, and returns their entries. It holds the network's lease meanwhile, as a run
// does: a *checkpoint.HeldError means that one is at work. A name that has no
// issue is an error, and then nothing is changed.
func Ignore(ctx context.Context, st *store.Store, opts Options, files []string, reason string) (ignored []checkpoint.Entry, err error) {
	opts = opts.withDefaults()
	id, _ := newRunID(opts.Now())
	lease := checkpoint.NewLease(st, opts.Network, id, rawlog.Share{}, opts.Log)
	if err := lease.Claim(ctx); err != nil {
		return nil, err
	}
	lost, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	lease.Keep(lost, cancel)
	defer func() { err = errors.Join(err, lease.Release(ctx)) }()
	ledger := checkpoint.Open(st, opts.Network).Under(lease.Fence())
	entries, err := ledger.Entries(ctx, checkpoint.Filter{Types: opts.Types, Issues: true})
	if err != nil {
		return nil, err
	}
	var changed []*checkpoint.Entry
	var strangers []string
	for _, file := range files {
		found := false
		for i := range entries {
			if matches(entries[i].File.Name, file) {
				found = true
				entries[i].Ignored = reason
				changed = append(changed, &entries[i])
			}
		}
		if !found {
			strangers = append(strangers, file)
		}
	}
	if len(strangers) > 0 {
		return nil, fmt.Errorf("no issue is known of %s", strings.Join(strangers, ", "))
	}
	if err := ledger.Put(ctx, changed); err != nil {
		return nil, err
	}
	for _, e := range changed {
		ignored = append(ignored, *e)
	}
	return ignored, nil
}
