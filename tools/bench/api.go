package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/simnet"
	"rawlogs/internal/sim/storage"
)

// The network's limit, and how many days of hourly click files are fetched
// under it: each costs a call for its link.
const (
	apiCalls  = 50
	apiWindow = 10 * time.Second
	apiDays   = 8
)

// apiWorkers is how many runs share a backfill, and so the limit.
const apiWorkers = 4

// apiRate loads from a simulated network, with one run and with several at once, and asks its
// counters how much of the allowed rate was used.
func apiRate(ctx context.Context, o options, srv *server, ing *ingest, t *report) (err error) {
	if ing.self {
		return nil // that loads folders only
	}
	s3, end, err := startStorage(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	for _, workers := range []int{1, apiWorkers} {
		network, err := simnet.New(ctx, simnet.Config{
			Seed: seed, Storage: s3.Account(), Bucket: fmt.Sprintf("bench-%d", workers), Clicks: 100, Limit: apiCalls, Window: apiWindow,
		})
		if err != nil {
			return err
		}
		files, err := network.Live(ctx, simnet.Scenario{Start: day(2016, 9, 1), Days: apiDays, Plain: true, Types: []rawlog.Type{rawlog.Clicks}})
		if err != nil {
			return err
		}
		if err = srv.clear(ctx); err != nil {
			return err
		}
		begin := time.Now()
		loaded, _, err := fromAPI(ctx, ing, network, s3.Account().Env(), workers, "201609")
		if err != nil {
			return err
		}
		if loaded != files {
			return fmt.Errorf("%d of %d files loaded", loaded, files)
		}
		t.rate(workers, files, network.Calls(), time.Since(begin))
	}
	return nil
}

// startStorage starts an S3 server for simulated networks, in a folder that end removes.
func startStorage(ctx context.Context, o options) (s3 *storage.Server, end func() error, err error) {
	dir, err := os.MkdirTemp("", "bench-s3-")
	if err != nil {
		return nil, nil, err
	}
	gateway, err := filepath.Abs(o.gateway)
	if err == nil {
		s3, err = storage.Start(ctx, storage.Config{Binary: gateway, Dir: dir, KeepAlive: true})
	}
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s3, func() error { return errors.Join(s3.Close(), os.RemoveAll(dir)) }, nil
}

// fromAPI has workers load what the network has of a period, each its share, and returns how many
// files and rows they loaded.
func fromAPI(ctx context.Context, ing *ingest, network *simnet.Network, env []string, workers int, period string) (files int, rows uint64, err error) {
	address, end, err := serve(ctx, network)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, end()) }()
	env = append(env, "HASOFFERS_NETWORK_ID="+network.ID(), "HASOFFERS_NETWORK_TOKEN="+network.Token(), "HASOFFERS_API_URL=http://"+address+simnet.APIPath)
	all := make([]summary, workers)
	group, ctx := errgroup.WithContext(ctx)
	for i := range all {
		args := []string{"backfill", period, "--type", "clicks", "--source", "hasoffers:"}
		if workers > 1 {
			args = append(args, "--worker", fmt.Sprintf("%d/%d", i+1, workers))
		}
		group.Go(func() (err error) {
			_, all[i], err = ing.run(ctx, env, args...)
			return err
		})
	}
	err = group.Wait()
	for _, s := range all {
		files += s.Files.Loaded
		rows += s.Rows
	}
	return files, rows, err
}

// rate adds how the calls of some workers used the limit.
func (t *report) rate(workers, files int, calls []simnet.Call, took time.Duration) {
	// The quickest that the limit allows: a window's calls at once, again and again.
	least := time.Duration((len(calls)-1)/apiCalls) * apiWindow
	span := calls[len(calls)-1].At.Sub(calls[0].At)
	used := quotient(least, span)
	who := "API"
	if workers > 1 {
		who = fmt.Sprintf("API, %d workers", workers)
	}
	fmt.Fprintf(os.Stderr, "%s: %d files, %d calls in %.2f s, all of it %.2f s\n", who, files, len(calls), span.Seconds(), took.Seconds())
	t.promise(who+": share of the allowed rate", fmt.Sprintf("%.2f (%d calls in %.1f s)", used, len(calls), span.Seconds()), "≥ 0.90", used >= 0.9)
	t.promise(who+": calls refused", fmt.Sprint(refused(calls)), "0", refused(calls) == 0)
}

func refused(calls []simnet.Call) (n int) {
	for _, c := range calls {
		if c.Refused {
			n++
		}
	}
	return n
}

// serve answers for the network at an address of this machine until end is called.
func serve(ctx context.Context, network *simnet.Network) (address string, end func() error, err error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	web := &http.Server{Handler: network, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- web.Serve(listener) }()
	return listener.Addr().String(), func() error {
		err := web.Close()
		if serr := <-served; !errors.Is(serr, http.ErrServerClosed) {
			err = errors.Join(err, serr)
		}
		return err
	}, nil
}
