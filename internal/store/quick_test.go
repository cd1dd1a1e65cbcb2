package store_test

import (
	"context"
	"testing"

	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// A load's own statements run on one thread, those over many rows on as many as the
// profile or the address says; and whoever sends questions of their own is not slowed.
func TestThreads(t *testing.T) {
	t.Parallel()
	embedded := testkit.Database(t)
	setting := func(ctx context.Context, st *store.Store, name string) string {
		t.Helper()
		var value string
		if err := st.Conn().QueryRow(ctx, "SELECT toString(getSetting(?))", name).Scan(&value); err != nil {
			t.Fatal(err)
		}
		return value
	}
	open := func(cfg store.Config) *store.Store {
		t.Helper()
		st, err := store.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = st.Close() })
		return st
	}
	plain := open(store.Config{Spec: address(t, embedded, ""), Reader: true})
	machine := setting(t.Context(), plain, "max_threads")
	for _, c := range []struct {
		name             string
		st               *store.Store
		read, one, whole string
	}{
		{"embedded", embedded, "pread", "1", machine},
		{"address", open(store.Config{Spec: address(t, embedded, "")}), "pread", "1", machine},
		{"address that says", open(store.Config{Spec: address(t, embedded, "max_threads=3&local_filesystem_read_method=mmap")}), "mmap", "3", "3"},
		{"reader", plain, "pread_threadpool", machine, machine},
	} {
		if got := setting(t.Context(), c.st, "max_threads"); got != c.one {
			t.Errorf("%s: %s threads, want %s", c.name, got, c.one)
		}
		if got := setting(c.st.Wide(t.Context()), c.st, "max_threads"); got != c.whole {
			t.Errorf("%s, wide: %s threads, want %s", c.name, got, c.whole)
		}
		if got := setting(t.Context(), c.st, "local_filesystem_read_method"); got != c.read {
			t.Errorf("%s reads by %s, want %s", c.name, got, c.read)
		}
	}
}
