package store_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// Deletions at once, as by several workers: the server may take two out of
// order, and then acknowledges one that it never ran. DeleteFiles returns when
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
				if err := st.DeleteFiles(t.Context(), "clicks", "net", []string{fmt.Sprintf("f%d-%d", i, round)}, rawlog.Period{}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for i, st := range stores {
			name := fmt.Sprintf("f%d-%d", i, round)
			counts, err := st.CountFiles(t.Context(), "clicks", "net", []string{name}, rawlog.Period{})
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
	if err := st.DeleteFiles(t.Context(), "clicks", "net", []string{"a"}, rawlog.Period{}); err != nil {
		t.Fatal(err)
	}
	counts, err := st.CountFiles(t.Context(), "clicks", "net", []string{"a", "b"}, rawlog.Period{})
	if err != nil || counts["a"] != 0 || counts["b"] != 5 || ignored != 1 {
		t.Errorf("left: %v, %v", counts, err)
	}
	ignored, ignore = 0, 1000
	if err := st.DeleteFiles(t.Context(), "clicks", "net", []string{"b"}, rawlog.Period{}); err == nil || !strings.Contains(err.Error(), "still there") {
		t.Errorf("deletions without any effect: %v", err)
	}
}
