package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"rawlogs/internal/dirs/folder"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
)

const (
	// fiveYears are the files of five years, one for each hour and type.
	fiveYears = 5 * 365 * 24 * 3
	// planFiles are those of 38 years. The ledger knows them, but nothing was loaded of them.
	planFiles = 1_000_000
)

// plan loads five years in one command, and then measures what it takes to find nothing new
// among their files, and among a million: the listing of a folder, the ledger, and one
// compared with the other.
func plan(ctx context.Context, o options, srv *server, ing *ingest, t *report) error {
	few, err := srv.planned(ctx, o, fiveYears, func(a *archiveOf) (usage, error) { return a.load(ctx, srv, ing) }, ing, t)
	if err != nil {
		return err
	}
	many, err := srv.planned(ctx, o, planFiles, func(a *archiveOf) (usage, error) { return a.pretend(ctx, srv, ing) }, ing, t)
	if err != nil {
		return err
	}
	grown := (many.cpu.Seconds() / planFiles) / (few.cpu.Seconds() / fiveYears)
	t.promise(fmt.Sprintf("plan: CPU for a file of %d, of that of %d", planFiles, fiveYears), fmt.Sprintf("%.2f", grown), "≤ 1.10", grown <= 1.10)
	return nil
}

// planned makes an archive of n files, has the ledger know them all, and runs ingest over
// them; of several times the quickest counts.
func (s *server) planned(ctx context.Context, o options, n int, know func(*archiveOf) (usage, error), ing *ingest, t *report) (best usage, err error) {
	a := &archiveOf{files: make([]rawlog.File, n)}
	if a.folder, err = filepath.Abs(filepath.Join(o.data, fmt.Sprintf("plan-%d", n))); err != nil {
		return best, err
	}
	if err = errors.Join(os.RemoveAll(a.folder), s.clear(ctx)); err != nil {
		return best, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(a.folder)) }()
	begin := day(1980, 1, 1)
	if n == fiveYears {
		begin = day(2014, 1, 1) // conversions of 1980 have an issue each
	}
	for i := range a.files {
		f := &a.files[i]
		f.Type, f.Hour = rawlog.Types()[i%3], begin.Add(time.Duration(i/3)*time.Hour)
		f.Name = gen.FileName(f.Type, f.Hour, seed)
	}
	loaded, err := know(a)
	if err != nil {
		return best, err
	}
	if loaded.wall > 0 {
		t.memory(fmt.Sprintf("plan: %d files, loading them", n), loaded.rss, maxRSS)
	}
	beyond := time.Hour
	for range o.rounds {
		listing, err := a.list(ctx)
		if err != nil {
			return best, err
		}
		u, sum, err := ing.run(ctx, nil, "backfill", "1980..2029", "--source", a.folder)
		if err != nil {
			return best, err
		}
		if sum.Files.AlreadyLoaded != n || sum.Files.Loaded != 0 {
			return best, fmt.Errorf("a run loaded %d files, and knew %d of %d", sum.Files.Loaded, sum.Files.AlreadyLoaded, n)
		}
		fmt.Fprintf(os.Stderr, "plan: %d files, %.2f s, client %.2f, %d MiB; the listing alone %.2f s\n", n, u.wall.Seconds(), u.cpu.Seconds(), u.rss>>20, listing.Seconds())
		if best.wall == 0 || u.wall < best.wall {
			best = u
		}
		beyond = min(beyond, max(0, u.wall-listing))
	}
	t.notes = append(t.notes, fmt.Sprintf("%d files, all loaded: a backfill of all takes %.2f s and %d MiB.", n, best.wall.Seconds(), best.rss>>20))
	t.promise(fmt.Sprintf("plan: %d files and nothing new, beyond listing the folder", n), seconds(beyond)+" s", "≤ 3 s", beyond <= 3*time.Second)
	t.memory(fmt.Sprintf("plan: %d files and nothing new", n), best.rss, maxRSS)
	return best, nil
}

// archiveOf is a folder of files that each hold two rows.
type archiveOf struct {
	folder string
	files  []rawlog.File
}

// list is how long the source takes by itself.
func (a *archiveOf) list(ctx context.Context) (time.Duration, error) {
	begin, files := time.Now(), 0
	err := folder.New(a.folder, nil).Walk(ctx, rawlog.Types(), []rawlog.Period{{From: day(1980, 1, 1), To: day(2030, 1, 1)}}, func(rawlog.File) error {
		files++
		return nil
	})
	if err == nil && files != len(a.files) {
		err = fmt.Errorf("%d of %d files listed", files, len(a.files))
	}
	return time.Since(begin), err
}

