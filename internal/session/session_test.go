package session

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/config"
	"rawlogs/internal/store"
)

func TestLookback(t *testing.T) {
	t.Parallel()
	now := time.Date(2016, 9, 11, 1, 30, 0, 0, time.FixedZone("", 3*3600)) // still the 10th in UTC
	if got, want := New(&config.Config{Lookback: 3}, nil, slog.New(slog.DiscardHandler)).LookbackPeriod(now).String(), "20160908..20160911"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// The default lookback covers today and yesterday also by a clock that is an
// hour or a day off, in whatever zone it shows the time.
func TestLookbackByWrongClocks(t *testing.T) {
	t.Parallel()
	unset := config.Given{Getenv: func(string) string { return "" }, Flag: func(string) (string, string, bool) { return "", "", false }}
	layers, err := config.Read(unset)
	if err != nil {
		t.Fatal(err)
	}
	all, err := layers.All(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s := New(all[0], nil, slog.New(slog.DiscardHandler))
	today := time.Date(2016, 10, 1, 0, 0, 0, 0, time.UTC)
	for _, of := range []time.Duration{0, 30 * time.Minute, 12 * time.Hour, 24*time.Hour - time.Second} {
		for _, off := range []time.Duration{0, -time.Hour, time.Hour, -24 * time.Hour, 24 * time.Hour} {
			for _, zone := range []int{-12, 0, 14} {
				clock := today.Add(of + off).In(time.FixedZone("", zone*3600))
				period := s.LookbackPeriod(clock)
				for hour := -24; hour < 24; hour++ {
					if at := today.Add(time.Duration(hour) * time.Hour); !period.Contains(at) {
						t.Fatalf("at %s the clock shows %s: %s lacks the file of %s", today.Add(of), clock, period, at)
					}
				}
			}
		}
	}
}

// What is risky about the settings is a warning of check.
func TestRisksAreChecked(t *testing.T) {
	t.Parallel()
	found := New(&config.Config{Risks: []string{"api_url is http"}}, nil, slog.New(slog.DiscardHandler)).checkRisks(t.Context())
	if len(found) != 1 || found[0].Level != "warn" || found[0].Detail != "api_url is http" {
		t.Errorf("found %+v", found)
	}
}

// What a session hands out is the same at each use, and networks of one integrator
// share its sign-in; others do not.
func TestOpenedOnce(t *testing.T) {
	t.Parallel()
	signIns := new(SignIns)
	open := func(network, client string) *Session {
		s := New(&config.Config{Network: network, SignIn: config.SignIn{ClientID: client, ClientSecret: "s", IntegratorID: "i", Audience: "a"}}, signIns, slog.New(slog.DiscardHandler))
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return s
	}
	acme := open("acme", "c")
	source, err := acme.Source()
	if err != nil {
		t.Fatal(err)
	}
	client, err := acme.API()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := acme.API(); err != nil || again != client {
		t.Errorf("a second client: %v", err)
	}
	if again, err := acme.Source(); err != nil || again != source {
		t.Errorf("a second source: %v", err)
	}
	for network, shared := range map[string]bool{"beta c": true, "gamma other": false} {
		id, integrator, _ := strings.Cut(network, " ")
		other, err := open(id, integrator).API()
		if err != nil {
			t.Fatal(err)
		}
		if (other.Auth == client.Auth) != shared || other == client {
			t.Errorf("%s: the sign-in is shared: %v", network, other.Auth == client.Auth)
		}
	}
	if _, err := open("delta", "").API(); err == nil {
		t.Error("an API without credentials opens")
	}
}

// A session looks at what is there and makes nothing; what it then makes for a load,
// it looks at in the same connection, until it is closed.
func TestStoreOfASession(t *testing.T) {
	t.Parallel()
	s := New(&config.Config{Network: "acme", Store: "embedded:" + t.TempDir() + "/store"}, new(SignIns), slog.New(slog.DiscardHandler))
	var absent *AbsentError
	if _, err := s.Look(t.Context()); !errors.As(err, &absent) || absent.Hint() == "" {
		t.Errorf("a store that is absent: %v", err)
	}
	st, err := s.Store(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, open := range map[string]func(context.Context) (*store.Store, error){"Store": s.Store, "Look": s.Look} {
		if again, err := open(t.Context()); err != nil || again != st {
			t.Errorf("%s opens another one: %v", name, err)
		}
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if st.Conn().Exec(t.Context(), "SELECT 1") == nil {
		t.Error("a closed session's store answers")
	}
}

// Every line of a network's work names it, and the run once that has a name, also
// the lines of what was opened before.
func TestLogNamesNetworkAndRun(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	s := New(&config.Config{Network: "acme"}, nil, slog.New(slog.NewTextHandler(&text, nil)))
	client := s.Log.With("call", "Offer::findAll")
	client.Info("before")
	run := "20160909t120000-0a1b2c3d"
	s.run.Store(&run)
	client.WithGroup("g").Info("while")
	s.own.Info("pipeline's")
	for i, want := range []string{"network=acme call=Offer::findAll\n", "network=acme call=Offer::findAll g.run=" + run, "network=acme\n"} {
		if line := strings.SplitAfter(text.String(), "\n")[i]; !strings.Contains(line, want) {
			t.Errorf("line %d: %q, want %q", i, line, want)
		}
	}
}
