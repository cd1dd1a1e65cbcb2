package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
)

// linked makes a folder of n files, all of them links to one ZIP of the given
// rows: the same work for each, and no disk. The rows are those of the first hour.
func linked(folder, name string, n, rows int) (string, error) {
	first := ""
	return hourly(folder, name, n, func(logs *gen.Network, path string, hour time.Time) error {
		if first != "" {
			return os.Link(first, path)
		}
		first = path
		return writeHour(logs, path, hour, rows)
	}, rows)
}

// distinct makes a folder of n files, each with rows of its own hour: links would have an
// issue each, and the ledger would have to tell of all of them.
func distinct(folder, name string, n, rows int) (string, error) {
	return hourly(folder, name, n, func(logs *gen.Network, path string, hour time.Time) error {
		return writeHour(logs, path, hour, rows)
	}, rows)
}

func hourly(folder, name string, n int, write func(logs *gen.Network, path string, hour time.Time) error, rows int) (string, error) {
	root, err := filepath.Abs(filepath.Join(folder, fmt.Sprintf("%s-%d", name, n)))
	if err != nil {
		return "", err
	}
	if err := os.RemoveAll(root); err != nil {
		return "", err
	}
	logs := gen.New(gen.Config{Seed: seed, Clicks: rows})
	for i := range n {
		hour := day(2014, 1, 1).Add(time.Duration(i) * time.Hour)
		path := filepath.Join(root, gen.FileName(rawlog.Clicks, hour, seed))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return "", err
		}
		if err := write(logs, path, hour); err != nil {
			return "", err
		}
	}
	return root, nil
}

func writeHour(logs *gen.Network, path string, hour time.Time, rows int) (err error) {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	_, err = logs.WriteZip(file, "clicks.csv", gen.Spec{Type: rawlog.Clicks, Hour: hour, Rows: rows})
	return err
}

// growthRows is the size of the files whose number grows: large enough that
// ten of them cost more than starting a process.
const growthRows = 10_000

// growth measures what a row costs when there are 10, 100 and 1,000 files:
// client and INSERTs, in CPU time, less what a run costs that finds nothing new.
// Merges are the table's affair and left out.
func growth(ctx context.Context, o options, srv *server, ing *ingest, t *report) error {
	perRow := map[int]float64{}
	counts := []int{10, 100, 1000}
	for _, n := range counts {
		folder, err := linked(o.data, "growth", n, growthRows)
		if err != nil {
			return err
		}
		rounds := max(1, min(5, 100/n))
		for range rounds {
			if err := srv.clear(ctx); err != nil {
				return err
			}
			loaded, err := srv.queries(ctx, func() (usage, error) { return ing.backfill(ctx, folder) })
			if err != nil {
				return err
			}
			idle, err := srv.queries(ctx, func() (usage, error) { return ing.backfill(ctx, folder) })
			if err != nil {
				return err
			}
			cost := (loaded - idle).Seconds() * 1e6 / float64(n*growthRows)
			if perRow[n] == 0 || cost < perRow[n] {
				perRow[n] = cost // the least disturbed round
			}
		}
		fmt.Fprintf(os.Stderr, "growth: %d files, %.2f µs a row\n", n, perRow[n])
		if err := os.RemoveAll(folder); err != nil {
			return err
		}
	}
	grown := perRow[1000] / perRow[10]
	t.promise("growth: CPU for a row at 1,000 files, of that at 10", fmt.Sprintf("%.2f (%.2f and %.2f µs)", grown, perRow[1000], perRow[10]), "≤ 1.10", grown <= 1.10)
	return nil
}

// queries is the CPU time of a load: the client's, and that of the server's
// own threads for its INSERTs.
func (s *server) queries(ctx context.Context, load func() (usage, error)) (time.Duration, error) {
	since := time.Now()
	u, err := load()
	if err != nil {
		return 0, err
	}
	inserted, err := s.insertCPU(ctx, since)
	return u.cpu + inserted, err
}

// ledgerFiles is how many files the ledger knows when a run finds nothing new.
const ledgerFiles = 20_000

// ledger measures a run with nothing to do.
func ledger(ctx context.Context, o options, srv *server, ing *ingest, t *report) error {
	folder, err := distinct(o.data, "ledger", ledgerFiles, 2)
	if err != nil {
		return err
	}
	if err = srv.clear(ctx); err != nil {
		return err
	}
	begin := time.Now()
	u, s, err := ing.run(ctx, nil, "backfill", always, "--type", "clicks", "--source", folder)
	if err != nil {
		return err
	}
	if s.Files.Loaded != ledgerFiles {
		return fmt.Errorf("%d of %d files loaded", s.Files.Loaded, ledgerFiles)
	}
	fmt.Fprintf(os.Stderr, "ledger: %d files of 2 rows loaded in %.1f s with %d inserts, %d MiB\n", ledgerFiles, time.Since(begin).Seconds(), s.Inserts, u.rss>>20)
	t.memory("ledger of 20,000 files, loading them", u.rss, maxRSS)
	if err := srv.settle(ctx); err != nil {
		return err
	}
	var best usage
	for range max(3, o.rounds) {
		u, s, err := ing.run(ctx, nil, "backfill", always, "--type", "clicks", "--source", folder)
		if err != nil {
			return err
		}
		if s.Files.AlreadyLoaded != ledgerFiles || s.Files.Loaded != 0 {
			return fmt.Errorf("a second run loaded %d files, and knew %d", s.Files.Loaded, s.Files.AlreadyLoaded)
		}
		if best.wall == 0 || u.wall < best.wall {
			best = u
		}
	}
	t.promise("ledger of 20,000 files: a run with nothing new", seconds(best.wall)+" s", "≤ 1 s", best.wall <= time.Second)
	return os.RemoveAll(folder)
}
