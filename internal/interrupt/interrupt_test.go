package interrupt_test

import (
	"log/slog"
	"os"
	"testing"

	"rawlogs/internal/interrupt"
)

// The first signal closes First, the second ends the context.
func TestTwoSteps(t *testing.T) {
	t.Parallel()
	ctx, s := interrupt.New(t.Context(), slog.New(slog.DiscardHandler))
	soft, done := s.Until(ctx)
	defer done()
	if s.Came() {
		t.Fatal("interrupted before any signal")
	}
	s.Raise(os.Interrupt)
	<-soft.Done()
	<-s.First()
	if !s.Came() || ctx.Err() != nil {
		t.Fatalf("after one signal: came %v, context %v", s.Came(), ctx.Err())
	}
	s.Raise(os.Interrupt)
	if ctx.Err() == nil {
		t.Fatal("after two signals the context goes on")
	}
}
