package faults

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/dirs"
	"rawlogs/internal/dirs/dirstest"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
)

func TestLateFile(t *testing.T) {
	t.Parallel()
	r := newDatabase(t).rig(t)
	a := r.api()
	names := a.publish(4)
	late := names[1]
	held := r.want[key{rawlog.Clicks, late}]
	delete(r.want, key{rawlog.Clicks, late})
	a.net.Faults.EditListing(without(late))
	r.recover(a.source())

	a.net.Faults.EditListing(nil)
	r.want[key{rawlog.Clicks, late}] = held
	sum, err := r.run(a.source())
	if err != nil || sum.Loaded != 1 || sum.AlreadyLoaded != 3 {
		t.Fatalf("%v, %+v", err, sum)
	}
	r.recover(a.source())
}

// without is an edit of listings that leaves files out.
func without(names ...string) editing {
	return where(func(name string) bool { return !slices.Contains(names, name) })
}

// A second file for an hour is another file: it loads, and is reported then, in
// the summary of every later run that meets both, and by status.
func TestSecondFileOfAnHour(t *testing.T) {
	eachSource(t, func(r *rig, src putter) {
		first, body := r.clicks(0, 12)
		src.put(first, body)
		if sum, err := r.run(src.source()); err != nil || len(sum.Duplicates) != 0 {
			r.Fatalf("%v, %+v", err, sum)
		}
		second := gen.FileName(rawlog.Clicks, hourOf(0), 8)
		src.put(second, r.zip(second, gen.Spec{Type: rawlog.Clicks, Hour: hourOf(0), Rows: 13, Skip: 12}))
		both := []string{first, second}
		slices.Sort(both)
		for range 2 {
			sum, err := r.run(src.source())
			if err != nil || len(sum.Duplicates) != 1 || !slices.Equal(sum.Duplicates[0].Files, both) || len(sum.Issues) > 0 {
				r.Fatalf("%v, %+v", err, sum)
			}
		}
		r.recover(src.source())
		days, err := checkpoint.Open(r.st, r.network).Status(r.Context(), nil, nil)
		if err != nil || len(days) != 1 || days[0].DoubleHours != 1 || days[0].Rows != 25 {
			r.Errorf("status: %+v, %v", days, err)
		}
	})
}

// A file of the same name with other bytes takes the place of its rows: once,
// and with no moment at which a query counts any of them twice.
func TestReplacedFile(t *testing.T) {
	eachSource(t, func(r *rig, src putter) {
		most := make(map[string]int)
		var names []string
		old := []gen.Spec{{Rows: 30}, {Rows: 30, Broken: 3}, {Rows: 30}, {Rows: 30}, {Empty: true}, {Rows: 30}}
		now := []gen.Spec{{Rows: 45}, {Rows: 7, Broken: 1}, {Empty: true}, {Rows: 30, Header: gen.Header(rawlog.Clicks, 2022)}, {Rows: 9}, {Rows: 30}}
		put := func(i int, s gen.Spec) {
			s.Type, s.Hour = rawlog.Clicks, hourOf(i*2)
			name := gen.FileName(s.Type, s.Hour, 7)
			names = append(names, name)
			most[name] = max(most[name], s.Rows)
			src.put(name, r.zip(name, s))
		}
		for i, s := range old {
			put(i, s)
		}
		r.recover(src.source())

		for i, s := range now[:5] {
			put(i, s)
		}
		stop := r.watch(most)
		sum, err := r.run(src.source())
		stop()
		if err != nil || sum.Loaded != 5 || sum.Replaced != 5 || sum.AlreadyLoaded != 1 {
			r.Fatalf("%v, %+v", err, sum)
		}
		r.recover(src.source())

		// And again by hand, though nothing changed.
		stop = r.watch(most)
		r.options.Reload = true
		sum, err = r.run(src.source())
		r.options.Reload = false
		stop()
		if err != nil || sum.Loaded != 6 {
			r.Fatalf("reload: %v, %+v", err, sum)
		}
		r.recover(src.source())
	})
}

