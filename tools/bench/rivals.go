package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// sample is one load of a data set by one rival.
type sample struct {
	usage
	server  time.Duration // CPU of the server while the load ran
	insert  time.Duration // of it, threads of the INSERTs
	merges  time.Duration // CPU of the server from then on until a month was one part
	inserts uint64
	parts   uint64
	content content
}

func (s sample) total() time.Duration { return s.cpu + s.server }

func (s sample) merged() time.Duration { return s.total() + s.merges }

// runs are the samples of a data set, by rival.
type runs map[string][]sample

// rival loads a whole data set into the table clicks.
type rival struct {
	name string
	long string // for the table
	load func(ctx context.Context, srv *server, ing *ingest, ds *dataSet) (usage, error)
	slow bool // no line is about it: once, and not for files of gigabytes
}

const (
	byIngest = "ingest"
	byReader = "reader"
)

func rivals() []rival {
	return []rival{
		{name: byReader, long: "ClickHouse's own reader, gz", load: ownReader},
		{name: byIngest, long: "ingest", load: func(ctx context.Context, _ *server, ing *ingest, ds *dataSet) (usage, error) {
			return ing.backfill(ctx, ds.zips())
		}},
		{name: "shell", long: "unzip | curl", load: shell, slow: true},
		{name: "rows", long: "clickhouse-go, row API", load: rowAPI, slow: true},
	}
}

func rivalNames() (names []string) {
	for _, r := range rivals() {
		names = append(names, r.name)
	}
	return names
}

// compete lets the rivals load the data set in turn, and compares what is in
// the table after each.
func compete(ctx context.Context, o options, srv *server, ing *ingest, ds *dataSet) (runs, error) {
	out := make(runs)
	var want *content
	for round := range o.rounds {
		turn := rivals()
		if round%2 == 1 {
			slices.Reverse(turn) // who comes second finds other caches
		}
		for _, r := range turn {
			if !slices.Contains(strings.Split(o.rivals, ","), r.name) || r.slow && (round > 0 || ds.Name == "huge") {
				continue
			}
			s, err := measure(ctx, srv, func() (usage, error) { return r.load(ctx, srv, ing, ds) })
			if err != nil {
				return nil, fmt.Errorf("%s: %w", r.long, err)
			}
			fmt.Fprintf(os.Stderr, "%s %d %-7s %6.2f s  client %5.2f  server %5.2f (inserts %5.2f) + %5.2f  %4d MiB\n", ds.Name, round+1, r.name,
				s.wall.Seconds(), s.cpu.Seconds(), s.server.Seconds(), s.insert.Seconds(), s.merges.Seconds(), s.rss>>20)
			if want == nil {
				if s.content.Rows != uint64(ds.Files*ds.Rows) {
					return nil, fmt.Errorf("%s: %d rows, want %d", r.long, s.content.Rows, ds.Files*ds.Rows)
				}
				want = &s.content
			}
			if s.content != *want {
				return nil, fmt.Errorf("%s: %d rows with hash %x, others have %d with %x", r.long, s.content.Rows, s.content.Hash, want.Rows, want.Hash)
			}
			out[r.name] = append(out[r.name], s)
		}
	}
	return out, nil
}

// measure runs a load into empty tables.
func measure(ctx context.Context, srv *server, load func() (usage, error)) (s sample, err error) {
	if err = srv.clear(ctx); err != nil {
		return s, err
	}
	since := time.Now()
	before, err := srv.cpu()
	if err != nil {
		return s, err
	}
	if s.usage, err = load(); err != nil {
		return s, err
	}
	after, err := srv.cpu()
	if err != nil {
		return s, err
	}
	if err = srv.settle(ctx); err != nil {
		return s, err
	}
	settled, err := srv.cpu()
	if err != nil {
		return s, err
	}
	s.server = after - before
	if s.insert, err = srv.insertCPU(ctx, since); err != nil {
		return s, err
	}
	if s.inserts, s.parts, err = srv.written(ctx, since); err != nil {
		return s, err
	}
	if s.content, err = srv.content(ctx); err != nil {
		return s, err
	}
	merged, err := srv.merge(ctx, srv.st.Holding("clicks"))
	s.merges = settled - after + merged
	return s, err
}

// ownReader is ClickHouse reading the files itself. The lineage that a user
// could have for nothing is asked of it, too: network, file and hour.
func ownReader(ctx context.Context, srv *server, _ *ingest, ds *dataSet) (usage, error) {
	files, err := srv.lend(ds)
	if err != nil {
		return usage{}, err
	}
	begin := time.Now()
	err = srv.st.Conn().Exec(ctx, fmt.Sprintf(
		"INSERT INTO %s (%s, network, _file, _hour) SELECT %[2]s, 'bench', _file, toStartOfHour(datetime) FROM file('%s', 'CSVWithNames', '%s')",
		srv.st.TableName("clicks"), srv.names(), filepath.Join(files, "*.csv.gz"), srv.structure()))
	return usage{wall: time.Since(begin)}, err
}

// shell pipes one file after the other into the HTTP interface.
func shell(ctx context.Context, srv *server, _ *ingest, ds *dataSet) (u usage, err error) {
	ep, _ := srv.st.Engine()
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return u, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	// The password stays out of the command line.
	conf := filepath.Join(dir, "curl.conf")
	text := fmt.Sprintf("header = \"X-ClickHouse-User: %s\"\nheader = \"X-ClickHouse-Key: %s\"\n", ep.User, ep.Password)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return u, err
	}
	const script = `set -euo pipefail
for f in "$1"/*/*.zip; do
  unzip -p "$f" | curl -sS --fail-with-body -K "$2" -X POST -T - "$3"
done`
	query := "http://" + ep.HTTPAddr + "/?database=" + ep.Database + "&async_insert=0&query=INSERT%20INTO%20clicks%20FORMAT%20CSVWithNames"
	return child(ctx, nil, "bash", "-c", script, "shell", ds.zips(), conf, query)
}

// rowAPI is a Go program of the usual kind, in a process of its own.
func rowAPI(ctx context.Context, srv *server, _ *ingest, ds *dataSet) (usage, error) {
	self, err := os.Executable()
	if err != nil {
		return usage{}, err
	}
	return child(ctx, nil, self, childRows, srv.spec, ds.zips())
}
