package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/store"
)

// server is the one embedded ClickHouse that all rivals load into.
type server struct {
	st   *store.Store
	dir  string
	spec string
	cols []store.Column // of clicks, those that the CSV has
}

func openServer(ctx context.Context, data string) (*server, error) {
	data, err := filepath.Abs(data)
	if err != nil {
		return nil, err
	}
	if err = os.MkdirAll(data, 0o700); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(data, "store-")
	if err != nil {
		return nil, err
	}
	s := &server{dir: dir, spec: "embedded:" + filepath.Join(dir, "clickhouse")}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *server) open(ctx context.Context) (err error) {
	if s.st, err = store.Open(ctx, store.Config{Spec: s.spec}); err != nil {
		return err
	}
	if err = s.clear(ctx); err != nil {
		return err
	}
	all, err := s.st.Columns(ctx, "clicks")
	if err != nil {
		return err
	}
	for _, name := range gen.Header(rawlog.Clicks, 2016) {
		for _, c := range all {
			if c.Name == name {
				s.cols = append(s.cols, c)
			}
		}
	}
	return nil
}

// close stops the server and removes its data.
func (s *server) close() error {
	var err error
	if s.st != nil {
		err = s.st.Close()
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}

// lend links the data set's gzips to where the server may read files, and returns
// that folder as file() names it.
func (s *server) lend(ds *dataSet) (string, error) {
	folder := filepath.Join(s.dir, "clickhouse", "files", ds.Name)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	gzips, err := filepath.Glob(filepath.Join(ds.gzips(), "*.csv.gz"))
	if err != nil {
		return "", err
	}
	for _, path := range gzips {
		if err := os.Link(path, filepath.Join(folder, filepath.Base(path))); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", err
		}
	}
	return ds.Name, nil
}

// names lists the CSV's columns, for a statement.
func (s *server) names() string {
	var names []string
	for _, c := range s.cols {
		names = append(names, "`"+c.Name+"`")
	}
	return strings.Join(names, ", ")
}

// structure is the CSV's structure as the table declares it.
func (s *server) structure() string {
	var cols []string
	for _, c := range s.cols {
		cols = append(cols, "`"+c.Name+"` "+c.Type)
	}
	return strings.ReplaceAll(strings.Join(cols, ", "), "'", "\\'")
}

// clear makes all tables anew, and waits until the server has nothing else to do.
func (s *server) clear(ctx context.Context) error {
	for _, table := range []string{"clicks", "rejected_rows", "ingest_files"} {
		if err := s.st.Conn().Exec(ctx, "DROP TABLE IF EXISTS "+s.st.TableName(table)+" SYNC"); err != nil {
			return err
		}
	}
	if _, err := s.st.Apply(ctx); err != nil {
		return err
	}
	return s.settle(ctx)
}

// settle waits until no merge runs or is about to.
func (s *server) settle(ctx context.Context) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for quiet := 0; quiet < 5; {
		n, err := s.number(ctx, "SELECT count() FROM system.merges")
		if err != nil {
			return err
		}
		if quiet++; n > 0 {
			quiet = 0
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

func (s *server) number(ctx context.Context, query string, args ...any) (n uint64, err error) {
	err = s.st.Conn().QueryRow(ctx, query, args...).Scan(&n)
	return n, err
}

// cpu is what the server's process has used so far, user and system, all threads.
func (s *server) cpu() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.st.EnginePID()))
	if err != nil {
		return 0, err
	}
	// The name, in parentheses, may hold blanks. utime and stime are fields 14
	// and 15, counted from the process id.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	// USER_HZ is 100 on every Linux that Go runs on.
	const tick = time.Second / 100
	var sum time.Duration
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, err
		}
		sum += time.Duration(n) * tick
	}
	return sum, nil
}

// content is what is in the table: two loads of the same files must agree.
type content struct {
	Rows, Hash uint64
}

func (s *server) content(ctx context.Context) (c content, err error) {
	err = s.st.Conn().QueryRow(ctx, "SELECT count(), sum(cityHash64("+s.names()+")) FROM "+s.st.TableName("clicks")).Scan(&c.Rows, &c.Hash)
	return c, err
}

// written counts the INSERTs into clicks and the parts that they made, merges apart.
func (s *server) written(ctx context.Context, since time.Time) (inserts, newParts uint64, err error) {
	if err = s.st.Conn().Exec(ctx, "SYSTEM FLUSH LOGS"); err != nil {
		return 0, 0, err
	}
	inserts, err = s.number(ctx, `SELECT count() FROM system.query_log
		WHERE type = 'QueryFinish' AND query_kind = 'Insert' AND has(tables, ?) AND event_time_microseconds >= fromUnixTimestamp64Micro(?)`,
		s.st.Database()+".clicks", since.UnixMicro())
	if err != nil {
		return 0, 0, err
	}
	newParts, err = s.number(ctx, `SELECT count() FROM system.part_log
		WHERE event_type = 'NewPart' AND table = 'clicks' AND event_time_microseconds >= fromUnixTimestamp64Micro(?)`, since.UnixMicro())
	return inserts, newParts, err
}

// insertCPU is what the server's threads used for the INSERTs since a time,
// without merges and whatever else it does.
func (s *server) insertCPU(ctx context.Context, since time.Time) (time.Duration, error) {
	if err := s.st.Conn().Exec(ctx, "SYSTEM FLUSH LOGS"); err != nil {
		return 0, err
	}
	micros, err := s.number(ctx, `SELECT sum(ProfileEvents['OSCPUVirtualTimeMicroseconds']) FROM system.query_log
		WHERE type = 'QueryFinish' AND query_kind = 'Insert' AND event_time_microseconds >= fromUnixTimestamp64Micro(?)`, since.UnixMicro())
	return time.Duration(micros) * time.Microsecond, err
}

// merge makes one part of each month, and returns the CPU time that the server takes for it.
func (s *server) merge(ctx context.Context, table string) (time.Duration, error) {
	before, err := s.cpu()
	if err == nil {
		err = s.execute(ctx, "OPTIMIZE TABLE "+table+" FINAL")
	}
	if err == nil {
		err = s.settle(ctx)
	}
	if err != nil {
		return 0, err
	}
	after, err := s.cpu()
	return after - before, err
}

func (s *server) execute(ctx context.Context, statements ...string) error {
	for _, statement := range statements {
		if err := s.st.Conn().Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}
