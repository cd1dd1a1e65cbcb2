package checkpoint

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/testkit"
)

func TestStanding(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	ledger := Open(st, "net")
	want := map[string]string{ // whether it is begun, and settled
		"planned": "false false", "loading": "true false", "failed": "true false", "loaded": "true true", "expired": "true true",
		"ignored failed": "true true", "ignored planned": "false true", "unknown": "false false",
	}
	var entries []*Entry
	for name := range want {
		e := entry(name, noon)
		if words := strings.Fields(name); words[0] == "ignored" {
			e.Ignored, e.State = "so be it", State(words[1])
		} else {
			e.State = State(name)
		}
		if name != "unknown" {
			entries = append(entries, e)
		}
	}
	if err := ledger.Put(t.Context(), entries); err != nil {
		t.Fatal(err)
	}
	standing, err := ledger.Standing(t.Context(), Filter{})
	if err != nil {
		t.Fatal(err)
	}
	other := entry("loaded", noon).File
	if other.Type = rawlog.Impressions; standing.Begun(other) || standing.Settled(other) {
		t.Errorf("a file of another type is taken for one of the same name")
	}
	for name, says := range want {
		f := entry(name, noon).File
		if got := fmt.Sprint(standing.Begun(f), " ", standing.Settled(f)); got != says {
			t.Errorf("%s: %s, want %s", name, got, says)
		}
	}
}

func TestPolicies(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	ledger := Open(st, "net")
	var entries []*Entry
	for i, e := range []Entry{{Rows: 2, Privacy: "a"}, {Rejected: 1, Privacy: "a"}, {Privacy: "empty"}, {Rows: 3}} {
		e.File = entry(string(rune('a'+i)), noon.Add(time.Duration(i)*time.Hour)).File
		e.State = Loaded
		entries = append(entries, &e)
	}
	if err := ledger.Put(t.Context(), entries); err != nil {
		t.Fatal(err)
	}
	got, err := ledger.Policies(t.Context(), Filter{})
	want := []Policy{{rawlog.Clicks, "", 1, noon.Add(3 * time.Hour), noon.Add(3 * time.Hour)}, {rawlog.Clicks, "a", 2, noon, noon.Add(time.Hour)}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}
