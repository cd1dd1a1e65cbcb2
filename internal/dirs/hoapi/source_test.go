package hoapi_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rawlogs/internal/dirs"
	"rawlogs/internal/dirs/dirstest"
	"rawlogs/internal/dirs/hoapi"
	"rawlogs/internal/hasoffers"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/sim/simnet"
	"rawlogs/internal/testkit"
)

// detour is a client whose links lead by a server that can deny and throttle, and
// redirects to where they led.
type detour struct {
	*hasoffers.Client
	by       string
	denied   atomic.Bool
	throttle atomic.Int64
}

func (d *detour) DownloadLink(ctx context.Context, t rawlog.Type, name string) (string, error) {
	link, err := d.Client.DownloadLink(ctx, t, name)
	return d.by + "/?" + url.Values{"to": {link}}.Encode(), err
}

func (d *detour) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case d.denied.Load():
		http.Error(w, "<Error><Code>AccessDenied</Code></Error>", http.StatusForbidden)
	case d.throttle.Add(-1) >= 0:
		http.Error(w, "<Error><Code>SlowDown</Code></Error>", http.StatusServiceUnavailable)
	default:
		http.Redirect(w, r, r.FormValue("to"), http.StatusTemporaryRedirect)
	}
}

// A network's API answers as every source does.
func TestSource(t *testing.T) {
	t.Parallel()
	dirstest.Run(t, func(t *testing.T, _ dirs.Skipped) dirstest.World {
		network := testkit.Simnet(t, simnet.Config{Token: "CANARY-" + t.Name(), Limit: 10_000})
		client, err := hasoffers.New(hasoffers.Config{
			NetworkID: network.ID(), Auth: hasoffers.NetworkToken(network.Token()), BaseURL: network.URL, Calls: 10_000, Backoff: time.Millisecond,
		})
		if err != nil {
			t.Fatal(err)
		}
		way := &detour{Client: client}
		server := httptest.NewServer(way)
		t.Cleanup(server.Close)
		way.by = server.URL
		known := map[string]bool{}
		return dirstest.World{
			Source: hoapi.New(hoapi.Config{Client: way}),
			Put: func(name string, body []byte) {
				typ, hour, err := rawlog.ParseName(name)
				if err != nil {
					t.Fatal(err)
				}
				if known[name] {
					network.Storage.Put(network.Key(typ, name), body)
					return
				}
				known[name] = true
				if _, err := network.PublishBytes(t.Context(), typ, name, hour, body); err != nil {
					t.Fatal(err)
				}
			},
			Remove: func(name string) {
				typ, _, err := rawlog.ParseName(name)
				if err == nil {
					err = network.Vanish(t.Context(), typ, name)
				}
				if err != nil {
					t.Fatal(err)
				}
			},
			Deny:      way.denied.Store,
			Throttle:  func(n int) { way.throttle.Store(int64(n)) },
			Revoke:    func() { network.Faults.RevokeToken(true) },
			Retention: map[rawlog.Type]int{rawlog.Clicks: 123, rawlog.Conversions: 123, rawlog.Impressions: 1},
			Secret:    "CANARY",
		}
	})
}

func names(files []rawlog.File) []string {
	var names []string
	for _, f := range files {
		names = append(names, string(f.Type)+" "+f.At())
	}
	return names
}

// Everything together: the real client against a simulated network.
func TestSimulatedNetwork(t *testing.T) {
	t.Parallel()
	network := testkit.Simnet(t, simnet.Config{Clicks: 20})
	var want []string
	start := time.Date(2016, 9, 28, 0, 0, 0, 0, time.UTC)
	for h := 0; h < 6*24; h += 8 {
		hour := start.Add(time.Duration(h) * time.Hour)
		file, err := network.Publish(t.Context(), gen.FileName(rawlog.Clicks, hour, 1), gen.Spec{Type: rawlog.Clicks, Hour: hour, Rows: 3})
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, "clicks "+file.Name)
	}
	client, err := hasoffers.New(hasoffers.Config{NetworkID: network.ID(), Auth: hasoffers.NetworkToken(network.Token()), BaseURL: network.URL})
	if err != nil {
		t.Fatal(err)
	}
	api := hoapi.New(hoapi.Config{Client: client})
	for name, fault := range map[string]func(){
		"none":        func() {},
		"no prefixes": func() { network.Faults.NoPrefixes(true) },
		"repeated":    func() { network.Faults.NoPrefixes(false); network.Faults.EditListing(simnet.Repeat) },
		"reordered":   func() { network.Faults.EditListing(simnet.Reorder) },
	} {
		fault()
		if got := names(dirstest.Walk(t, api, rawlog.Types(), "2016")); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	days, err := client.LogExpirations(t.Context())
	if err != nil || days[rawlog.Clicks] != 123 || days[rawlog.Impressions] != 1 {
		t.Errorf("expirations: %v, %v", days, err)
	}
	network.Faults.RevokeToken(true)
	err = api.Walk(t.Context(), rawlog.Types(), nil, nil)
	if kind, _ := hasoffers.KindOf(err); kind != hasoffers.Unauthenticated || strings.Contains(err.Error(), network.Token()) {
		t.Errorf("revoked token: %v", err)
	}
}
