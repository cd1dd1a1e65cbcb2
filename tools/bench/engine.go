package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// engineLimits are what the embedded ClickHouse may take: what is usual, as much as 60 % of a
// machine of 1.75 GiB, and the least that the setting engine_memory takes.
var engineLimits = []int64{0, 1075 << 20, 512 << 20}

// mostEngine is what it takes where it may take as much as it likes.
const mostEngine = 1536 << 20

// engineMemory loads the hours into stores whose ClickHouse may take little memory. Each
// run starts and ends its own, which is a child of it.
func engineMemory(ctx context.Context, o options, _ *server, ing *ingest, t *report) error {
	if ing.self {
		return nil // that shares the bench's own
	}
	hours := dataSets()[0]
	if err := hours.make(o.data); err != nil {
		return fmt.Errorf("data set %s: %w", hours.Name, err)
	}
	for _, limit := range engineLimits {
		store, err := filepath.Abs(filepath.Join(o.data, fmt.Sprintf("engine-%d", limit>>20)))
		if err != nil {
			return err
		}
		if err = os.RemoveAll(store); err != nil {
			return err
		}
		small := *ing
		small.spec = "embedded:" + store
		what, most := "ClickHouse's memory", int64(mostEngine)
		var env []string
		if limit > 0 {
			what, most = fmt.Sprintf("%s, engine_memory of %d MiB", what, limit>>20), limit+libraryPages
			env = []string{fmt.Sprintf("INGEST_ENGINE_MEMORY=%d", limit)}
		}
		u, s, err := small.run(ctx, env, "backfill", always, "--type", "clicks", "--source", hours.zips())
		if err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "%s: %d rows in %.1f s, %d MiB beside %d MiB of ingest\n", what, s.Rows, u.wall.Seconds(), u.children>>20, u.rss>>20)
		want := hours.Files * hours.Rows
		t.promise(what, fmt.Sprintf("%d MiB, %d rows", u.children>>20, s.Rows), fmt.Sprintf("≤ %d MiB, %d rows", most>>20, want),
			u.children > 0 && u.children <= most && s.Rows == uint64(want))
		if err := os.RemoveAll(store); err != nil {
			return err
		}
	}
	return nil
}

// libraryPages is what the process has of its library mapped. The server does not count it,
// and the kernel takes it back where memory is short.
const libraryPages = 256 << 20

// children are the processes that a process started and that still run.
func children(pid int) (all []int) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, task := range tasks {
		text, _ := os.ReadFile(task) // it may have ended
		for _, word := range strings.Fields(string(text)) {
			var child int
			if n, _ := fmt.Sscan(word, &child); n == 1 {
				all = append(all, child)
			}
		}
	}
	return all
}
