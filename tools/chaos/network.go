package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/simnet"
	"rawlogs/internal/sim/storage"
)

// sim is the simulated network that half of the rounds load from: its API in
// this process, its storage a real S3 server beside it. Nobody attacks these.
type sim struct {
	*simnet.Network
	storage *storage.Server
	server  *http.Server
	url     string
}

// calls is how many calls the API takes, and ingest makes, in a second: the
// waits of a rate limit are other tests' business.
const calls = 10_000

// kept is for how long the network says that it keeps files: what it no longer
// lists has not expired.
var kept = map[rawlog.Type]int{rawlog.Clicks: 36500, rawlog.Conversions: 36500, rawlog.Impressions: 36500}

func newSim(ctx context.Context, cfg Config) (*sim, error) {
	server, err := storage.Start(ctx, storage.Config{Binary: cfg.Storage, Dir: filepath.Join(cfg.Folder, "s3")})
	if err != nil {
		return nil, err
	}
	n, err := simnet.New(ctx, simnet.Config{Seed: cfg.Seed, Storage: server.Account(), Limit: calls, Window: time.Second, Retention: kept})
	if err != nil {
		return nil, errors.Join(err, server.Close())
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, server.Close())
	}
	s := &sim{Network: n, storage: server, server: &http.Server{Handler: n, ReadHeaderTimeout: time.Minute}, url: "http://" + listener.Addr().String() + simnet.APIPath}
	go func() { _ = s.server.Serve(listener) }() // until close
	return s, nil
}

func (s *sim) close() error { return errors.Join(s.server.Close(), s.storage.Close()) }

// put uploads a file and lists it, in place of one of that name.
func (s *sim) put(ctx context.Context, of slot, name string, data []byte) error {
	_, err := s.PublishBytes(ctx, of.typ, name, of.hour, data)
	return err
}

// remove takes a file out of the listings and the storage.
func (s *sim) remove(ctx context.Context, typ rawlog.Type, name string) error {
	s.Unlist(typ, name)
	return s.Vanish(ctx, typ, name)
}
