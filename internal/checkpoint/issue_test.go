package checkpoint

import (
	"testing"
	"time"
)

func TestSettle(t *testing.T) {
	t.Parallel()
	first := time.Date(2026, 11, 20, 2, 0, 0, 5, time.UTC)
	second := first.AddDate(0, 0, 1)
	var e Entry
	for _, step := range []struct {
		name   string
		kinds  []Kind
		ignore bool // before
		open   bool
		since  time.Time
	}{
		{"sound", nil, false, false, time.Time{}},
		{"broken lines", []Kind{Rejected}, false, true, first},
		{"the same again", []Kind{Rejected}, false, true, first},
		{"ignored", []Kind{Rejected}, true, false, first},
		{"one more kind", []Kind{Rejected, Shifted}, false, true, first},
		{"less of it", []Kind{Shifted}, true, false, first},
		{"another one", []Kind{Unloaded}, false, true, second},
		{"mended", nil, true, false, time.Time{}},
		{"broken again", []Kind{Unloaded}, false, true, second},
	} {
		if step.ignore {
			e.Ignored = "seen"
		}
		at := first
		if step.since.Equal(second) {
			at = second
		}
		issues := make([]Issue, 0, len(step.kinds))
		for _, k := range step.kinds {
			issues = append(issues, Issue{Kind: k})
		}
		e.Settle(at, issues...)
		if e.Open() != step.open || !e.Since.Equal(step.since.Truncate(time.Second)) || len(e.Issues) != len(step.kinds) {
			t.Errorf("%s: %+v", step.name, e)
		}
	}
}
