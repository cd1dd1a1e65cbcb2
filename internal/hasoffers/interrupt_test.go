package hasoffers

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"rawlogs/internal/ended"
)

// An interrupt hides neither what the API said nor that a change may have been
// carried out; of a call that only reads nothing is worth telling.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		changes bool
		answer  string // "" is none
		want    func(error) bool
	}{
		"reads": {want: func(err error) bool { return errors.Is(err, context.Canceled) && ended.ByContext(err) }},
		"changes": {changes: true, want: func(err error) bool {
			var outcome *OutcomeError
			return errors.As(err, &outcome) && !ended.ByContext(err)
		}},
		"refused": {answer: `{"response":{"status":-1,"errors":[{"publicMessage":"Permission denied"}]}}`, want: func(err error) bool {
			kind, _ := KindOf(err)
			return kind == Permission && !ended.ByContext(err)
		}},
		"over the limit": {answer: `{"response":{"status":-1,"errors":[{"publicMessage":"API usage exceeded rate limit"}]}}`, want: ended.ByContext},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			c := dial(t, Config{HTTP: roundTrip(func(r *http.Request) (*http.Response, error) {
				cancel()
				if tc.answer == "" {
					return nil, r.Context().Err()
				}
				return answer(200, tc.answer), nil
			})})
			_, err := c.Do(ctx, Op{Target: "Offer", Method: "update", Changes: tc.changes})
			if !tc.want(err) {
				t.Errorf("err = %v", err)
			}
		})
	}
}