// load makes the files, each with rows of its own hour, and loads them.
func (a *archiveOf) load(ctx context.Context, srv *server, ing *ingest) (usage, error) {
	logs := gen.New(gen.Config{Seed: seed, Clicks: 2})
	for _, f := range a.files {
		path, err := a.place(f)
		var text bytes.Buffer
		if err == nil {
			_, err = logs.WriteZip(&text, string(f.Type)+".csv", gen.Spec{Type: f.Type, Hour: f.Hour, Rows: 2})
		}
		if err == nil {
			err = os.WriteFile(path, text.Bytes(), 0o600)
		}
		if err != nil {
			return usage{}, err
		}
	}
	since := time.Now()
	u, sum, err := ing.run(ctx, nil, "backfill", "1980..2029", "--source", a.folder)
	if err != nil {
		return u, err
	}
	if sum.Files.Loaded != len(a.files) {
		return u, fmt.Errorf("%d of %d files loaded", sum.Files.Loaded, len(a.files))
	}
	if err = srv.settle(ctx); err == nil {
		err = srv.execute(ctx, "SYSTEM FLUSH LOGS")
	}
	if err != nil {
		return u, err
	}
	merges, err := srv.number(ctx, "SELECT count() FROM system.part_log WHERE event_type = 'MergeParts' AND database = ? AND event_time_microseconds >= fromUnixTimestamp64Micro(?)", srv.st.Database(), since.UnixMicro())
	fmt.Fprintf(os.Stderr, "plan: %d files of 2 rows loaded in %.1f s, client %.1f, %d inserts, %d merges, %d MiB\n", len(a.files), u.wall.Seconds(), u.cpu.Seconds(), sum.Inserts, merges, u.rss>>20)
	return u, err
}

// pretend makes links to one file, and has the ledger say of all what it says of that one.
func (a *archiveOf) pretend(ctx context.Context, srv *server, ing *ingest) (usage, error) {
	var text bytes.Buffer
	first := a.files[0]
	if _, err := gen.New(gen.Config{Seed: seed, Clicks: 2}).WriteZip(&text, "clicks.csv", gen.Spec{Type: first.Type, Hour: first.Hour, Rows: 2}); err != nil {
		return usage{}, err
	}
	linked := ""
	for i, f := range a.files {
		path, err := a.place(f)
		const mostLinks = 60_000 // ext4 has 65,000 of a file at most
		switch {
		case err != nil:
		case i%mostLinks == 0:
			if linked, err = path, os.WriteFile(path, text.Bytes(), 0o600); err == nil {
				err = os.Chtimes(path, first.Hour, first.Hour) // or the next ones would be another version
			}
		default:
			err = os.Link(linked, path)
		}
		if err == nil && i == 0 {
			_, _, err = ing.run(ctx, nil, "backfill", "1980", "--source", a.folder)
		}
		if err != nil {
			return usage{}, err
		}
	}
	return usage{}, srv.know(ctx, a.files)
}

// place is where a file belongs; its folder is made with the day's first file.
func (a *archiveOf) place(f rawlog.File) (path string, err error) {
	path = filepath.Join(a.folder, f.Name)
	if f.Hour.Hour() == 0 {
		err = os.MkdirAll(filepath.Dir(path), 0o700)
	}
	return path, err
}

// know has the ledger say of all files what it says of the first.
func (s *server) know(ctx context.Context, files []rawlog.File) (err error) {
	if err = s.execute(ctx, "DROP TABLE IF EXISTS bench_names", "CREATE TABLE bench_names (type String, file String, hour DateTime('UTC')) ENGINE = Memory"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.execute(context.WithoutCancel(ctx), "DROP TABLE bench_names")) }()
	batch, err := s.st.Conn().PrepareBatch(ctx, "INSERT INTO bench_names")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, batch.Close()) }()
	for _, f := range files[1:] {
		if err = batch.Append(string(f.Type), f.Name, f.Hour); err != nil {
			return err
		}
	}
	if err = batch.Send(); err != nil {
		return err
	}
	ledger := s.st.Holding("ingest_files")
	return s.execute(ctx, "INSERT INTO "+ledger+" SELECT f.* REPLACE (n.type AS log_type, n.file AS file, n.hour AS hour) FROM bench_names AS n CROSS JOIN (SELECT * FROM "+ledger+" FINAL) AS f")
}
