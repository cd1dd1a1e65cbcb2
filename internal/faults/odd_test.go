package faults

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/pipeline"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/sim/simnet"
)

// TestOddFiles: whatever is odd about a file is an issue of it on each night, beside
// sound files that are loaded, until a sound one takes its place.
func TestOddFiles(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"rejected": "rejected", "unread": "failed", "misfit": "misfit", "shifted": "shifted", "scattered": "shifted", "copy": "copy", "overlap": "overlap",
		"headless": "failed", "foreign": "failed", "twice": "rejected repeated", "repeated": "repeated", "rounded": "columns", "swapped": "rejected", "backslash": "rejected", "utf16": "failed",
		"cr": "", "blank": "failed", "page": "failed", "truncated": "failed", "flipped": "failed",
	}
	if diff := slices.Compare(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(simnet.OddKinds()))); diff != 0 {
		t.Errorf("the network knows %q", slices.Sorted(maps.Keys(simnet.OddKinds())))
	}
	r := newDatabase(t).rig(t)
	net := r.api()
	r.suspect(r.secrets)
	if _, err := net.net.Publish(t.Context(), gen.FileName(rawlog.Clicks, hourOf(0), 1), gen.Spec{Type: rawlog.Clicks, Hour: hourOf(0), Rows: 200}); err != nil {
		t.Fatal(err)
	}
	// A copy is of the last hour that there is; the others bring an hour each.
	kinds := append([]string{"copy"}, slices.DeleteFunc(slices.Sorted(maps.Keys(want)), func(k string) bool { return k == "copy" })...)
	odd, issues := map[string]rawlog.File{}, map[string]string{}
	for _, kind := range kinds {
		f, err := net.net.Odd(t.Context(), kind)
		if err != nil {
			t.Fatal(err)
		}
		odd[kind] = f
		if want[kind] != "" {
			issues[f.Name] = want[kind]
		}
	}
	night := func(when string, want map[string]string) {
		t.Helper()
		sum, err := r.run(net.source())
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		got := map[string]string{}
		for _, e := range sum.Issues {
			var kinds []string
			for _, i := range e.Issues {
				kinds = append(kinds, string(i.Kind))
			}
			name := e.File.Name
			for _, kind := range []string{"copy", "overlap"} {
				if e.File.Hour.Equal(odd[kind].Hour) {
					name = odd[kind].Name // whichever of the two came second
				}
			}
			got[name] = strings.Join(kinds, " ")
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s\nthe files are %+v", when, diff, odd)
		}
	}
	night("the first night", issues)
	night("the second night", issues)

	mended := map[string]string{odd["copy"].Name: "copy"} // of two equal files none is wrong by itself
	for _, kind := range kinds[1:] {
		if _, err := net.net.Publish(t.Context(), odd[kind].Name, gen.Spec{Type: rawlog.Clicks, Hour: odd[kind].Hour, Rows: 150, Skip: 200}); err != nil {
			t.Fatal(err)
		}
	}
	r.options.Reload = true // a listing of the API does not tell that a file is another
	night("mended", mended)
	entries, err := checkpoint.Open(r.st, r.network).Entries(t.Context(), checkpoint.Filter{})
	if err != nil || len(entries) != len(kinds)+2 {
		t.Errorf("%d entries, %v", len(entries), err)
	}
	for _, e := range entries[2:] {
		if e.File.Hour.Equal(odd["overlap"].Hour) && e.File.Name != odd["overlap"].Name {
			continue // it was sound
		}
		if e.Rows != 150 || e.State != checkpoint.Loaded {
			t.Errorf("mended: %+v", e)
		}
	}
	if report, err := pipeline.Verify(t.Context(), r.st, pipeline.Options{Network: r.network}); err != nil || len(report.Differences) > 0 {
		t.Errorf("verify: %+v, %v", report, err)
	}
}
