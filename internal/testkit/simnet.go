package testkit

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"rawlogs/internal/sim/simnet"
)

// Network is a simulated network that listens, and what it stores to.
type Network struct {
	*simnet.Network
	URL     string // of the API
	Storage *Storage
}

// Simnet starts a network in this process over a bucket of its own on the
// shared S3 server; Storage and Bucket of cfg are set here. It has no files
// yet: publish some, or let it live.
func Simnet(tb testing.TB, cfg simnet.Config) *Network {
	tb.Helper()
	return SimnetOver(tb, S3(tb), cfg)
}

// SimnetOver starts a network over a bucket that the test has, say one whose
// server it means to kill.
func SimnetOver(tb testing.TB, storage *Storage, cfg simnet.Config) *Network {
	tb.Helper()
	cfg.Storage, cfg.Bucket = storage.Server.Account(), storage.Bucket
	network, err := simnet.New(tb.Context(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle(simnet.APIPath, network)
	mux.Handle(simnet.AuthorizePath, network)
	mux.Handle(simnet.DownloadPath, network)
	mux.Handle("/control/", network.Control())
	server := httptest.NewServer(mux)
	// A stalled answer would keep Close waiting.
	tb.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return &Network{Network: network, URL: server.URL + simnet.APIPath, Storage: storage}
}

// Env is the environment with which a command loads from this network.
func (n *Network) Env() []string {
	return append(n.Storage.Env(),
		"HASOFFERS_NETWORK_ID="+n.ID(),
		"HASOFFERS_NETWORK_TOKEN="+n.Token(),
		"HASOFFERS_API_URL="+n.URL,
		"HASOFFERS_TIMEZONE=UTC",
	)
}
