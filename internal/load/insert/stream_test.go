package insert

import (
	"context"
	"errors"
	"testing"

	"rawlogs/internal/load"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

var errEnded = errors.New("the INSERT was ended")

// Where an INSERT is ended while its caller is at work on something that
// fails by itself, that failure is what is told.
func TestCauseWins(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	tables, err := load.OpenTables(t.Context(), st, "clicks")
	if err != nil {
		t.Fatal(err)
	}
	for _, cause := range []error{errors.New("the caller's own"), &store.StuckMutationError{Table: "clicks", Mutation: "mutation_1.txt"}, nil} {
		stream, err := NewStream(tables[0])
		if err != nil {
			t.Fatal(err)
		}
		ctx, end := context.WithCancelCause(t.Context())
		_, err = stream.Send(ctx, st.Home(), 1, QueryID(recovering, 1), "", func(during context.Context, _ *load.Block) error {
			end(errEnded)
			<-during.Done()
			if cause == nil {
				return context.Cause(during)
			}
			return cause
		})
		var own *FillError
		switch {
		case cause == nil && (errors.As(err, &own) || err == nil):
			t.Errorf("%v; want the end of the INSERT, which may be tried again", err)
		case cause != nil && (!errors.As(err, &own) || !errors.Is(err, cause)):
			t.Errorf("%v; want %v", err, cause)
		}
		if err := stream.Close(); err != nil {
			t.Error(err)
		}
	}
}
