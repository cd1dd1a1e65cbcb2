package dirstest

import (
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/rawlog"
)

// Names and folders of every sort, for a source that reads them.
const (
	inBoth  = "20160909/clicks-1473411600-SlY9UO.zip"
	deep    = "clicks/11111/20160909/clicks-1473408000-aaaaaa.zip"
	bare    = "clicks-1473411600-bbbbbb.zip"
	other   = "x/y/conversions-1473411600-cccccc.zip"
	earlier = "20160908/clicks-1473292800-dddddd.zip"
	odd     = "with space+plus/ü%41&\n<x>/impressions-1473411600-eeeeee.zip"
	// misplaced is in the folder of a day that is its own in no time zone.
	misplaced = "20160911/clicks-1473411600-SlY9UO.zip"
)

// names asks what is made of names: what is not named like a raw log is skipped and
// told, what contradicts itself is refused, and all else is listed and can be read.
func names(t *testing.T, w World, skipped *skips) {
	if !w.Named {
		t.Skip("names mean nothing to it")
	}
	strangers := []string{"clicks-soon-aaaaaa.zip", "readme.txt"}
	for _, name := range append([]string{inBoth, deep, bare, other, earlier, odd, misplaced}, strangers...) {
		w.Put(name, []byte(name))
	}
	want := []string{earlier, deep, inBoth, bare, other, odd}
	files := Walk(t, w.Source, rawlog.Types())
	if got := paths(files); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := slices.Sorted(slices.Values(*skipped)); !slices.Equal(got, strangers) {
		t.Errorf("skipped %q, want %q", got, strangers)
	}
	Refuses(t, w.Source, map[string]string{misplaced: "its hour is on 20160909, its folder says 20160911"})
	if got := paths(Walk(t, w.Source, []rawlog.Type{rawlog.Conversions, rawlog.Clicks}, "20160909")); !slices.Equal(got, []string{other, deep, inBoth, bare}) {
		t.Errorf("a day of two types: %q", got)
	}
	for _, f := range files {
		if f.Size != int64(len(f.At())) || f.ETag == "" || f.Name != rawlog.NameOf(f.At(), f.Hour) {
			t.Errorf("%+v", f)
		}
		body, err := w.Source.Open(t.Context(), f, 0, f.ETag) // whatever its name
		if err != nil {
			t.Error(err)
			continue
		}
		_ = body.Close()
	}
}

// near asks what becomes of what is only named like a raw log: it is refused under the
// name of that file, unless the file itself is there.
func near(t *testing.T, w World, skipped *skips) {
	if !w.Named {
		t.Skip("a name is a path to it")
	}
	const whole = "20160909/clicks-1473411600-aaaaaa.zip"
	refused := map[string]string{
		"20160909/clicks-1473415200-bbbbbb.csv.bz2":   "repack it as clicks-1473415200-bbbbbb.zip",
		"Clicks-1473418800-cccccc.zip":                "rename it to clicks-1473418800-cccccc.zip",
		"20160909/clicks-1473422400-dddddd/click.csv": "repack it as clicks-1473422400-dddddd.zip",
	}
	beside := []string{"20160909/clicks-1473411600-aaaaaa.zip.part", "x/Copy of clicks-1473411600-aaaaaa.zip"}
	for _, name := range slices.Concat([]string{whole}, slices.Collect(maps.Keys(refused)), beside) {
		w.Put(name, []byte(name))
	}
	if got := paths(Walk(t, w.Source, rawlog.Types())); !slices.Equal(got, []string{whole}) {
		t.Errorf("got %q", got)
	}
	if got := slices.Sorted(slices.Values(*skipped)); !slices.Equal(got, beside) {
		t.Errorf("skipped %q, want %q", got, beside)
	}
	Refuses(t, w.Source, refused)
	if got := paths(Walk(t, w.Source, rawlog.Types(), "2017")); len(got) > 0 {
		t.Errorf("another year: %q", got)
	}
}

// copies asks what becomes of one name under several paths: copies of one file are
// one file, and the oldest. Files that differ are none, and both are named, whichever
// was there first.
func copies(t *testing.T, w World, skipped *skips) {
	if !w.Named {
		t.Skip("a name is a path to it")
	}
	const equal, otherSize, otherBytes = "clicks-1473411600-aaaaaa.zip", "clicks-1473415200-bbbbbb.zip", "clicks-1473418800-cccccc.zip"
	contents := map[string]string{
		"z/" + equal: "one", "20160909/" + equal: "one", "m/" + equal: "one",
		"20160909/" + otherSize: "short", "m/" + otherSize: "much longer",
		"n/" + otherBytes: "one", "m/" + otherBytes: "two", "o/" + otherBytes: "one",
	}
	now := time.Now()
	for i, name := range slices.Sorted(maps.Keys(contents)) {
		w.Put(name, []byte(contents[name]))
		if w.Date != nil {
			w.Date(name, now.Add(time.Duration(-i)*time.Hour)) // the last is the oldest
		}
	}
	got := Walk(t, w.Source, rawlog.Types())
	if len(got) != 1 || got[0].Name != "20160909/"+equal || len(*skipped) != 2 || slices.Contains(*skipped, got[0].At()) {
		t.Errorf("got %+v, skipped %q", got, *skipped)
	}
	if w.Date != nil && len(got) == 1 && got[0].At() != "z/"+equal {
		t.Errorf("a newer copy was chosen: %s", got[0].At())
	}
	refused := Refused(t, w.Source)
	if len(refused) != 2 {
		t.Errorf("refused %q", refused)
	}
	for at, why := range refused {
		if path.Base(at) == equal || !strings.Contains(why, "another file of this name has other contents") || !strings.Contains(why, path.Base(at)) {
			t.Errorf("%s: %s", at, why)
		}
	}
}

// formats asks what becomes of one file in several formats: it is listed once, in the
// one whose text can be proven best, under one name.
func formats(t *testing.T, w World, skipped *skips) {
	if !w.Named {
		t.Skip("it names what it has itself")
	}
	const stem = "20160909/clicks-1473411600-SlY9UO"
	ends := []string{".CSV", ".zst", ".csv.gz", ".ZIP"}
	for i, end := range ends {
		path := "packed/" + strings.ToLower(end[1:]) + "/" + stem + end
		w.Put(path, []byte("PK"+end))
		if w.Date != nil {
			w.Date(path, time.Now().Add(time.Duration(i-10)*time.Hour)) // the best is the newest
		}
		got := Walk(t, w.Source, rawlog.Types())
		if len(got) != 1 || got[0].Name != stem+".zip" || got[0].At() != path {
			t.Errorf("with %s: %+v", end, got)
		}
		if *skipped = slices.Compact(slices.Sorted(slices.Values(*skipped))); len(*skipped) != i {
			t.Errorf("with %s, skipped %q", end, *skipped)
		}
		*skipped = nil
	}
}

func paths(files []rawlog.File) []string {
	var paths []string
	for _, f := range files {
		paths = append(paths, f.At())
	}
	return paths
}
