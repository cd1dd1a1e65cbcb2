package fetch

import (
	"context"
	"errors"
	"testing"
	"time"

	"rawlogs/internal/dirs"
	"rawlogs/internal/rawlog"
)

// A type that is denied is not asked for again. A source that denies everything
// from the start ends the run; one that has given a file does not.
func TestDenials(t *testing.T) {
	t.Parallel()
	denied := &dirs.Error{Kind: dirs.Denied, Code: "AccessDenied"}
	var d denials
	permission := &dirs.Error{Kind: dirs.Denied, Scope: dirs.ScopeType, Err: errors.New("no logging")}
	if err := d.note(rawlog.Impressions, permission); dirs.ScopeOf(err) != dirs.ScopeType || !errors.Is(d.of(rawlog.Impressions), permission) || d.of(rawlog.Clicks) != nil {
		t.Errorf("a type that is denied: %v", err)
	}
	for _, kind := range []dirs.Kind{dirs.Denied, dirs.Untrusted} {
		d, denied := denials{}, &dirs.Error{Kind: kind}
		for i := range mostDenied {
			err := d.note(rawlog.Clicks, denied)
			if (dirs.ScopeOf(err) == dirs.ScopeRun) != (i == mostDenied-1) || !errors.Is(err, denied) || dirs.KindOf(err) != kind {
				t.Errorf("%v %d times from the start: %v", kind, i+1, err)
			}
		}
	}
	d = denials{}
	for i := range 3 * mostDenied {
		err := error(denied)
		if i == mostDenied/2 {
			err = nil
		}
		if err := d.note(rawlog.Clicks, err); dirs.ScopeOf(err) == dirs.ScopeRun {
			t.Fatalf("one was given, file %d: %v", i+1, err)
		}
	}
	d = denials{}
	for i := range 3 * mostDenied {
		if err := d.note(rawlog.Clicks, &dirs.Error{Kind: dirs.NotFound}); dirs.ScopeOf(err) == dirs.ScopeRun {
			t.Fatalf("not found is not denied, file %d: %v", i+1, err)
		}
	}
}

// denier opens nothing.
type denier struct {
	bytesSource
	err    error
	opened *int
}

func (s denier) Open(context.Context, rawlog.File, int64, string) (*dirs.Body, error) {
	*s.opened++
	return nil, s.err
}

// What was denied for a whole type is not asked for file by file, and what a source
// calls its last word is not tried again.
func TestScopesOfFetches(t *testing.T) {
	t.Parallel()
	opened := 0
	d := New(denier{err: &dirs.Error{Kind: dirs.Denied, Scope: dirs.ScopeType}, opened: &opened}, Config{Backoff: time.Microsecond})
	for _, typ := range []rawlog.Type{rawlog.Impressions, rawlog.Impressions, rawlog.Clicks} {
		if _, err := d.Fetch(t.Context(), rawlog.File{Type: typ, Name: "f.zip"}); dirs.ScopeOf(err) != dirs.ScopeType {
			t.Errorf("%s: %v", typ, err)
		}
	}
	if opened != 2 {
		t.Errorf("opened %d times, want 2", opened)
	}
	for final, want := range map[bool]int{false: 4, true: 1} {
		opened := 0
		d := New(denier{err: &dirs.Error{Kind: dirs.Unavailable, Final: final, Err: errors.New("busy")}, opened: &opened}, Config{Backoff: time.Microsecond, Attempts: 4})
		if _, err := d.Fetch(t.Context(), listed); dirs.KindOf(err) != dirs.Unavailable || opened != want {
			t.Errorf("final %v: %v after %d tries", final, err, opened)
		}
	}
}
