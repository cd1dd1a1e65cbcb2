package rawlog

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

var packHour = time.Date(2016, 9, 30, 20, 0, 0, 0, time.UTC)

// Files come back from a pack as they were put in.
func TestPackKeeps(t *testing.T) {
	t.Parallel()
	files := []File{
		{},
		{Type: Clicks, Name: "a", Hour: packHour, Size: -1},
		{Type: Clicks, Name: "a", Path: "a", Hour: packHour, Size: 1 << 60, ETag: "tag"},
		{Type: Impressions, Name: "20160930/ä'\x00.zip", Path: "deep/20160930/ä'\x00.zip", Hour: packHour, Span: 24 * time.Hour, Part: "3"},
		{Type: "later", Name: "b", Path: "elsewhere", Hour: time.Unix(1<<33, 0).UTC(), ETag: strings.Repeat("x", 300)},
		{Type: Conversions, Name: strings.Repeat("n", 3*piece), Path: strings.Repeat("p", 200), Hour: time.Unix(-1, 0).UTC()},
		{Type: Conversions, Path: "without a name", Hour: packHour},
	}
	var p Pack
	for range 3 {
		for i, f := range files {
			p.Add(f, int64(i)-3)
		}
	}
	if p.Len() != 3*len(files) {
		t.Fatalf("%d files", p.Len())
	}
	for i, f := range slices.Collect(p.All()) {
		want := files[i%len(files)]
		want.Hour = want.Hour.UTC()
		if _, stamp := p.At(i); !reflect.DeepEqual(f, want) || stamp != int64(i%len(files))-3 {
			t.Errorf("file %d is %+v with %d, want %+v", i, f, stamp, want)
		}
	}
}

// short makes "a1 b2" of files named a and b with those sizes.
func (p *Pack) short() string {
	var out []string
	for f := range p.All() {
		out = append(out, fmt.Sprint(f.Name, f.Size))
	}
	return strings.Join(out, " ")
}

// Of each name the one is left that is asked for, and files are found by their hours.
func TestPackSorts(t *testing.T) {
	t.Parallel()
	var p Pack
	for i, name := range strings.Split("c a b a d b a", " ") {
		p.Add(File{Name: name, Size: int64(i), Hour: packHour.Add(-time.Duration(i) * time.Hour)}, 0)
	}
	p.SortByName()
	if got := p.short(); got != "a1 a3 a6 b2 b5 c0 d4" {
		t.Errorf("by name: %s", got)
	}
	if !p.Has("a") || !p.Has("d") || p.Has("") || p.Has("bb") || p.Has("e") {
		t.Error("names are not found")
	}
	failed := errors.New("failed")
	if err := p.Choose(func(int, int) (int, error) { return 0, failed }); !errors.Is(err, failed) {
		t.Errorf("%v, want that it failed", err)
	}
	asked := ""
	err := p.Choose(func(from, to int) (int, error) {
		if asked += fmt.Sprint(from, "-", to, " "); from == 0 {
			return 1, nil
		}
		return -1, nil
	})
	if got := p.short(); got != "a3 c0 d4" || err != nil || asked != "0-3 3-5 " {
		t.Errorf("chosen: %s, %v, asked for %s", got, err, asked)
	}
	p.SortByHour()
	if got := p.short(); got != "d4 a3 c0" {
		t.Errorf("by hour: %s", got)
	}
	for _, tc := range []struct{ begin, hours, from, to int }{{-9, 20, 0, 3}, {-4, 1, 0, 1}, {-3, 3, 1, 2}, {-2, 2, 2, 2}, {1, 5, 3, 3}, {0, -3, 2, 2}} {
		begin := packHour.Add(time.Duration(tc.begin) * time.Hour)
		if from, to := p.Within(Period{begin, begin.Add(time.Duration(tc.hours) * time.Hour)}); from != tc.from || to != tc.to {
			t.Errorf("%d hours from %d on are from %d to %d, want %d to %d", tc.hours, tc.begin, from, to, tc.from, tc.to)
		}
	}
}
