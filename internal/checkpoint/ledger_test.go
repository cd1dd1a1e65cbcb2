package checkpoint

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/testkit"
)

var noon = time.Date(2016, 9, 30, 12, 0, 0, 0, time.UTC)

func entry(name string, hour time.Time) *Entry {
	return &Entry{File: rawlog.File{Type: rawlog.Clicks, Name: name, Hour: hour, Size: -1}, State: Planned, Run: "r"}
}

// A write that is repeated, for want of an answer, is one row.
func TestRepeatedWriteIsOneRow(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	ledger := Open(st, "net")
	e := entry("a.zip", noon)
	if err := ledger.Put(t.Context(), []*Entry{e}); err != nil {
		t.Fatal(err)
	}
	e.State, e.Attempt, e.Lines, e.Rows, e.Rejected, e.Inserts = Loaded, 1, 8, 5, 2, []uint64{7, 9}
	e.First, e.Last, e.ShiftHours, e.File.Size, e.File.ETag = noon, noon.Add(time.Minute), -2, 99, "tag"
	if err := ledger.Put(t.Context(), []*Entry{e}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := ledger.Repeat(t.Context(), []*Entry{e}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := ledger.Entries(t.Context(), Filter{})
	if err != nil || len(got) != 1 {
		t.Fatalf("%d entries, %v", len(got), err)
	}
	e.UpdatedAt = got[0].UpdatedAt
	if !reflect.DeepEqual(got[0], *e) {
		t.Errorf("read back\n%+v, wrote\n%+v", got[0], *e)
	}
	status, err := ledger.Status(t.Context(), nil, nil)
	if err != nil || len(status) != 1 || status[0].Loaded != 1 || status[0].Rows != 5 || status[0].DoubleHours != 0 {
		t.Errorf("status %+v, %v", status, err)
	}
}

// Versions are counted: what a clock says when they are written decides nothing.
func TestClockDecidesNothing(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	ledger := Open(st, "net")
	e := entry("a.zip", noon)
	for _, state := range []State{Planned, Loading} {
		e.State = state
		if err := ledger.Put(t.Context(), []*Entry{e}); err != nil {
			t.Fatal(err)
		}
	}
	// The clock jumps a day back: the third version seems the oldest.
	err := st.Conn().Exec(t.Context(), `
		INSERT INTO `+st.Holding("ingest_files")+` (* EXCEPT (version, updated_at, state), version, updated_at, state)
		SELECT * EXCEPT (version, updated_at, state), version + 1, updated_at - INTERVAL 1 DAY, 'loaded'
		FROM ingest_files WHERE network = 'net' ORDER BY version DESC LIMIT 1`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ledger.Entries(t.Context(), Filter{})
	if err != nil || len(got) != 1 || got[0].State != Loaded || got[0].Version != 3 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	ledger := Open(st, "net")
	hostile := `x'); DROP TABLE clicks; -- \`
	names := []string{"a.zip", "b.zip", hostile}
	for i, name := range names {
		e := entry(name, noon.Add(time.Duration(i)*24*time.Hour))
		if name == "b.zip" {
			e.State, e.Run, e.Error = Failed, "other", hostile
		}
		if err := ledger.Put(t.Context(), []*Entry{e}); err != nil {
			t.Fatal(err)
		}
	}
	if err := Open(st, "another").Put(t.Context(), []*Entry{entry("c.zip", noon)}); err != nil {
		t.Fatal(err)
	}
	for want, f := range map[string]Filter{
		"a.zip b.zip " + hostile + " ": {Types: []rawlog.Type{rawlog.Clicks}},
		"":                             {Types: []rawlog.Type{rawlog.Conversions}},
		"b.zip ":                       {States: []State{Failed, Loading}},
		"a.zip ":                       {Periods: []rawlog.Period{rawlog.DayOf(noon)}},
		hostile + " ":                  {Files: []string{hostile}},
		"a.zip " + hostile + " ":       {Run: "r"},
	} {
		got, err := ledger.Entries(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		var text string
		for _, e := range got {
			text += e.File.Name + " "
			if e.File.Name == "b.zip" && e.Error != hostile {
				t.Errorf("error %q", e.Error)
			}
		}
		if text != want {
			t.Errorf("%+v: %q, want %q", f, text, want)
		}
	}
}

// One network is one whatever the case of its letters.
func TestCheckSpelling(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	check := func(network, known string) {
		t.Helper()
		err := CheckSpelling(t.Context(), st, network)
		var wrong *SpellingError
		if errors.As(err, &wrong) != (known != "") || wrong != nil && wrong.Known != known || known == "" && err != nil {
			t.Errorf("%s: %v, want %q", network, err, known)
		}
	}
	check("ACME", "")
	e := Entry{File: rawlog.File{Type: rawlog.Clicks, Name: "f", Hour: time.Unix(1473411600, 0)}, State: Planned}
	if err := Open(st, "acme").Put(t.Context(), []*Entry{&e}); err != nil {
		t.Fatal(err)
	}
	check("ACME", "acme")
	check("acme", "")
	check("acme2", "")
	// A store that holds both is past refusing.
	if err := Open(st, "Acme").Put(t.Context(), []*Entry{&e}); err != nil {
		t.Fatal(err)
	}
	check("Acme", "")
	check("ACME", "acme")
}
