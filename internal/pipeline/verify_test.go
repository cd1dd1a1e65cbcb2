package pipeline

import (
	"fmt"
	"slices"
	"testing"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/testkit"
)

// However few files are compared at once, the same is found: rows that are gone, rows that nobody
// vouches for before, between and behind the files of the ledger, and rows of a file whose hour was
// another one when it was loaded.
func TestVerifyByStretch(t *testing.T) {
	t.Parallel()
	st, files := testkit.Database(t), years(t)
	opts := Options{Network: "acme", Types: []rawlog.Type{rawlog.Clicks}, Periods: []rawlog.Period{period(t, "2014..2017")}, Log: testLog(t)}
	if sum, err := Run(t.Context(), st, files.source(), opts); err != nil || sum.Loaded != 12 {
		t.Fatalf("%+v, %v", sum, err)
	}
	ledger := checkpoint.Open(st, "acme")
	entries, err := ledger.Entries(t.Context(), checkpoint.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	gone, moved, left := entries[3].File, entries[5].File, entries[7].File
	change(t, ledger, checkpoint.Filter{Files: []string{moved.Name}}, func(e *checkpoint.Entry) { e.File.Hour = e.File.Hour.AddDate(1, 0, 0) })
	change(t, ledger, checkpoint.Filter{Files: []string{left.Name}}, func(e *checkpoint.Entry) {
		e.State, e.File.Hour = checkpoint.Loading, e.File.Hour.AddDate(1, 0, 0)
	})
	if err := testkit.OnShards(t.Context(), st, "DELETE FROM clicks WHERE _file = ?", gone.Name); err != nil {
		t.Fatal(err)
	}
	for i, hour := range []string{"1999-01-01 00:00:00", "2016-06-01 00:00:00", "2050-01-01 00:00:00"} {
		insert := fmt.Sprintf("INSERT INTO clicks (network, _file, _insert, _hour, datetime) VALUES ('acme', 'nobody%d', 7, '%s', '%s')", i, hour, hour)
		if err := st.Conn().Exec(t.Context(), insert); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		most    int // files at once
		periods []rawlog.Period
		want    []string
		files   int
	}{
		{0, nil, []string{"nobody0", "nobody1", "nobody2", gone.Name}, 11},
		{1, nil, []string{"nobody0", "nobody1", "nobody2", gone.Name}, 11},
		{4, nil, []string{"nobody0", "nobody1", "nobody2", gone.Name}, 11},
		{1, []rawlog.Period{period(t, "2015..2017")}, []string{"nobody1", gone.Name}, 11},
		{1, []rawlog.Period{period(t, "2016"), period(t, "201601..201612")}, []string{"nobody1", moved.Name, left.Name}, 2}, // as their rows are of it
	} {
		report, err := Verify(t.Context(), st, Options{Network: "acme", Types: opts.Types, Periods: tc.periods, mostCompared: tc.most})
		if err != nil {
			t.Fatal(err)
		}
		var differ []string
		for _, d := range report.Differences {
			differ = append(differ, d.File.Name)
		}
		slices.Sort(differ)
		slices.Sort(tc.want)
		if !slices.Equal(differ, tc.want) || report.Files != tc.files {
			t.Errorf("%d at once, of %v: %d files, %q, want %d and %q", tc.most, tc.periods, report.Files, differ, tc.files, tc.want)
		}
	}
}
