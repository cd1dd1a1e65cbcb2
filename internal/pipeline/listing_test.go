package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/dirs"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/testkit"
)

// edited changes what a walker yields, and says what of it is doubtful.
type edited struct {
	dirs.Source
	edit     func(rawlog.File) (rawlog.File, bool)
	doubtful *dirs.Incomplete
}

func (w edited) Walk(ctx context.Context, types []rawlog.Type, _ []rawlog.Period, yield func(rawlog.File) error) error {
	err := w.Source.Walk(ctx, types, nil, func(f rawlog.File) error {
		if w.edit != nil {
			var ok bool
			if f, ok = w.edit(f); !ok {
				return nil
			}
		}
		return yield(f)
	})
	if err == nil && w.doubtful != nil {
		return w.doubtful
	}
	return err
}

func entry(t *testing.T, l *checkpoint.Ledger, name string) checkpoint.Entry {
	t.Helper()
	entries, err := l.Entries(t.Context(), checkpoint.Filter{Files: []string{name}})
	if err != nil || len(entries) != 1 {
		t.Fatalf("%s: %+v, %v", name, entries, err)
	}
	return entries[0]
}

// A name is one file. That the listing has it in another hour, even one of
// another month, loads nothing a second time.
func TestListedInAnotherHour(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	src := newFolder(t).hours(2, 50)
	opts := Options{Network: "acme", Log: testLog(t), Periods: []rawlog.Period{rawlog.DayOf(firstHour)}}
	if sum, err := Run(t.Context(), st, src.source(), opts); err != nil || sum.Loaded != 2 {
		t.Fatalf("%+v, %v", sum, err)
	}
	before, err := checkpoint.Open(st, "acme").Entries(t.Context(), checkpoint.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, later := range []time.Duration{time.Hour, 24 * time.Hour, 40 * 24 * time.Hour} {
		moved := src.source()
		moved = edited{Source: moved, edit: func(f rawlog.File) (rawlog.File, bool) {
			f.Hour = f.Hour.Add(later)
			return f, true
		}}
		opts.Periods = []rawlog.Period{rawlog.DayOf(firstHour.Add(later))}
		sum, err := Run(t.Context(), st, moved, opts)
		if err != nil || sum.Failed != 2 || sum.Listed != 2 || sum.Loaded != 0 || !strings.Contains(sum.Failures[0].Err, "its rows are loaded for 2016-09-30") {
			t.Errorf("%v later: %+v, %v", later, sum, err)
		}
		if n := count(t, st, "SELECT count() FROM clicks"); n != 100 {
			t.Fatalf("%v later: %d rows", later, n)
		}
	}
	after, err := checkpoint.Open(st, "acme").Entries(t.Context(), checkpoint.Filter{})
	if err != nil || fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("the ledger changed:\n%+v\n%+v", before, after)
	}
}

// What a listing cannot vouch for fails, and is remembered as failed; the rest loads.
func TestDoubtfulListing(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	src := newFolder(t).hours(3, 50)
	names := []string{}
	for name := range src.rows {
		names = append(names, name)
	}
	slices.Sort(names)
	typ, hour, err := rawlog.ParseName(names[1])
	if err != nil {
		t.Fatal(err)
	}
	doubtful := src.source()
	doubtful = edited{
		Source: doubtful, edit: func(f rawlog.File) (rawlog.File, bool) { return f, f.Name != names[1] },
		doubtful: &dirs.Incomplete{
			Types: []dirs.TypeError{{Type: rawlog.Impressions, Err: errors.New("logging is disabled")}},
			Files: []dirs.FileError{
				{File: rawlog.File{Type: typ, Name: names[1], Hour: hour, Size: -1}, Err: errors.New("two files of this name")},
				{File: rawlog.File{Type: typ, Name: names[0], Hour: hour, Size: -1}, Err: errors.New("listed twice")}, // and yielded
				{File: rawlog.File{Name: "link", Size: -1}, Err: errors.New("leads out")},
			},
		},
	}
	opts := Options{Network: "acme", Log: testLog(t), Periods: []rawlog.Period{{From: firstHour, To: firstHour.AddDate(0, 0, 2)}}, RetryFailed: true}
	for run := range 2 {
		sum, err := Run(t.Context(), st, doubtful, opts)
		if err != nil || sum.Listed != 3 || sum.Loaded+sum.AlreadyLoaded != 2 || sum.Failed != 1 || len(sum.Unread) != 2 || len(sum.Missing) != 0 ||
			len(sum.RefusedTypes) != 1 || sum.RefusedTypes[0].Type != rawlog.Impressions {
			t.Fatalf("run %d: %+v, %v", run, sum, err)
		}
		e := entry(t, checkpoint.Open(st, "acme"), names[1])
		if e.State != checkpoint.Failed || e.Error != "two files of this name" || e.Version != 1 || !e.File.Hour.Equal(hour) {
			t.Errorf("run %d: %+v", run, e)
		}
	}
	if sum, err := Run(t.Context(), st, src.source(), opts); err != nil || sum.Loaded != 1 || sum.AlreadyLoaded != 2 || sum.Failed != 0 {
		t.Errorf("mended: %+v, %v", sum, err)
	}
	// Loaded, it stays so.
	sum, err := Run(t.Context(), st, doubtful, opts)
	if err != nil || sum.Failed != 1 || entry(t, checkpoint.Open(st, "acme"), names[1]).State != checkpoint.Loaded {
		t.Errorf("doubtful again: %+v, %v", sum, err)
	}
}

