package pipeline

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/dirs"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/testkit"
)

// walked is a source that notes for which periods it was asked.
type walked struct {
	dirs.Source
	asked []string
	fail  error // of each walk, beside its files
}

func (w *walked) Walk(ctx context.Context, types []rawlog.Type, periods []rawlog.Period, yield func(rawlog.File) error) error {
	w.asked = append(w.asked, strings.Join(texts(periods), " "))
	if err := w.Source.Walk(ctx, types, periods, yield); err != nil {
		return err
	}
	return w.fail
}

func texts(periods []rawlog.Period) (out []string) {
	for _, p := range periods {
		out = append(out, p.String())
	}
	return out
}

// period is from the first day to the last one, as people write it.
func period(t *testing.T, text string) rawlog.Period {
	t.Helper()
	p, err := rawlog.ParsePeriod(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestCut(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		periods []string
		years   string
		months  string
	}{
		{nil, "", ""},
		{[]string{"20160930"}, "20160930", "20160930"},
		{[]string{"20161230..20170102"}, "20161230..20161231 | 20170101..20170102", "20161230..20161231 | 20170101..20170102"},
		{[]string{"2016..2017"}, "20160101..20161231 | 20170101..20171231", ""},
		{[]string{"20170105", "20151231", "20160110..20160203", "20160120"},
			"20151231 | 20160110..20160203 20160120 | 20170105",
			"20151231 | 20160110..20160131 20160120 | 20160201..20160203 | 20170105"},
	} {
		var periods []rawlog.Period
		for _, p := range tc.periods {
			periods = append(periods, period(t, p))
		}
		for span, want := range map[string]string{"year": tc.years, "month": tc.months} {
			by := yearOf
			if span == "month" {
				if by = rawlog.MonthOf; want == "" {
					continue
				}
			}
			var got []string
			for _, stretch := range cut(periods, by) {
				got = append(got, strings.Join(texts(stretch), " "))
			}
			if joined := strings.Join(got, " | "); joined != want {
				t.Errorf("%v by %s: %s, want %s", tc.periods, span, joined, want)
			}
		}
	}
	if n := len(cut([]rawlog.Period{period(t, "2016..2017")}, rawlog.MonthOf)); n != 24 {
		t.Errorf("two years have %d months", n)
	}
}

// years writes files of three years: two in each of two months.
func years(t *testing.T) *folder {
	src := newFolder(t)
	for year := 2015; year <= 2017; year++ {
		for _, month := range []time.Month{time.March, time.November} {
			for day := range 2 {
				src.write(gen.Spec{Type: rawlog.Clicks, Hour: time.Date(year, month, 30, 20+day, 0, 0, 0, time.UTC), Rows: 50})
			}
		}
	}
	return src
}

// A backfill of years plans and loads one after the other, as one command and with one
// summary; a year of more files than may be planned at once month by month. The source is
// asked once.
func TestLongBackfill(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		most int // files
		days int // pieces of them that were listed: 2014 is a year without files
	}{{"at once", 0, 1}, {"years", 4, 4}, {"months", 3, 37}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			st := testkit.Database(t)
			files := years(t)
			src := &walked{Source: files.source()}
			opts := Options{Network: "acme", Periods: []rawlog.Period{period(t, "2014..2017")}, mostPlanned: tc.most, Log: testLog(t)}
			sum, err := Run(t.Context(), st, src, opts)
			if err != nil || sum.Listed != 12 || sum.Planned != 12 || sum.Loaded != 12 || sum.Rows != uint64(files.total()) {
				t.Errorf("%+v, %v", sum, err)
			}
			if days := strings.Join(texts(sum.Listing.Days), " "); len(sum.Listing.Days) != tc.days || !strings.HasPrefix(days, "20140101") || !strings.HasSuffix(days, "20171231") {
				t.Errorf("listed %s", days)
			}
			if want := []string{"20140101..20171231"}; !slices.Equal(src.asked, want) {
				t.Errorf("asked for %q, want %q", src.asked, want)
			}
			errGone := errors.New("gone")
			refused := dirs.TypeError{Type: rawlog.Conversions, Err: errGone}
			src.fail = &dirs.Incomplete{Types: []dirs.TypeError{refused}, Files: []dirs.FileError{{File: rawlog.File{Name: "2015/odd"}, Err: errGone}}}
			sum, err = Run(t.Context(), st, src, opts)
			if err != nil || sum.Listed != 12 || sum.AlreadyLoaded != 12 || sum.Planned != 0 || sum.Inserts != 0 {
				t.Errorf("again: %+v, %v", sum, err)
			}
			if len(sum.RefusedTypes) != 1 || len(sum.Unread) != 1 {
				t.Errorf("told of what cannot be listed: %+v, %+v", sum.RefusedTypes, sum.Unread)
			}
			src.fail = nil
			sum, err = Run(t.Context(), nil, src, Options{Network: "acme", Periods: opts.Periods, mostPlanned: tc.most, DryRun: true})
			if err != nil || sum.Planned != 12 || sum.Left != 12 || len(sum.PlannedFiles) != 12 || !slices.IsSortedFunc(sum.PlannedFiles, compareFiles) {
				t.Errorf("dry run: %+v, %v", sum, err)
			}
			// What the source no longer lists is of the ledger still, and so of the plan where
			// anything about it is open.
			flaw(t, checkpoint.Open(st, "acme"), checkpoint.Filter{}, checkpoint.Overlap)
			sum, err = Run(t.Context(), st, newFolder(t).hours(1, 10).source(), opts)
			if err != nil || sum.Loaded != 1 || len(sum.Listing.Days) < tc.days {
				t.Errorf("listed no more: %+v, %v", sum, err)
			}
		})
	}
}

