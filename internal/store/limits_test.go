package store_test

import (
	"slices"
	"testing"

	"rawlogs/internal/store"
)

func TestEveryLimitHasALowestValue(t *testing.T) {
	t.Parallel()
	if names := store.Unbounded(); len(names) > 0 {
		t.Errorf("none for %v", names)
	}
}

func TestLimitStops(t *testing.T) {
	t.Parallel()
	var stop []string
	for _, l := range []store.Limit{
		{"max_result_rows", "10"}, {"max_result_rows", "1000000"}, {"max_rows_to_read", "999999"}, {"max_rows_to_read", "1000000000"},
		{"max_query_size", "1000"}, {"max_query_size", "100000"}, {"max_execution_time", "0.5"}, {"max_execution_time", "600"},
		{"max_partitions_to_read", "0"}, {"max_partitions_to_read", "12"}, {"min_execution_speed", "1"}, {"max_execution_speed", "1"},
		{"max_result_bytes", ""},
	} {
		if l.Stops() {
			stop = append(stop, l.String())
		}
	}
	want := []string{"max_result_rows = 10", "max_rows_to_read = 999999", "max_query_size = 1000", "max_execution_time = 0.5",
		"max_partitions_to_read = 0", "min_execution_speed = 1", "max_result_bytes"}
	if !slices.Equal(stop, want) {
		t.Errorf("got %q, want %q", stop, want)
	}
}