// Whatever is wrong with a file, its error leaves the name to whoever tells of it:
// ledger, output and log name a file once.
func TestFilesAreNamedOnce(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	src := newFolder(t)
	var log bytes.Buffer
	const text, misplaced = "clicks-1473411600-aaaaaa.zip", "clicks-1473415200-bbbbbb.zip"
	for _, path := range []string{"clicks/111/20160909/" + text, "x/20160912/" + misplaced} {
		path := filepath.Join(src.root, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte("plain text"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	sum, err := Run(t.Context(), st, src.source(), Options{Network: "acme", Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil || len(sum.Failures) != 2 {
		t.Fatalf("%+v, %v", sum, err)
	}
	for i, base := range []string{misplaced, text} {
		f := sum.Failures[i]
		if strings.Contains(f.Err, base) || !strings.HasSuffix(f.File.Path, base) {
			t.Errorf("output: %+v", f)
		}
		if e := entry(t, checkpoint.Open(st, "acme"), "20160909/"+base); e.Error != f.Err {
			t.Errorf("the ledger says %q, the output %q", e.Error, f.Err)
		}
	}
	again, err := Run(t.Context(), st, src.source(), Options{Network: "acme", RetryFailed: true})
	if err != nil || len(again.Failures) != 2 {
		t.Fatalf("%+v, %v", again, err)
	}
	for i := range 2 {
		if !sum.Failures[i].New || again.Failures[i].New {
			t.Errorf("%s: new %v, and again %v", sum.Failures[i].File.Name, sum.Failures[i].New, again.Failures[i].New)
		}
	}
	for line := range strings.Lines(log.String()) {
		if n := strings.Count(line, text) + strings.Count(line, misplaced); n > 1 {
			t.Errorf("named %d times: %s", n, line)
		}
	}
}

// A reload of a period and of files is of both, and says which file there is not.
func TestReloadPeriodAndFile(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	src := newFolder(t).hours(8, 20) // four of them in September, four in October
	opts := Options{Network: "acme", Log: testLog(t)}
	if _, err := Run(t.Context(), st, src.source(), opts); err != nil {
		t.Fatal(err)
	}
	var october []string
	for name := range src.rows {
		if strings.HasPrefix(name, "20161001/") {
			october = append(october, name)
		}
	}
	const unknown = "20161001/clicks-1475280000-nobody.zip"
	september := rawlog.DayOf(firstHour)
	for _, tc := range []struct {
		periods []rawlog.Period
		files   []string
		want    int
		unread  int
	}{
		{[]rawlog.Period{september}, october[:1], 5, 0},
		{nil, october[:2], 2, 0},
		{[]rawlog.Period{september}, []string{unknown}, 4, 1},
		{nil, []string{unknown}, 0, 1},
	} {
		opts.Reload, opts.Periods, opts.Files = true, tc.periods, tc.files
		sum, err := Run(t.Context(), st, src.source(), opts)
		if err != nil || sum.Loaded != tc.want || sum.Replaced != tc.want || sum.Failed != 0 || len(sum.Missing) != 0 || len(sum.Unread) != tc.unread {
			t.Errorf("%v %v: %+v, %v", tc.periods, tc.files, sum, err)
		}
		if tc.unread > 0 && len(sum.Unread) == 1 && sum.Unread[0].File.Name != unknown {
			t.Errorf("unread: %+v", sum.Unread)
		}
	}
	if n := count(t, st, "SELECT count() FROM clicks"); n != uint64(src.total()) {
		t.Errorf("%d rows, want %d", n, src.total())
	}
}
