package session

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/config"
	"rawlogs/internal/notify"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/runs"
)

// The former state is that of the last run that says something; one that told nothing
// leaves its changes to the next.
func TestJudge(t *testing.T) {
	t.Parallel()
	at := time.Date(2016, 9, 9, 3, 0, 0, 0, time.UTC)
	run := func(status int, hours int) runs.Run {
		begun := at.Add(time.Duration(hours) * time.Hour)
		ended, exit := begun.Add(time.Minute), uint8(max(status, 0))
		if status < 0 { // died
			return runs.Run{Begun: begun}
		}
		return runs.Run{Begun: begun, Ended: &ended, ExitStatus: &exit}
	}
	for _, tc := range []struct {
		all    []runs.Run // newest first
		former notify.State
		missed int // hour; -1 is none
	}{
		{nil, notify.Unknown, -1},
		{[]runs.Run{run(0, 1)}, notify.OK, -1},
		{[]runs.Run{run(3, 2), run(1, 1)}, notify.OK, -1},
		{[]runs.Run{run(1, 2), run(0, 1)}, notify.Broken, -1},
		{[]runs.Run{run(75, 3), run(1, 2), run(0, 1)}, notify.Broken, 3},
		{[]runs.Run{run(130, 4), run(-1, 3), run(0, 2)}, notify.OK, 3},
		{[]runs.Run{run(-1, 1)}, notify.Unknown, 1},
	} {
		p := past{former: notify.Unknown}
		p.judge(tc.all)
		missed := time.Time{}
		if tc.missed >= 0 {
			missed = at.Add(time.Duration(tc.missed) * time.Hour)
		}
		if p.former != tc.former || !p.missed.Equal(missed) {
			t.Errorf("%v: %s, missed %v", tc.all, p.former, p.missed)
		}
	}
}

// A file that fails and an hour that is about to be lost are told once: when they come to
// be so, or by the next run that tells anything.
func TestChangesOnce(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 9, 20, 3, 0, 0, 0, time.UTC)
	ago := func(hours int) time.Time { return now.Add(-time.Duration(hours) * time.Hour) }
	file := func(day int, state checkpoint.State, since, updated time.Time) checkpoint.Entry {
		return checkpoint.Entry{
			File: rawlog.File{Type: rawlog.Clicks, Name: "x", Hour: time.Date(2026, 9, day, 5, 0, 0, 0, time.UTC)}, State: state, Since: since, UpdatedAt: updated,
		}
	}
	ignored := file(1, checkpoint.Failed, now, now)
	ignored.Ignored = "known"
	failed := []rawlog.File{{Type: rawlog.Clicks, Name: "x"}}
	keep := map[rawlog.Type]int{rawlog.Clicks: 20} // of the 7th: deleted from the 27th on, told from the 20th on
	for _, tc := range []struct {
		name string
		past past
		open checkpoint.Entry
		want []notify.Event
	}{
		{"failed now", past{told: ago(24), failed: failed}, file(19, checkpoint.Failed, now, now), []notify.Event{notify.FilesFailed}},
		{"failed before, within a second", past{told: now}, file(19, checkpoint.Failed, now, now), nil},
		{"failed before, as another", past{told: now, failed: []rawlog.File{{Type: rawlog.Impressions, Name: "x"}}}, file(19, checkpoint.Failed, now, now), nil},
		{"failed before", past{told: ago(24)}, file(19, checkpoint.Failed, ago(24), now), nil},
		{"failed in a run that died", past{told: ago(24), missed: ago(12)}, file(19, checkpoint.Failed, ago(12), now), []notify.Event{notify.FilesFailed}},
		{"failed before it", past{told: ago(24), missed: ago(12)}, file(19, checkpoint.Failed, ago(30), now), nil},
		{"ignored", past{failed: failed}, ignored, nil},
		{"near its end since tonight", past{told: ago(24)}, file(7, checkpoint.Failed, ago(240), now), []notify.Event{notify.HoursExpiring}},
		{"near its end for long", past{told: ago(24)}, file(5, checkpoint.Failed, ago(240), now), nil},
		{"near its end, and another ran meanwhile", past{told: ago(2)}, file(7, checkpoint.Failed, ago(240), now), nil},
		{"near its end, and failed now", past{told: ago(24), failed: failed}, file(5, checkpoint.Failed, now, now), []notify.Event{notify.FilesFailed, notify.HoursExpiring}},
		{"the first run that tells", past{}, file(5, checkpoint.Planned, time.Time{}, ago(240)), []notify.Event{notify.HoursExpiring}},
		{"left open since", past{told: ago(24)}, file(5, checkpoint.Planned, time.Time{}, ago(2)), []notify.Event{notify.HoursExpiring}},
		{"another is about to load it", past{told: ago(24), busy: true}, file(5, checkpoint.Loading, time.Time{}, ago(2)), nil},
		{"far from its end", past{told: ago(24)}, file(8, checkpoint.Planned, time.Time{}, now), nil},
	} {
		tc.past.former, tc.past.keep, tc.past.open = notify.OK, keep, []checkpoint.Entry{tc.open}
		hook := config.Hook{Days: 7}
		var got []notify.Event
		for _, c := range tc.past.changes(notify.Report{Ended: now}, hook) {
			got = append(got, c.Event)
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: told %v, want %v", tc.name, got, tc.want)
		}
		hook.On = []string{"failed"}
		if got := tc.past.changes(notify.Report{Ended: now}, hook); len(got) > 0 {
			t.Errorf("%s: one who hears of failures alone was told %v", tc.name, got)
		}
		for _, silent := range []int{75, 130} {
			if got := tc.past.changes(notify.Report{Ended: now, Status: silent}, config.Hook{Days: 7}); len(got) > 0 {
				t.Errorf("%s: told %v by a run that was held", tc.name, got)
			}
		}
	}
}