// What is replaced by something broken keeps its rows, and the ledger goes on
// counting them, until the file is mended.
func TestReplacedByBrokenFile(t *testing.T) {
	eachSource(t, func(r *rig, src putter) {
		r.options.MaxMemory = streamed // the second is streamed
		var names [2]string
		var good [2]*wanted
		for i, rows := range []int{5, 40} {
			name, body := r.clicks(i, rows)
			src.put(name, body)
			names[i], good[i] = name, r.want[key{rawlog.Clicks, name}]
		}
		r.recover(src.source())
		most := map[string]int{names[0]: 5, names[1]: 40}
		stop := r.watch(most)
		for i, rows := range []int{6, 41} {
			_, body := r.clicks(i, rows)
			body[len(body)/3] ^= 0x10
			src.put(names[i], body)
			good[i].failed = "zip: "
			r.want[key{rawlog.Clicks, names[i]}] = good[i]
		}
		for range 2 {
			if sum, err := r.run(src.source()); err != nil || sum.Failed != 2 || sum.Replaced != 0 {
				r.Fatalf("%v, %+v", err, sum)
			}
			r.check()
		}
		stop()
		for i, rows := range []int{6, 41} {
			name, body := r.clicks(i, rows)
			src.put(name, body)
		}
		r.recover(src.source())
	})
}

// An API's listing tells neither size nor tag: that a file was replaced shows
// only to a reload.
func TestReplacedBehindAPI(t *testing.T) {
	t.Parallel()
	r := newDatabase(t).rig(t)
	a := r.api()
	names := a.publish(2)
	r.recover(a.source())
	_, body := r.clicks(0, 33)
	a.put(names[0], 0, body)
	if sum, err := r.run(a.source()); err != nil || sum.AlreadyLoaded != 2 {
		t.Fatalf("%v, %+v", err, sum)
	}
	stop := r.watch(map[string]int{names[0]: 33, names[1]: 11})
	r.options.Reload, r.options.Files = true, names[:1]
	sum, err := r.run(a.source())
	r.options.Reload, r.options.Files = false, nil
	stop()
	if err != nil || sum.Loaded != 1 || sum.Replaced != 1 {
		t.Fatalf("%v, %+v", err, sum)
	}
	r.recover(a.source())
}

// Replaced between two ranges of a download: the ranges are never put together,
// and the ledger has the tag of what was loaded.
func TestReplacedInMidDownload(t *testing.T) {
	t.Parallel()
	r := newDatabase(t).rig(t)
	b := r.bucket()
	name, body := r.clicks(0, 40)
	b.put(name, body)
	_, newer := r.clicks(0, 55)
	src := b.source()
	src = &dirstest.Interrupted{Source: src, After: 2000, Then: func() { b.put(name, newer) }}
	sum, err := r.run(src)
	if err != nil || sum.Loaded != 1 || sum.Rows != 55 {
		t.Fatalf("%v, %+v", err, sum)
	}
	if e := r.entry(name); e.File.Size != int64(len(newer)) {
		t.Errorf("the ledger speaks of %d bytes, loaded were %d", e.File.Size, len(newer))
	}
	r.recover(b.source())
}

// A file that is listed and gone fails with that reason; once it is unlisted
// it is reported as missing, until the network would have removed it anyway.
func TestVanishedFile(t *testing.T) {
	t.Parallel()
	r := newDatabase(t).rig(t)
	a := r.api()
	names := a.publish(4)
	gone := names[2]
	if err := a.net.Vanish(t.Context(), rawlog.Clicks, gone); err != nil {
		t.Fatal(err)
	}
	r.want[key{rawlog.Clicks, gone}] = &wanted{failed: "not found: HTTP 404"}
	for range 2 {
		if sum, err := r.run(a.source()); err != nil || sum.Failed != 1 || sum.Loaded+sum.AlreadyLoaded != 3 {
			t.Fatalf("%v, %+v", err, sum)
		}
		r.check()
	}
	a.net.Faults.EditListing(without(gone))
	missing := func(src dirs.Source, period bool) []rawlog.File {
		r.options.Periods = nil
		if period { // as the nightly run has it
			r.options.Periods = []rawlog.Period{{From: hourOf(100), To: hourOf(124)}}
		}
		sum, err := r.run(src)
		if err != nil || sum.Failed+sum.Loaded != 0 {
			t.Fatalf("%v, %+v", err, sum)
		}
		r.check()
		return sum.Missing
	}
	century := int(time.Since(firstHour)/(24*time.Hour)) + 10
	for _, period := range []bool{false, true} {
		silent := keeper{Source: a.source(), err: errors.New("it does not say")}
		for _, src := range []dirs.Source{a.source(), silent, keeper{Source: a.source(), days: kept(century)}} {
			if m := missing(src, period); len(m) != 1 || m[0].Name != gone {
				t.Errorf("missing: %+v", m)
			}
		}
		if m := missing(a.expiring(), period); len(m) != 0 {
			t.Errorf("expired, but missing: %+v", m)
		}
	}
	r.options.Periods = nil
	// It comes back.
	a.net.Faults.EditListing(nil)
	_, body := r.clicks(2, 12)
	a.put(gone, 2, body)
	r.recover(a.source())
}

