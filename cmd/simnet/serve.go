package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"rawlogs/internal/sim/gen"
	"rawlogs/internal/sim/simnet"
	"rawlogs/internal/sim/storage"
)

func newServe(stdout, stderr io.Writer, getenv func(string) string) *cobra.Command {
	var o options
	c := asUsage(&cobra.Command{
		Use:   "simnet",
		Short: "a simulated HasOffers network with some days of logs",
		Long: `simnet answers the raw-log API of a HasOffers network and keeps the logs in a
real S3 server, which it starts (or uses: --s3-endpoint).

The API's token is SIMNET_TOKEN, or a random one; --env-file writes it and the
storage's keys to a private file that a shell can source before ingest.
SIMNET_CLIENT_SECRET lets the integrator 1 sign in as client simnet, and
SIMNET_AFFILIATE_KEY is an affiliate's api_key, where they are set.
A few things are odd on purpose, as in real logs: hours without rows, broken
lines, a new header halfway, a column that nobody knows, a file that comes late
(POST /control/release). GET /control/truth tells what was published. GET
/control/odd lists files that are odd in further ways; POST /control/odd?kind=KIND
publishes one, and POST /control/mend puts a sound one in its place. POST
/control/conversions?refuse=FIELD, ?slow=ROWS, ?revise=EVERY and the like change
what the report of conversions says; POST /control/raw-logs?retired=1 ends raw logs.

Exit status: 0 ended by SIGTERM or SIGINT, 1 failed, 2 usage.`,
		Example: `  simnet --start 20160909 --days 3 --seed 1 --env-file simnet.env
  . ./simnet.env && ingest backfill 20160909..20160911`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return runServe(c.Context(), o, stdout, slog.New(slog.NewTextHandler(stderr, nil)), getenv)
		},
	})
	o.addFlags(c.Flags())
	return c
}

func runServe(ctx context.Context, o options, stdout io.Writer, log *slog.Logger, getenv func(string) string) (err error) {
	start, newHeader, err := o.span(time.Now())
	if err != nil {
		return err
	}
	zone, err := o.location()
	if err != nil {
		return err
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", o.addr)
	if err != nil {
		return fmt.Errorf("--addr: %w", err)
	}
	defer func() { _ = listener.Close() }()

	account, server, end, err := openStorage(ctx, o, getenv)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()

	network, err := newNetwork(ctx, o, account, zone, getenv)
	if err != nil {
		return err
	}
	scenario := simnet.Scenario{Start: start, Days: o.days, NewHeader: newHeader, Plain: o.plain, Conversions: o.conversions}
	log.Info("publishing", "days", scenario.String())
	begin := time.Now()
	files, err := network.Live(ctx, scenario)
	if err != nil {
		if ctx.Err() != nil {
			return nil // ended while it published
		}
		return err
	}
	if o.events != "" {
		if _, err = network.PublishEvents(o.events, simnet.Events{Form: "messages", Repeat: 1000}); err != nil {
			return fmt.Errorf("--events: %w", err)
		}
	}
	log.Info("published", "files", files, "took", time.Since(begin).Round(time.Millisecond))

	a := addresses{
		Network: network.ID(), API: "http://" + reachable(listener.Addr()) + simnet.APIPath,
		Control: "http://" + reachable(listener.Addr()) + "/control/", S3: account.Endpoint,
		Source: "s3://" + network.Bucket() + "/" + network.Prefix(), PID: os.Getpid(),
	}
	var ended <-chan struct{}
	if server != nil {
		a.S3PID, ended = server.PID(), server.Ended()
	}
	remove, err := announce(o, a, account, network.Token(), stdout)
	if err != nil {
		return err
	}
	defer remove()
	return serve(ctx, network, listener, o.lateAfter, ended, log)
}

// newNetwork makes the network, with the sign-ins that the environment names.
func newNetwork(ctx context.Context, o options, account storage.Account, zone *time.Location, getenv func(string) string) (*simnet.Network, error) {
	network, err := simnet.New(ctx, simnet.Config{
		ID: o.network, Token: getenv("SIMNET_TOKEN"), Seed: o.seed,
		Storage: account, Bucket: o.bucket, Clicks: o.rows, LinkValid: o.linkValid, Zone: zone, Decisions: o.decisions,
		Habits: gen.Habits{Real: o.realConversions, Hijackers: o.hijackers, Flooders: o.flooders},
	})
	if err != nil {
		return nil, err
	}
	network.Reports.NotCounting(o.turnedAway...)
	if secret := getenv("SIMNET_CLIENT_SECRET"); secret != "" {
		network.Access.Integrator("simnet", secret, "1")
	}
	if key := getenv("SIMNET_AFFILIATE_KEY"); key != "" {
		network.Access.Key("Affiliate", key)
	}
	return network, nil
}

// serve answers until ctx ends, which is not an error, or the storage does.
func serve(ctx context.Context, network *simnet.Network, listener net.Listener, lateAfter time.Duration, storageEnded <-chan struct{}, log *slog.Logger) error {
	mux := http.NewServeMux()
	mux.Handle(simnet.APIPath, network)
	mux.Handle(simnet.AuthorizePath, network)
	mux.Handle(simnet.DownloadPath, network)
	mux.Handle("/control/", network.Control())
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()

	var late <-chan time.Time
	if lateAfter > 0 {
		timer := time.NewTimer(lateAfter)
		defer timer.Stop()
		late = timer.C
	}
	for {
		select {
		case <-late:
			log.Info("late files published", "files", network.Release())
		case err := <-failed:
			return err
		case <-storageEnded:
			_ = server.Close()
			return errors.New("the S3 server ended by itself")
		case <-ctx.Done():
			short, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
			defer cancel()
			if server.Shutdown(short) != nil {
				_ = server.Close()
			}
			u := network.Usage()
			log.Info("ended", "calls", u.Calls, "refused", u.Refused, "denied", u.Denied)
			return nil
		}
	}
}

// openStorage starts an S3 server, or takes the one that the flags name; then
// server is nil. end is to be called in either case.
func openStorage(ctx context.Context, o options, getenv func(string) string) (account storage.Account, server *storage.Server, end func() error, err error) {
	if o.s3Endpoint != "" {
		account = storage.Account{
			Endpoint: o.s3Endpoint, Region: storage.Region,
			AccessKey: getenv("AWS_ACCESS_KEY_ID"), SecretKey: getenv("AWS_SECRET_ACCESS_KEY"),
		}
		if account.AccessKey == "" || account.SecretKey == "" {
			return account, nil, nil, usageError{errors.New("--s3-endpoint needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")}
		}
		return account, nil, func() error { return nil }, nil
	}
	binary, err := o.gatewayPath()
	if err != nil {
		return account, nil, nil, err
	}
	dir, remove := o.data, func() error { return nil }
	if dir == "" {
		if dir, err = os.MkdirTemp("", "simnet-"); err != nil {
			return account, nil, nil, err
		}
		remove = func() error { return os.RemoveAll(dir) }
	}
	server, err = storage.Start(ctx, storage.Config{Binary: binary, Dir: dir, KeepAlive: true})
	if err != nil {
		return account, nil, nil, errors.Join(err, remove())
	}
	return server.Account(), server, func() error { return errors.Join(server.Close(), remove()) }, nil
}
