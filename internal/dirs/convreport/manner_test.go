package convreport

import (
	"errors"
	"slices"
	"testing"

	"rawlogs/internal/hasoffers"
)

// A refused question is asked again only if another day has changed the manner meanwhile.
func TestAskedMeanwhile(t *testing.T) {
	t.Parallel()
	no := &hasoffers.APIError{Kind: hasoffers.Validation}
	for name, tc := range map[string]struct {
		meanwhile func(s *Source)
		answers   []error
		want      error
	}{
		"nothing":             {func(*Source) {}, []error{no}, no},
		"a field":             {func(s *Source) { s.leaveOut([]string{"Stat.payout"}, no) }, []error{no, nil}, nil},
		"the key":             {func(s *Source) { s.leaveOut([]string{eventField, numberField}, no) }, []error{no, no}, no},
		"pages by number":     {func(s *Source) { _ = s.another(byNumber, true, "") }, []error{no, nil}, nil},
		"rows without a key":  {func(s *Source) { _ = s.another(byNothing, false, "") }, []error{no, nil}, nil},
		"an answer":           {func(s *Source) { s.leaveOut([]string{"Stat.payout"}, no) }, []error{nil}, nil},
		"an error of its own": {func(s *Source) { s.leaveOut([]string{"Stat.payout"}, no) }, []error{errSpool}, errSpool},
	} {
		s := New(Config{Client: new(hasoffers.Client)})
		var asked []manner
		err := s.asking(func(m manner) error {
			if asked = append(asked, m); len(asked) == 1 {
				tc.meanwhile(s)
			}
			return tc.answers[min(len(asked), len(tc.answers))-1]
		})
		if !errors.Is(err, tc.want) || len(asked) != len(tc.answers) {
			t.Errorf("%s: %v after %d questions", name, err, len(asked))
		}
		for _, m := range asked {
			q := m.question(span{})
			if by := m.by.field(); !slices.Contains(q["fields[]"], by) || !q.Has("sort["+by+"]") {
				t.Errorf("%s: in the order of %s, which is not asked for: %v", name, by, q)
			}
		}
	}
}

// Only an answer to the question is a refusal of it: what any other question would meet too
// must not be held against the fields that were asked for.
func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	for kind, want := range map[hasoffers.Kind]bool{
		hasoffers.Validation: true, hasoffers.Refused: true, hasoffers.Permission: true, hasoffers.NotFound: true,
		hasoffers.Unauthenticated: false, hasoffers.RateLimited: false, hasoffers.Unavailable: false, hasoffers.Untrusted: false, hasoffers.Malformed: false,
	} {
		if got := refused(&hasoffers.APIError{Kind: kind}); got != want {
			t.Errorf("%v: %v", kind, got)
		}
	}
	if refused(errSpool) || refused(nil) {
		t.Error("an error of its own, or none, is a refusal")
	}
}