// flaw gives files an issue.
func flaw(t *testing.T, ledger *checkpoint.Ledger, of checkpoint.Filter, kind checkpoint.Kind) {
	t.Helper()
	change(t, ledger, of, func(e *checkpoint.Entry) { e.Settle(time.Now(), checkpoint.Issue{Kind: kind, Text: "odd"}) })
}

// change writes another version of entries.
func change(t *testing.T, ledger *checkpoint.Ledger, of checkpoint.Filter, as func(*checkpoint.Entry)) {
	t.Helper()
	entries, err := ledger.Entries(t.Context(), of)
	if err != nil || len(entries) == 0 {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	var changed []*checkpoint.Entry
	for i := range entries {
		as(&entries[i])
		changed = append(changed, &entries[i])
	}
	if err = ledger.Put(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
}

// A run that is stopped in one year does not begin with the next; the next run does.
func TestLongBackfillStops(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	files := years(t)
	src := &walked{Source: files.source()}
	stop := make(chan struct{})
	var loading atomic.Int64
	cfg := Options{Network: "acme", Periods: []rawlog.Period{period(t, "2015..2017")}, Log: testLog(t), Stop: stop, Parsers: 1, Fetchers: 1, mostPlanned: 4}
	cfg.Skipped = func() int64 { // asked before and after, so it says when work begins
		if loading.Add(1) == 1 {
			close(stop)
		}
		return 0
	}
	sum, err := Run(t.Context(), st, src, cfg)
	if err != nil || sum.Loaded+sum.Left != 4 || len(src.asked) != 1 {
		t.Errorf("stopped: %+v, %v; asked for %q", sum, err, src.asked)
	}
	cfg.Stop, cfg.Skipped = nil, nil
	if sum, err = Run(t.Context(), st, src, cfg); err != nil || sum.Listed != 12 || sum.Loaded+sum.AlreadyLoaded != 12 {
		t.Errorf("the next run: %+v, %v", sum, err)
	}
	if n := count(t, st, "SELECT count() FROM clicks"); n != uint64(files.total()) {
		t.Errorf("%d rows, want %d", n, files.total())
	}
	entries, err := checkpoint.Open(st, "acme").Entries(t.Context(), checkpoint.Filter{States: []checkpoint.State{checkpoint.Loaded}})
	if err != nil || len(entries) != 12 {
		t.Errorf("%d files are loaded, %v", len(entries), err)
	}
}
