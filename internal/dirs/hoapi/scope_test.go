package hoapi

import (
	"errors"
	"fmt"
	"testing"

	"rawlogs/internal/dirs"
	"rawlogs/internal/hasoffers"
)

// How much of a run an error of the API is about is decided once.
func TestScopes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		err   error
		kind  dirs.Kind
		scope dirs.Scope
	}{
		{&hasoffers.APIError{Kind: hasoffers.Unauthenticated}, dirs.Denied, dirs.ScopeRun},
		{&hasoffers.APIError{Kind: hasoffers.Untrusted}, dirs.Untrusted, dirs.ScopeRun},
		{&hasoffers.APIError{Kind: hasoffers.Permission}, dirs.Denied, dirs.ScopeType},
		{&hasoffers.APIError{Kind: hasoffers.Refused}, dirs.Failed, dirs.ScopeFile},
		{&hasoffers.APIError{Kind: hasoffers.NotFound}, dirs.NotFound, dirs.ScopeFile},
		{&hasoffers.APIError{Kind: hasoffers.RateLimited}, dirs.Unavailable, dirs.ScopeFile},
		{&hasoffers.APIError{Kind: hasoffers.Unavailable}, dirs.Unavailable, dirs.ScopeFile},
		{errors.New("no credentials to be had"), dirs.Failed, dirs.ScopeRun},
	} {
		err := fmt.Errorf("a file: %w", refusedLink(tc.err))
		if dirs.KindOf(err) != tc.kind || dirs.ScopeOf(err) != tc.scope || !errors.Is(err, tc.err) || err.Error() != "a file: "+tc.err.Error() {
			t.Errorf("%v: %v, %v", err, dirs.KindOf(err), dirs.ScopeOf(err))
		}
		var e *dirs.Error
		if !errors.As(err, &e) || !e.Final {
			t.Errorf("%v: to be tried again", err)
		}
	}
}