// Each command tells of the files that it may load.
func TestAbout(t *testing.T) {
	t.Parallel()
	for _, command := range loads {
		report := command == "conversions"
		if got := about(command, rawlog.Clicks); got == report {
			t.Errorf("%s tells of clicks: %t", command, got)
		}
		if !about(command, rawlog.ConversionReport) {
			t.Errorf("%s does not tell of the report of conversions", command)
		}
	}
}

// All that is told at a command's end shares one span of time.
func TestToldInTime(t *testing.T) {
	t.Parallel()
	telling := &Telling{}
	telling.within(t.Context(), func(ctx context.Context) {
		if end, ok := ctx.Deadline(); !ok || time.Until(end) > notify.Most {
			t.Errorf("it may take until %v", end)
		}
	})
	telling.spent = notify.Most
	telling.within(t.Context(), func(ctx context.Context) {
		if ctx.Err() == nil {
			t.Error("time is left")
		}
	})
}

// A monitor of one network hears of that, the common one of the worst; an interrupt is told
// as what it is, and where the second signal has come nobody is told any more.
func TestToldOfNetworks(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var heard []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		heard = append(heard, r.URL.Path)
	}))
	t.Cleanup(server.Close)
	at := func(path string) config.Secret { return config.Secret(server.URL + path) }
	all := []*config.Config{{Network: "acme", Notify: config.Notify{Whole: at("/all")}}, {Network: "beta", Notify: config.Notify{Whole: at("/all"), Own: at("/beta")}}}
	interrupted := false
	n := &Networks{SignIns: &SignIns{}, Log: slog.New(slog.DiscardHandler), Interrupted: func() bool { return interrupted }, Status: func(err error) int {
		switch {
		case err == nil:
			return 0
		case errors.Is(err, ErrInterrupted):
			return 130
		}
		return 1
	}}
	tell := func(ctx context.Context, work Job) []string {
		t.Helper()
		mu.Lock()
		heard = nil
		mu.Unlock()
		_ = n.Tell(ctx, &Telling{Sender: notify.NewSender()}, all, func(told func(Job) Job) error { return n.Each(ctx, all, told(work)) })
		mu.Lock()
		defer mu.Unlock()
		slices.Sort(heard)
		return heard
	}
	got := tell(t.Context(), func(_ context.Context, s *Session) error {
		if s.Config.Network == "acme" {
			return errors.New("boom")
		}
		return nil
	})
	if want := []string{"/all/1", "/all/start", "/beta/0", "/beta/start"}; !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
	ctx, second := context.WithCancel(t.Context())
	all = all[:1]
	got = tell(ctx, func(context.Context, *Session) error { interrupted = true; return context.Canceled })
	if want := []string{"/all/130", "/all/start"}; !slices.Equal(got, want) {
		t.Errorf("interrupted: told %q, want %q", got, want)
	}
	second()
	if got = tell(ctx, func(context.Context, *Session) error { return context.Canceled }); slices.Contains(got, "/all/130") {
		t.Errorf("stopped at once: told %q", got)
	}
}
