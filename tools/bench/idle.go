package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// mostIdle is what a run with nothing new may take when it has to start the engine.
const mostIdle = 400 * time.Millisecond

// idle measures runs of a small network's nightly job, each of which starts the engine and
// ends it: ten small files, and then nothing new. CPU is that of both processes.
func idle(ctx context.Context, o options, _ *server, ing *ingest, t *report) (err error) {
	if ing.self {
		return nil // that shares the bench's own
	}
	const files, rows, runs = 10, 1_000, 5
	folder, err := distinct(o.data, "idle", files, rows)
	if err != nil {
		return err
	}
	store, err := filepath.Abs(filepath.Join(o.data, "idle-store"))
	if err != nil {
		return err
	}
	if err = os.RemoveAll(store); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(store), os.RemoveAll(folder)) }()
	small := *ing
	small.spec = "embedded:" + store
	if _, err = child(ctx, environment(), small.program, "schema", "apply", "--store", small.spec); err != nil {
		return err
	}
	loaded, err := small.backfill(ctx, folder)
	if err != nil {
		return err
	}
	var walls, cpus []time.Duration
	for range runs {
		u, s, failed := small.run(ctx, nil, "backfill", always, "--type", "clicks", "--source", folder)
		if failed != nil {
			return failed
		}
		if s.Files.AlreadyLoaded != files || s.Files.Loaded != 0 {
			return fmt.Errorf("a run loaded %d files, and knew %d of %d", s.Files.Loaded, s.Files.AlreadyLoaded, files)
		}
		walls, cpus = append(walls, u.wall), append(cpus, u.cpu)
	}
	slices.Sort(walls)
	slices.Sort(cpus)
	wall, cpu := walls[runs/2], cpus[runs/2]
	t.notes = append(t.notes, fmt.Sprintf("Engine started and ended by each run: %d files of %d rows %.2f s, %.2f CPU s; nothing new %.2f s, %.2f CPU s.",
		files, rows, loaded.wall.Seconds(), loaded.cpu.Seconds(), wall.Seconds(), cpu.Seconds()))
	t.promise("a run with nothing new, engine not running", seconds(wall)+" s", "≤ "+seconds(mostIdle)+" s", wall <= mostIdle)
	return nil
}