// What was loaded stays when its source forgets it, also under a reload.
func TestUnlistedAfterLoading(t *testing.T) {
	eachSource(t, func(r *rig, src putter) {
		var names []string
		for i := range 3 {
			name, body := r.clicks(i, 10)
			src.put(name, body)
			names = append(names, name)
		}
		r.recover(src.source())
		part := src.source()
		part = filtered{part, names[:1]}
		for _, reload := range []bool{false, true} {
			r.options.Reload = reload
			if sum, err := r.run(part); err != nil || sum.Listed != 1 || len(sum.Missing) != 0 {
				r.Fatalf("%v, %+v", err, sum)
			}
		}
		r.options.Reload = false
		r.recover(src.source())
	})
}

// filtered is a walker that shows only some files.
type filtered struct {
	dirs.Source
	names []string
}

func (w filtered) Walk(ctx context.Context, types []rawlog.Type, periods []rawlog.Period, yield func(rawlog.File) error) error {
	return w.Source.Walk(ctx, types, periods, func(f rawlog.File) error {
		if !slices.Contains(w.names, f.Name) {
			return nil
		}
		return yield(f)
	})
}

// Rows outside their file's hour are stored as they are, and the shift is
// reported with the file; a zone setting that explains it makes it go away. In
// the hour that a zone repeats, the file's hour decides.
func TestTimes(t *testing.T) {
	t.Parallel()
	prague, err := time.LoadLocation("Europe/Prague")
	if err != nil {
		t.Fatal(err)
	}
	autumn := time.Date(2016, 10, 29, 22, 0, 0, 0, time.UTC) // local 00:00; 02:00 comes twice
	spring := time.Date(2016, 3, 26, 23, 0, 0, 0, time.UTC)  // local 00:00; 02:00 never comes
	db := newDatabase(t)
	for _, tc := range []struct {
		name   string
		start  time.Time
		files  *time.Location // what the rows are written in
		zone   *time.Location // the setting
		shifts int
	}{
		{"right zone over the repeated hour", autumn, prague, prague, 0},
		{"right zone over the missing hour", spring, prague, prague, 0},
		{"UTC files", autumn, time.UTC, time.UTC, 0},
		{"zone not set", firstHour, prague, time.UTC, 5},
		{"zone set for UTC files", firstHour, time.UTC, prague, 5},
	} {
		t.Run(strings.ReplaceAll(tc.name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			r := db.rig(t)
			r.options.Zones = rawlog.InZone(tc.zone)
			src := r.folder()
			for i := range 5 {
				hour := tc.start.Add(time.Duration(i) * time.Hour)
				name := gen.FileName(rawlog.Clicks, hour, 7)
				src.put(name, r.zip(name, gen.Spec{Type: rawlog.Clicks, Hour: hour, Rows: 6, Zone: tc.files}))
				r.want[key{rawlog.Clicks, name}].zone = tc.zone
			}
			sum, err := r.run(src.source())
			if err != nil || len(sum.Shifts) != tc.shifts {
				t.Fatalf("%v, %+v", err, sum)
			}
			for _, s := range sum.Shifts {
				if want := map[bool]int{true: 2, false: -2}[tc.files == prague]; s.Hours != want {
					t.Errorf("shift %+d, want %+d", s.Hours, want)
				}
			}
			r.recover(src.source())
		})
	}
}
