package pipeline

import (
	"archive/zip"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/dirs"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/testkit"
)

func day(n int) time.Time { return firstHour.Truncate(24*time.Hour).AddDate(0, 0, n) }

func days(from, to int) rawlog.Period { return rawlog.Period{From: day(from), To: day(to)} }

// nightly is what `ingest run` asks for on a day.
func nightly(network string, today int) Options {
	return Options{
		Network: network, Periods: []rawlog.Period{days(today-2, today+2)}, RetryFailed: true, Lookback: 3, CatchUp: 30,
		Now: func() time.Time { return day(today).Add(3 * time.Hour) },
	}
}

// A job that was down for longer than it looks back takes up what it missed, once, and
// no more than that.
func TestCatchUp(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	type night struct {
		opts     Options
		caughtUp []rawlog.Period
	}
	run := func(today int, change func(*Options)) Options {
		o := nightly("", today)
		if change != nil {
			change(&o)
		}
		return o
	}
	backfill := func(today, from, to int) Options {
		return Options{Periods: []rawlog.Period{days(from, to)}, Now: func() time.Time { return day(today) }}
	}
	for name, nights := range map[string][]night{
		"the first run looks back and no further":          {{run(20, nil), nil}, {run(21, nil), nil}},
		"down for a week":                                  {{run(10, nil), nil}, {run(18, nil), []rawlog.Period{days(9, 16)}}, {run(19, nil), nil}},
		"down for as long as it looks back":                {{run(10, nil), nil}, {run(12, nil), []rawlog.Period{days(9, 10)}}},
		"down after a backfill":                            {{backfill(11, 5, 8), nil}, {run(14, nil), []rawlog.Period{days(8, 12)}}},
		"a backfill of later days leaves a hole":           {{run(10, nil), nil}, {backfill(20, 16, 19), nil}, {run(20, nil), []rawlog.Period{days(9, 16)}}},
		"a backfill of today is not the end of today":      {{backfill(10, 10, 11), nil}, {run(14, nil), nil}},
		"longer than it may catch up":                      {{run(3, nil), nil}, {run(24, func(o *Options) { o.CatchUp = 5 }), nil}},
		"not asked to":                                     {{run(3, nil), nil}, {run(24, func(o *Options) { o.CatchUp = 0 }), nil}},
		"a dry run says so and remembers nothing":          {{run(3, nil), nil}, {run(10, func(o *Options) { o.DryRun = true }), []rawlog.Period{days(2, 8)}}, {run(10, nil), []rawlog.Period{days(2, 8)}}},
		"one type was not asked for":                       {{run(3, nil), nil}, {run(10, func(o *Options) { o.Types = []rawlog.Type{rawlog.Impressions} }), []rawlog.Period{days(2, 8)}}, {run(10, nil), []rawlog.Period{days(2, 8)}}},
		"a clock that is far ahead says nothing of today":  {{run(3, func(o *Options) { o.Now = func() time.Time { return time.Now().AddDate(3, 0, 0) } }), nil}, {run(10, nil), []rawlog.Period{days(5, 8)}}},
		"another share of the work was done by its worker": {{run(3, func(o *Options) { o.Share = share(t, "1/2") }), nil}, {run(10, func(o *Options) { o.Share = share(t, "2/2") }), nil}, {run(10, func(o *Options) { o.Share = share(t, "1/2") }), []rawlog.Period{days(2, 8)}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src := newFolder(t)
			for d := range 30 {
				src.raw(t, 24*d, 1, header+good(d)+"\n", zip.Deflate)
			}
			loaded := map[rawlog.Period]bool{}
			for i, n := range nights {
				n.opts.Network = name
				sum, err := Run(t.Context(), st, src.source(), n.opts)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(sum.CaughtUp, n.caughtUp) {
					t.Errorf("night %d: caught up on %v; want %v", i, sum.CaughtUp, n.caughtUp)
				}
			}
			entries, err := checkpoint.Open(st, name).Entries(t.Context(), checkpoint.Filter{States: []checkpoint.State{checkpoint.Loaded}})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				loaded[rawlog.DayOf(e.File.Hour)] = true
			}
			for _, n := range nights {
				for _, gap := range n.caughtUp {
					for _, day := range gap.Days() {
						if n.opts.Share.All() && !loaded[rawlog.DayOf(day)] {
							t.Errorf("nothing of %s is loaded", day)
						}
					}
				}
			}
		})
	}
}

func share(t *testing.T, text string) rawlog.Share {
	t.Helper()
	s, err := rawlog.ParseShare(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What could not be listed is listed again, however long it lasts.
func TestUnlistedDaysStayOpen(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	src := newFolder(t)
	src.raw(t, 0, 1, header+good(1)+"\n", zip.Deflate)
	for _, unread := range []bool{true, false} {
		network := fmt.Sprint("unread ", unread)
		for today := range 2 {
			from := src.source()
			if unread {
				from = edited{
					Source: from, edit: func(f rawlog.File) (rawlog.File, bool) { return f, true },
					doubtful: &dirs.Incomplete{Files: []dirs.FileError{{File: rawlog.File{Name: "20160909"}, Err: errors.New("permission denied")}}},
				}
			}
			if _, err := Run(t.Context(), st, from, nightly(network, 2+10*today)); err != nil {
				t.Fatal(err)
			}
		}
		listed, err := checkpoint.NewListings(st, network, rawlog.Share{}).Of(t.Context(), rawlog.Clicks)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(listed) > 0; got == unread {
			t.Errorf("unread %t: listed %v", unread, listed)
		}
	}
}
