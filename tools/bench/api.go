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

// apiRate loads from a simulated network and asks its own counters how much of
// the allowed rate was used.
func apiRate(ctx context.Context, o options, srv *server, ing *ingest, t *report) (err error) {
	if ing.self {
		return nil // that loads folders only
	}
	dir, err := os.MkdirTemp("", "bench-s3-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	gateway, err := filepath.Abs(o.gateway)
	if err != nil {
		return err
	}
	s3, err := storage.Start(ctx, storage.Config{Binary: gateway, Dir: dir, KeepAlive: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s3.Close()) }()
	network, err := simnet.New(ctx, simnet.Config{
		Seed: seed, Storage: s3.Account(), Bucket: "bench", Clicks: 100, Limit: apiCalls, Window: apiWindow,
	})
	if err != nil {
		return err
	}
	files, err := network.Live(ctx, simnet.Scenario{Start: day(2016, 9, 1), Days: apiDays, Plain: true, Types: []rawlog.Type{rawlog.Clicks}})
	if err != nil {
		return err
	}
	address, end, err := serve(ctx, network)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()

	if err = srv.clear(ctx); err != nil {
		return err
	}
	env := append(s3.Account().Env(), "HASOFFERS_NETWORK_ID="+network.ID(), "HASOFFERS_NETWORK_TOKEN="+network.Token(),
		"HASOFFERS_API_URL=http://"+address+simnet.APIPath)
	u, s, err := ing.run(ctx, env, "backfill", "201609", "--type", "clicks", "--source", "hasoffers:")
	if err != nil {
		return err
	}
	if s.Files.Loaded != files {
		return fmt.Errorf("%d of %d files loaded", s.Files.Loaded, files)
	}
	calls := network.Calls()
	refused := refusals(calls)
	// The quickest that the limit allows: a window's calls at once, again and again.
	least := time.Duration((len(calls)-1)/apiCalls) * apiWindow
	span := calls[len(calls)-1].At.Sub(calls[0].At)
	used := quotient(least, span)
	fmt.Fprintf(os.Stderr, "api: %d files, %d calls in %.2f s, the run %.2f s\n", files, len(calls), span.Seconds(), u.wall.Seconds())
	t.promise("API: share of the allowed rate", fmt.Sprintf("%.2f (%d calls in %.1f s)", used, len(calls), span.Seconds()), "≥ 0.90", used >= 0.9)
	t.promise("API: calls refused", fmt.Sprint(refused), "0", refused == 0)
	return nil
}

func refusals(calls []simnet.Call) (n int) {
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
