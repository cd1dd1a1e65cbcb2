// Command queries asks a year of 100 million clicks, 300 million impressions and 2 million
// conversions what docs/sql-cookbook.md, the dashboards and the views ask, and fails when an
// answer takes longer than docs/performance.md promises. It makes the rows itself, within
// the store, and keeps them for the next time.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"

	"rawlogs/internal/engine"
	"rawlogs/internal/store"
)

func main() {
	engine.HostMain()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	switch {
	case err == nil, errors.Is(err, errMissed): // the table has said it
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "queries:", err)
	}
	if err != nil {
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	data, ingest, root                     string
	seed, clicks, impressions, conversions int
	rounds                                 int
	memory                                 int64
	only                                   *regexp.Regexp
	fillOnly                               bool
}

func run(ctx context.Context, args []string) (err error) {
	var o options
	f := flag.NewFlagSet("queries", flag.ContinueOnError)
	f.StringVar(&o.data, "data", "bench-queries", "`folder` for the store, which is kept: some 20 GB")
	f.StringVar(&o.ingest, "ingest", "bin/ingest", "`program` that loads and reloads a file")
	f.StringVar(&o.root, "root", ".", "`folder` of the repository, for docs and dashboards")
	f.IntVar(&o.seed, "seed", 7, "seed of the rows")
	f.IntVar(&o.clicks, "clicks", 100_000_000, "clicks in the year")
	f.IntVar(&o.impressions, "impressions", 300_000_000, "impressions in the year")
	f.IntVar(&o.conversions, "conversions", 2_000_000, "conversions in the year")
	f.IntVar(&o.rounds, "rounds", 3, "how often each question is asked after a first time; the median counts")
	f.Int64Var(&o.memory, "memory", 4<<30, "`bytes` that the server may take")
	only := f.String("only", "", "ask only the questions whose names match the `expression`")
	f.BoolVar(&o.fillOnly, "fill", false, "make the rows and ask nothing")
	if err = f.Parse(args); err != nil {
		return err
	}
	if o.only, err = regexp.Compile(*only); err != nil {
		return fmt.Errorf("--only: %w", err)
	}
	if o.data, err = filepath.Abs(o.data); err != nil {
		return err
	}
	st, err := store.Open(ctx, store.Config{Spec: "embedded:" + o.data, Engine: engine.Config{MaxMemory: o.memory}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	if err := fill(ctx, st, o); err != nil || o.fillOnly {
		return err
	}
	return bench(ctx, st, o)
}
