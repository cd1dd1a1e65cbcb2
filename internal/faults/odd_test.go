package faults

import (
	"maps"
	"slices"
	"strings"
	"testing"

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
		"rejected": "rejected", "unread": "failed", "misfit": "misfit", "shifted": "shifted", "scattered": "shifted", "copy": "copy",
		"headless": "failed", "foreign": "failed", "twice": "rejected", "swapped": "failed", "backslash": "rejected", "utf16": "failed",
		"cr": "", "blank": "failed", "page": "failed", "truncated": "failed", "flipped": "failed",
	}
	if diff := slices.Compare(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(simnet.OddKinds()))); diff != 0 {
		t.Errorf("the network knows %q", slices.Sorted(maps.Keys(simnet.OddKinds())))
	}
	db := newDatabase(t)
	for kind, issues := range want {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			r := db.rig(t)
			net := r.api()
			hour := hourOf(0)
			if _, err := net.net.Publish(t.Context(), gen.FileName(rawlog.Clicks, hour, 1), gen.Spec{Type: rawlog.Clicks, Hour: hour, Rows: 200}); err != nil {
				t.Fatal(err)
			}
			db.suspect(r.secrets)
			odd, err := net.net.Odd(t.Context(), kind)
			if err != nil {
				t.Fatal(err)
			}
			night := func(when, want string) {
				t.Helper()
				sum, err := r.run(net.source())
				if err != nil {
					t.Fatalf("%s: %v", when, err)
				}
				var got []string
				for _, e := range sum.Issues {
					for _, i := range e.Issues {
						got = append(got, string(i.Kind))
						t.Logf("%s: %s %s: %s", when, e.File.Name, i.Kind, i.Text)
					}
				}
				if strings.Join(got, " ") != want {
					t.Errorf("%s: issues %q, want %q", when, got, want)
				}
			}
			night("the first night", issues)
			night("the second night", issues)
			if kind == "copy" {
				return // of two equal files none is wrong by itself
			}
			if _, err := net.net.Publish(t.Context(), odd.Name, gen.Spec{Type: rawlog.Clicks, Hour: odd.Hour, Rows: 150}); err != nil {
				t.Fatal(err)
			}
			r.options.Reload = true // a listing of the API does not tell that a file is another
			night("mended", "")
			entries, err := checkpoint.Open(r.st, r.network).Entries(t.Context(), checkpoint.Filter{})
			if err != nil || len(entries) != 2 || entries[1].Rows != 150 || entries[1].State != checkpoint.Loaded {
				t.Errorf("mended: %+v, %v", entries, err)
			}
			if report, err := pipeline.Verify(t.Context(), r.st, pipeline.Options{Network: r.network}); err != nil || len(report.Differences) > 0 {
				t.Errorf("verify: %+v, %v", report, err)
			}
		})
	}
}
