package dirs

import (
	"errors"
	"fmt"
	"os"
	"testing"
)

func TestErrors(t *testing.T) {
	t.Parallel()
	below := errors.New("below")
	for _, tc := range []struct {
		err   error
		kind  Kind
		scope Scope
		text  string
	}{
		{&Error{Kind: NotFound, Status: 404, Code: "NoSuchKey"}, NotFound, ScopeFile, "not found: HTTP 404 NoSuchKey; it was listed but is gone: its retention may be over"},
		{&Error{Kind: NotFound, Scope: ScopeRun, Status: 404, Err: below}, NotFound, ScopeRun, "not found: HTTP 404: below"},
		{&Error{Kind: Unavailable, Err: below, Attempts: 4}, Unavailable, ScopeFile, "unavailable: below (4 attempts)"},
		{&Error{Kind: Denied, Scope: ScopeType, Final: true, Err: below, Attempts: 4}, Denied, ScopeType, "below"},
		{Fail(Corrupt, below), Corrupt, ScopeFile, "corrupt: below"},
		{OfRun(fmt.Errorf("listing: %w", Fail(Unavailable, below))), Unavailable, ScopeRun, "listing: unavailable: below"},
		{below, Failed, ScopeFile, "below"},
	} {
		err := fmt.Errorf("x: %w", tc.err)
		if KindOf(err) != tc.kind || ScopeOf(err) != tc.scope || err.Error() != "x: "+tc.text {
			t.Errorf("%v, %v: %v; want %v, %v: %s", KindOf(err), ScopeOf(err), err, tc.kind, tc.scope, tc.text)
		}
	}
	if KindOf(nil) != Failed || ScopeOf(nil) != ScopeFile {
		t.Error("no error is of some kind")
	}
	_, err := os.Open("/nowhere/at/all")
	if got := Pathless(err); got.Error() != "no such file or directory" {
		t.Errorf("got %v", got)
	}
}
