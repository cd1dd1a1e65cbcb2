package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// Deletions at once, as by several workers: the server may take two out of
// order, and then acknowledges one that it never ran. DeleteRows returns when
// the rows are gone all the same.
func TestDeletionsAtOnce(t *testing.T) {
	t.Parallel()
	cfg := testkit.DatabaseConfig(t)
	testkit.OpenStore(t, cfg)
	const workers, rounds = 6, 3
	hour := time.Date(2016, 9, 30, 20, 0, 0, 0, time.UTC)
	stores := make([]*store.Store, workers)
	for i := range stores {
		stores[i] = testkit.OpenStore(t, cfg)
		for round := range rounds {
			if err := insert(t.Context(), stores[i], "", fmt.Sprintf("f%d-%d", i, round), uint64(i), []time.Time{hour}, 1, 5); err != nil {
				t.Fatal(err)
			}
		}
	}
	survivors := 0
	for round := range rounds {
		var wg sync.WaitGroup
		for i, st := range stores {
			wg.Go(func() {
				if err := st.DeleteRows(t.Context(), clicks(rawlog.Period{}), []store.Rows{{File: fmt.Sprintf("f%d-%d", i, round), Insert: uint64(i)}}, store.Fence{}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for i, st := range stores {
			name := fmt.Sprintf("f%d-%d", i, round)
			counts, err := counted(t.Context(), st, clicks(rawlog.Period{}), name)
			if err != nil {
				t.Fatal(err)
			}
			if counts[name] > 0 {
				survivors++
			}
		}
	}
	if survivors > 0 {
		t.Errorf("%d of %d deletions that were acknowledged left their rows", survivors, workers*rounds)
	}
}

// The same, made to happen: a deletion that is acknowledged and never run.
func TestDeletionThatWasNotRun(t *testing.T) {
	t.Parallel()
	cfg := testkit.DatabaseConfig(t)
	ignored, ignore := 0, 1
	cfg.Hook = func(ctx context.Context, op store.Op, do func(context.Context) error) error {
		if op.Kind == "delete" && ignored < ignore {
			ignored++
			return nil
		}
		return do(ctx)
	}
	st := testkit.OpenStore(t, cfg)
	hour := time.Date(2016, 9, 30, 20, 0, 0, 0, time.UTC)
	for _, name := range []string{"a", "b"} {
		if err := insert(t.Context(), st, "", name, 1, []time.Time{hour}, 1, 5); err != nil {
			t.Fatal(err)
		}
	}
	if err := st.DeleteRows(t.Context(), clicks(rawlog.Period{}), []store.Rows{{File: "a", Insert: 1}}, store.Fence{}); err != nil {
		t.Fatal(err)
	}
	counts, err := counted(t.Context(), st, clicks(rawlog.Period{}), "a", "b")
	if err != nil || counts["a"] != 0 || counts["b"] != 5 || ignored != 1 {
		t.Errorf("left: %v, %v", counts, err)
	}
	ignored, ignore = 0, 1000
	if err := st.DeleteRows(t.Context(), clicks(rawlog.Period{}), []store.Rows{{File: "b", Insert: 1}}, store.Fence{}); err == nil || !strings.Contains(err.Error(), "still there") {
		t.Errorf("deletions without any effect: %v", err)
	}
}

// clicks is the network's clicks of files of the hours.
func clicks(hours rawlog.Period) store.Scope {
	return store.Scope{Network: "net", Type: rawlog.Clicks, Hours: hours}
}

// counted counts the rows of files by their names alone.
func counted(ctx context.Context, st *store.Store, scope store.Scope, files ...string) (map[string]uint64, error) {
	held, err := st.CountRows(ctx, scope, files...)
	out := map[string]uint64{}
	for rows, n := range held {
		out[rows.File] += n
	}
	return out, err
}

// A deletion under a fence that another run's claim has closed deletes nothing
// and says so; one that it has not does.
func TestDeletionIsFenced(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	hour := time.Date(2016, 9, 30, 20, 0, 0, 0, time.UTC)
	if err := insert(t.Context(), st, "", "a", 1, []time.Time{hour}, 1, 5); err != nil {
		t.Fatal(err)
	}
	rows := []store.Rows{{File: "a", Insert: 1}}
	closed := store.Fence{Run: "r", Condition: "(SELECT count() FROM " + st.TableName("clicks") + ") = 0"}
	if err := st.DeleteRows(t.Context(), clicks(rawlog.Period{}), rows, closed); !errors.Is(err, store.ErrFenced) {
		t.Errorf("past a closed fence: %v", err)
	}
	if n, err := counted(t.Context(), st, clicks(rawlog.Period{}), "a"); n["a"] != 5 || err != nil {
		t.Errorf("left: %v, %v", n, err)
	}
	open := store.Fence{Run: "r", Condition: "(SELECT count() FROM " + st.TableName("conversions") + ") = 0"}
	if err := st.DeleteRows(t.Context(), clicks(rawlog.Period{}), rows, open); err != nil {
		t.Error(err)
	}
	if n, err := counted(t.Context(), st, clicks(rawlog.Period{}), "a"); len(n) != 0 || err != nil {
		t.Errorf("left: %v, %v", n, err)
	}
}

// A deletion names the INSERT: rows of the same file that came since stay.
func TestDeletionNamesTheInsert(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	hour := time.Date(2016, 9, 30, 20, 0, 0, 0, time.UTC)
	for id := range uint64(3) {
		for _, name := range []string{"a", "b"} {
			if err := insert(t.Context(), st, "", name, id, []time.Time{hour}, 1, 5); err != nil {
				t.Fatal(err)
			}
		}
	}
	rows := []store.Rows{{File: "a", Insert: 0}, {File: "b", Insert: 1}}
	if err := st.DeleteRows(t.Context(), clicks(rawlog.Period{}), rows, store.Fence{}); err != nil {
		t.Fatal(err)
	}
	held, err := st.CountRows(t.Context(), clicks(rawlog.Period{}))
	if want := (map[store.Rows]uint64{{File: "a", Insert: 1}: 5, {File: "a", Insert: 2}: 5, {File: "b", Insert: 0}: 5, {File: "b", Insert: 2}: 5}); err != nil || !maps.Equal(held, want) {
		t.Errorf("left %v, %v; want %v", held, err, want)
	}
	held, err = st.CountInserts(t.Context(), clicks(rawlog.Period{}), []store.InsertRange{{First: 0, End: 1}, {First: 2, End: 9}})
	if err != nil || len(held) != 3 {
		t.Errorf("in the ranges: %v, %v", held, err)
	}
	if err := st.DeleteInserts(t.Context(), clicks(rawlog.Period{}), []uint64{2}); err != nil {
		t.Fatal(err)
	}
	if held, err = st.CountRows(t.Context(), clicks(rawlog.Period{})); err != nil || len(held) != 2 {
		t.Errorf("left: %v, %v", held, err)
	}
}

// A deletion is asked for month by month: without that the server looks for the rows in the
// parts of all months, however many those are.
func TestDeletionKeepsToItsMonths(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	// Of August the deletion takes a whole part, of September some rows of one; July has rows
	// of the same file by another INSERT.
	for _, in := range []struct {
		file   string
		insert uint64
		month  time.Month
	}{{"a", 0, time.July}, {"a", 1, time.August}, {"a", 1, time.September}, {"b", 2, time.September}} {
		hour := time.Date(2016, in.month, 30, 20, 0, 0, 0, time.UTC)
		if err := insert(t.Context(), st, "", in.file, in.insert, []time.Time{hour}, 1, 3); err != nil {
			t.Fatal(err)
		}
	}
	if err := st.Conn().Exec(t.Context(), "OPTIMIZE TABLE "+st.TableName("clicks")+" PARTITION 201609 FINAL"); err != nil {
		t.Fatal(err)
	}
	if err := st.DeleteRows(t.Context(), clicks(rawlog.Period{}), []store.Rows{{File: "a", Insert: 1}}, store.Fence{}); err != nil {
		t.Fatal(err)
	}
	var months []string
	err := st.Conn().QueryRow(t.Context(), `SELECT arraySort(groupArray(extract(command, 'IN PARTITION ID .(201\d+).')))
		FROM system.mutations WHERE database = ? AND table = 'clicks'`, st.Database()).Scan(&months)
	if want := []string{"201608", "201609"}; err != nil || !slices.Equal(months, want) {
		t.Errorf("mutations are of the months %q, %v; want %q", months, err, want)
	}
	held, err := st.CountRows(t.Context(), clicks(rawlog.Period{}))
	if want := (map[store.Rows]uint64{{File: "a", Insert: 0}: 3, {File: "b", Insert: 2}: 3}); err != nil || !maps.Equal(held, want) {
		t.Errorf("left %v, %v; want %v", held, err, want)
	}
}
