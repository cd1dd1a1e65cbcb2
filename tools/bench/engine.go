package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// engineLimits are what the embedded ClickHouse may take: as much as 60 % of a machine
// of 1.75 GiB, and the least that the setting engine_memory takes.
var engineLimits = []int64{1075 << 20, 512 << 20}

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
		u, s, err := small.run(ctx, []string{fmt.Sprintf("INGEST_ENGINE_MEMORY=%d", limit)}, "backfill", always, "--type", "clicks", "--source", hours.zips())
		if err != nil {
			return err
		}
		what := fmt.Sprintf("ClickHouse's memory, engine_memory of %d MiB", limit>>20)
		fmt.Fprintf(os.Stderr, "%s: %d rows in %.1f s, %d MiB beside %d MiB of ingest\n", what, s.Rows, u.wall.Seconds(), u.children>>20, u.rss>>20)
		want := hours.Files * hours.Rows
		t.promise(what, fmt.Sprintf("%d MiB, %d rows", u.children>>20, s.Rows), fmt.Sprintf("≤ %d MiB, %d rows", (limit+libraryPages)>>20, want),
			u.children > 0 && u.children <= limit+libraryPages && s.Rows == uint64(want))
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
