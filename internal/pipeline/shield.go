package pipeline

import (
	"context"
	"slices"
	"sync"
)

// shield keeps a replacement that is half done from being interrupted: between
// the deletion of a file's earlier rows and the ledger's loaded there is a moment
// in which neither version is in the store.
type shield struct {
	half sync.Mutex // held while a replacement is half done
	held bool       // by the loader's goroutine
}

// shield returns a context for one INSERT and its commit. It ends with ctx, but
// not between commence and release.
func (l *loader) shield(ctx context.Context) (context.Context, func()) {
	shielded, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		l.shielded.half.Lock() //guard:replacement-finished
		defer l.shielded.half.Unlock()
		cancel(context.Cause(ctx))
	})
	return shielded, func() {
		stop()
		cancel(nil)
		if l.shielded.held {
			l.shielded.held = false
			l.shielded.half.Unlock()
		}
	}
}

// commence marks the point after which the replacement of files is seen to its
// end; a run that is interrupted by then gets that error instead.
func (l *loader) commence(ctx context.Context, jobs []*job) error {
	if l.shielded.held || !slices.ContainsFunc(jobs, func(j *job) bool { return j.replace }) {
		return nil
	}
	l.shielded.half.Lock()
	l.shielded.held = true
	return context.Cause(ctx)
}
