package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/simnet"
	"rawlogs/internal/sim/storage"
	"rawlogs/internal/testkit/cluster"
)

// A year of hourly files, each of which costs a call, under a limit ten times the usual one: at the
// usual one both take the half hour that the calls take.
const (
	yearDays   = 365
	yearClicks = 300 // a file
	yearCalls  = 10 * apiCalls
)

// workers has one run load a year from a simulated network into the engine, then several at once,
// each its share, into the shards of a cluster.
func workers(ctx context.Context, o options, srv *server, ing *ingest, t *report) (err error) {
	if ing.self {
		return nil // that loads folders only
	}
	s3, end, err := startStorage(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	if err = srv.clear(ctx); err != nil {
		return err
	}
	one, err := year(ctx, s3.Account(), ing, 1, "one worker into one engine")
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "bench-shards-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	c, err := cluster.Start(dir, 3, cluster.Direct)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Stop()) }()
	if err = c.Make(ctx, "bench"); err != nil {
		return err
	}
	shards := *ing
	shards.spec = c.Spec(0, "bench")
	several, err := year(ctx, s3.Account(), &shards, apiWorkers, "four workers into three shards")
	if err != nil {
		return err
	}
	for _, y := range []yearLoaded{one, several} {
		t.promise(fmt.Sprintf("a year, %s: calls refused", y.who), fmt.Sprint(y.refused), "0", y.refused == 0)
	}
	t.promise("a year: rows in the cluster as in one engine", fmt.Sprint(several.rows), fmt.Sprint(one.rows), several.rows == one.rows)
	return nil
}

// yearLoaded is what became of a year.
type yearLoaded struct {
	who     string
	rows    uint64
	refused int
}

func year(ctx context.Context, account storage.Account, ing *ingest, n int, who string) (y yearLoaded, err error) {
	y.who = who
	network, err := simnet.New(ctx, simnet.Config{
		Seed: seed, Storage: account, Bucket: fmt.Sprintf("year-%d", n), Clicks: yearClicks, Limit: yearCalls, Window: apiWindow,
	})
	if err != nil {
		return y, err
	}
	files, err := network.Live(ctx, simnet.Scenario{Start: day(2016, 1, 1), Days: yearDays, Plain: true, Types: []rawlog.Type{rawlog.Clicks}})
	if err != nil {
		return y, err
	}
	env := append(account.Env(), fmt.Sprintf("HASOFFERS_RATE_LIMIT=%d/%s", yearCalls, apiWindow))
	begin := time.Now()
	loaded, rows, err := fromAPI(ctx, ing, network, env, n, "2016")
	if err != nil {
		return y, err
	}
	took := time.Since(begin)
	if loaded != files {
		return y, fmt.Errorf("%s: %d of %d files loaded", y.who, loaded, files)
	}
	calls := network.Calls()
	y.rows, y.refused = rows, refused(calls)
	fmt.Fprintf(os.Stderr, "a year, %s: %d files, %d rows, %d calls, %d refused, %.1f s\n", y.who, files, rows, len(calls), y.refused, took.Seconds())
	return y, nil
}
