package checkpoint

import (
	"testing"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/testkit"
)

// The store sums up a month as a listing of the same files is summed up, whatever their order.
func TestMonths(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	ledger := Open(st, "net")
	var entries []*Entry
	for i, tag := range []string{"", "mtime-17", "00aa", "00aa-3", "mtime-ü\\'"} {
		e := entry("2016093"+string(rune('0'+i))+"/ä'\\.zip", noon.Add(time.Duration(i)*time.Hour))
		e.File.ETag, e.File.Size, e.State = tag, int64(100*i-1), Loaded
		entries = append(entries, e)
	}
	last := time.Date(2016, 9, 30, 23, 59, 59, 0, time.UTC)
	entries[4].File.Hour = last
	next := entry("next", last.Add(time.Second))
	next.State = Expired
	other := entry("other", noon)
	other.File.Type = rawlog.Impressions
	events := entry(rawlog.EventsFolder+"x", noon)
	for range 2 { // former versions count for nothing
		if err := ledger.Put(t.Context(), append([]*Entry{next, other, events}, entries...)); err != nil {
			t.Fatal(err)
		}
	}
	months := func(periods ...rawlog.Period) map[MonthKey]Month {
		months, err := ledger.Months(t.Context(), []rawlog.Type{rawlog.Clicks}, periods)
		if err != nil {
			t.Fatal(err)
		}
		return months
	}
	september := KeyOf(entries[0].File)
	all := months()
	if len(all) != 2 || !all[september].Loaded || all[september].Expired || all[september].Crowded || !all[KeyOf(next.File)].Expired || all[KeyOf(next.File)].Loaded {
		t.Errorf("%+v", all)
	}
	var listed Digest
	for i := range entries {
		listed.Add(entries[len(entries)-1-i].File)
	}
	if got := all[september].Digest; got != listed {
		t.Errorf("the store's %+v, the listing's %+v", got, listed)
	}
	listed = Digest{}
	for _, e := range entries[:3] {
		listed.Add(e.File)
	}
	if got := months(rawlog.Period{From: noon, To: noon.Add(3 * time.Hour)}); len(got) != 1 || got[september].Digest != listed {
		t.Errorf("of a part %+v, want %+v", got, listed)
	}
	for _, tc := range []struct {
		name   string
		change func(e *Entry)
		loaded bool
	}{
		{"failed", func(e *Entry) { e.State = Failed }, false},
		{"an issue", func(e *Entry) { e.State, e.Issues = Loaded, []Issue{{Kind: View}} }, true},
		{"an overlap", func(e *Entry) { e.Issues = []Issue{{Kind: View}, {Kind: Overlap}} }, false},
		{"an ignored one", func(e *Entry) { e.Ignored = "fine" }, true},
		{"an ignored copy", func(e *Entry) { e.Issues = []Issue{{Kind: View}, {Kind: Copy}} }, false},
		{"an hour twice", func(e *Entry) { e.Issues, e.File.Hour = nil, entries[1].File.Hour }, true},
	} {
		tc.change(entries[0])
		if err := ledger.Put(t.Context(), entries[:1]); err != nil {
			t.Fatal(err)
		}
		if m := months()[september]; m.Loaded != tc.loaded || m.Crowded != (tc.name == "an hour twice") {
			t.Errorf("%s: %+v", tc.name, m)
		}
	}
}

// Sizes and tags are compared as far as both sides know any.
func TestDigest(t *testing.T) {
	t.Parallel()
	of := func(files ...rawlog.File) (d Digest) {
		for _, f := range files {
			d.Add(f)
		}
		return d
	}
	file := func(name string, size int64, tag string) rawlog.File {
		return rawlog.File{Name: name, Hour: noon, Size: size, ETag: tag}
	}
	a, b := file("a", 5, "00aa"), file("b", 6, "00bb")
	moved := a
	moved.Hour = noon.Add(time.Hour)
	for _, tc := range []struct {
		name   string
		listed []rawlog.File
		same   bool
	}{
		{"as they were", []rawlog.File{b, a}, true},
		{"one less", []rawlog.File{a}, false},
		{"one twice", []rawlog.File{a, b, b}, false},
		{"another name", []rawlog.File{a, file("c", 6, "00bb")}, false},
		{"another name, and nothing else known", []rawlog.File{file("a", -1, ""), file("c", -1, "")}, false},
		{"another hour", []rawlog.File{moved, b}, false},
		{"another size", []rawlog.File{a, file("b", 7, "")}, false},
		{"sizes changed places", []rawlog.File{file("a", 6, "00aa"), file("b", 5, "00bb")}, false},
		{"another tag", []rawlog.File{a, file("b", 6, "00bc")}, false},
		{"no sizes", []rawlog.File{file("a", -1, "00aa"), file("b", -1, "00bb")}, true},
		{"no tags", []rawlog.File{file("a", 5, ""), file("b", 6, "")}, true},
		{"neither", []rawlog.File{file("a", -1, ""), file("b", -1, "")}, true},
		{"times for tags", []rawlog.File{file("a", 5, "mtime-1"), file("b", 6, "mtime-2")}, true},
		{"a time for one tag", []rawlog.File{file("a", 5, "mtime-1"), b}, false},
		{"one size known", []rawlog.File{file("a", -1, "00aa"), b}, false},
	} {
		if got := of(tc.listed...).Same(of(a, b)); got != tc.same {
			t.Errorf("%s: %t", tc.name, got)
		}
		if got := of(a, b).Same(of(tc.listed...)); got != tc.same {
			t.Errorf("%s, the other way around: %t", tc.name, got)
		}
	}
}

// Of a large ledger the entries are picked by the columns that decide, and come to the same.
func TestPicked(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	ledger := Open(st, "net")
	var entries []*Entry
	for i, state := range []State{Planned, Loading, Loaded, Failed, Loaded} {
		e := entry(string(rune('a'+i)), noon.Add(time.Duration(i)*time.Hour))
		e.State, e.Run = state, string(state)
		entries = append(entries, e)
	}
	entries[4].Issues = []Issue{{Kind: View, Text: "odd"}}
	if err := ledger.Put(t.Context(), entries); err != nil {
		t.Fatal(err)
	}
	for _, f := range []Filter{
		{}, {Types: []rawlog.Type{rawlog.Clicks}}, {Issues: true}, {Trouble: true}, {Unsettled: true}, {Undone: true}, {Run: "loaded"}, {States: []State{Failed, Planned}}, {Files: []string{"b"}},
		{Periods: []rawlog.Period{{From: noon, To: noon.Add(2 * time.Hour)}}, OrOpen: true}, {Types: []rawlog.Type{rawlog.Impressions}, Issues: true},
	} {
		var names [2]string
		for i, size := range []uint64{0, large} {
			ledger.entries.Store(size)
			where, args := ledger.picked(f)
			rows, err := st.Conn().Query(t.Context(), "SELECT file FROM ingest_files FINAL WHERE "+where+" ORDER BY file", args...)
			if err != nil {
				t.Fatal(err)
			}
			for rows.Next() {
				var name string
				if err := rows.Scan(&name); err != nil {
					t.Fatal(err)
				}
				names[i] += name
			}
			if err := rows.Close(); err != nil {
				t.Fatal(err)
			}
		}
		got, err := ledger.Entries(t.Context(), f)
		if err != nil || names[0] != names[1] || len(got) != len(names[0]) {
			t.Errorf("%+v: %q and %q, %d entries, %v", f, names[0], names[1], len(got), err)
		}
	}
}
