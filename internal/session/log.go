package session

import (
	"context"
	"log/slog"
	"sync/atomic"
)

// runHandler adds to each line the run that is under way, of which the client, the
// source and the store, opened before it has a name, know nothing.
type runHandler struct {
	slog.Handler
	run *atomic.Pointer[string]
}

func (h runHandler) Handle(ctx context.Context, line slog.Record) error {
	if run := h.run.Load(); run != nil {
		line = line.Clone()
		line.AddAttrs(slog.String("run", *run))
	}
	return h.Handler.Handle(ctx, line)
}

func (h runHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return runHandler{h.Handler.WithAttrs(attrs), h.run}
}

func (h runHandler) WithGroup(name string) slog.Handler {
	return runHandler{h.Handler.WithGroup(name), h.run}
}
