package rawlog

import (
	"testing"
	"time"
)

func TestLifetimes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"13 months": 13, " 1 month ": 1, "2months": 2, "Forever": 0, "1644 months": 1644} {
		if got, err := ParseLifetime(text); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
		if again, err := ParseLifetime(LifetimeText(want)); err != nil || again != want {
			t.Errorf("%q is printed as %q: %d, %v", text, LifetimeText(want), again, err)
		}
	}
	for _, text := range []string{"", "13", "0 months", "-1 months", "1.5 months", "90 days", "1 year", "1645 months", "99999 months", "13 months 2", "months"} {
		if got, err := ParseLifetime(text); err == nil {
			t.Errorf("%q is read as %d months", text, got)
		}
	}
	at := func(s string) time.Time {
		when, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	l := Lifetimes{Clicks: 13, Impressions: 1}
	for _, c := range []struct {
		typ       Type
		hour, now string
		over      bool
	}{
		{Clicks, "2025-09-30T23:00:00Z", "2026-11-01T00:00:00Z", true},
		{Clicks, "2025-10-01T00:00:00Z", "2026-11-30T23:59:59Z", false},
		{Clicks, "2025-09-30T23:00:00Z", "2026-10-31T23:59:59Z", false},
		{Clicks, "2025-09-30T23:00:00Z", "2026-11-01T00:30:00+01:00", false}, // October in UTC
		{Impressions, "2026-01-31T23:00:00Z", "2026-02-28T12:00:00Z", false},
		{Impressions, "2026-01-31T23:00:00Z", "2026-03-01T00:00:00Z", true},
		{Conversions, "1999-01-01T00:00:00Z", "2026-11-01T00:00:00Z", false},
	} {
		if got := l.Over(c.typ, at(c.hour), at(c.now)); got != c.over {
			t.Errorf("%s of %s at %s: over is %v", c.typ, c.hour, c.now, got)
		}
	}
	if m := MonthOf(at("2025-12-31T23:30:00-01:00")); m.From != at("2026-01-01T00:00:00Z") || m.To != at("2026-02-01T00:00:00Z") {
		t.Errorf("%v", m)
	}
}
