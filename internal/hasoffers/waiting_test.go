package hasoffers_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"rawlogs/internal/hasoffers"
)

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// While one goroutine's sign-in hangs, another can give up waiting for it, and
// what must be hidden is known to everybody.
func TestSignInHangs(t *testing.T) {
	t.Parallel()
	asked, asking := make(chan struct{}), make(chan error, 1)
	i, err := hasoffers.NewIntegrator(hasoffers.IntegratorConfig{
		ClientID: "client", ClientSecret: secretCanary, IntegratorID: "int-1", AuthURL: "https://auth.example/authorize",
		HTTP: transport(func(r *http.Request) (*http.Response, error) {
			close(asked)
			<-r.Context().Done()
			return nil, r.Context().Err()
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { asking <- i.Apply(ctx, new(hasoffers.Request)) }()
	<-asked
	if s := i.Secrets(); len(s) != 1 || s[0] != secretCanary {
		t.Errorf("secrets %q", s)
	}
	gaveUp, giveUp := context.WithCancel(t.Context())
	giveUp()
	if err := i.Apply(gaveUp, new(hasoffers.Request)); !errors.Is(err, context.Canceled) {
		t.Errorf("a waiting one: %v", err)
	}
	cancel()
	if err := <-asking; err == nil {
		t.Error("signed in without an answer")
	}
}
