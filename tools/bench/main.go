// Command bench measures ingest against what else would load the same files
// into the same ClickHouse, compares every result, and fails when ingest is not
// as fast, or not as small, as docs/performance.md promises.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"rawlogs/internal/engine"
)

func main() {
	engine.HostMain()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	var missed *missedError
	switch {
	case err == nil:
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case errors.As(err, &missed):
		os.Exit(1) // the table has said it
	default:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	data     string // folder of the data sets and the store
	ingest   string
	gateway  string
	rounds   int
	only     string
	rivals   string
	profile  string
	variants string
	stress   bool
}

// parts are what bench measures, in this order; the last five only where they are asked for.
var parts = []string{"hours", "small", "huge", "memory", "engine", "costs", "growth", "ledger", "api", "idle", "plan", "workers", "shape", "schema"}

func run(ctx context.Context, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case childRows:
			return rowAPIChild(ctx, args[1:])
		case childLoad:
			return loadChild(ctx, args[1:])
		case childStress:
			return stressChild(args[1:])
		}
	}
	var o options
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.StringVar(&o.data, "data", "bench-data", "`folder` for data sets, which are kept, and the store")
	f.StringVar(&o.ingest, "ingest", "bin/ingest", "`program` to measure; \"self\" loads with this one's own pipeline")
	f.StringVar(&o.gateway, "versitygw", "bin/versitygw", "S3 server, the `program` of tools/versitygw")
	f.IntVar(&o.rounds, "rounds", 3, "rounds for each rival, in turn")
	f.StringVar(&o.only, "only", strings.Join(parts[:len(parts)-5], ","), "`parts` to measure")
	f.StringVar(&o.rivals, "rivals", strings.Join(rivalNames(), ","), "`rivals` to measure")
	f.StringVar(&o.profile, "profile", "", "with --ingest self: `folder` for CPU and allocation profiles")
	f.BoolVar(&o.stress, "stress", false, "measure beside a process that eats memory bandwidth")
	f.StringVar(&o.variants, "variants", "", "of the schema: only those that match the `expression`")
	if err := f.Parse(args); err != nil {
		return err
	}
	for _, part := range strings.Split(o.only, ",") {
		if !slices.Contains(parts, part) {
			return fmt.Errorf("--only %q: want some of %s", part, strings.Join(parts, ","))
		}
	}
	return bench(ctx, o)
}

func (o options) has(part string) bool { return slices.Contains(strings.Split(o.only, ","), part) }

// bench runs everything that the options ask for, prints one table, and returns
// a *missedError when a line of it misses what it must reach.
func bench(ctx context.Context, o options) (err error) {
	srv, err := openServer(ctx, o.data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, srv.close()) }()
	ing, err := newIngest(o, srv)
	if err != nil {
		return err
	}
	var t report
	if o.stress {
		end, failed := stress(ctx)
		if failed != nil {
			return failed
		}
		defer func() { err = errors.Join(err, end()) }()
		t.notes = append(t.notes, "Beside a process that copies memory all the time.")
		t.stressed = true
	}
	for _, ds := range dataSets() {
		if !o.has(ds.Name) {
			continue
		}
		if err := ds.make(o.data); err != nil {
			return fmt.Errorf("data set %s: %w", ds.Name, err)
		}
		runs, err := compete(ctx, o, srv, ing, ds)
		if err != nil {
			return fmt.Errorf("%s: %w", ds.Name, err)
		}
		t.add(ds, runs)
	}
	for _, part := range []struct {
		name string
		do   func(context.Context, options, *server, *ingest, *report) error
	}{{"memory", memory}, {"engine", engineMemory}, {"costs", costs}, {"growth", growth}, {"ledger", ledger}, {"api", apiRate}, {"idle", idle}, {"plan", plan}, {"workers", workers}, {"shape", shapes}, {"schema", schemaShare}} {
		if !o.has(part.name) {
			continue
		}
		if err := part.do(ctx, o, srv, ing, &t); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return t.print(os.Stdout)
}
