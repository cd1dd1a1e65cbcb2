package hasoffers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"rawlogs/internal/trust"
)

// Where integrators sign in and call; networks' own endpoints are not for them.
const (
	IntegratorURL     = "https://integrator-api.hasoffers.com/Apiv3/json"
	IntegratorAuthURL = "https://integrator-auth.hasoffers.com/authorize"
)

// signInTarget stands in errors where a call has its target.
const signInTarget = "integrator"

// IntegratorConfig is what an integrator was given when its access was set up.
type IntegratorConfig struct {
	ClientID     string // required
	ClientSecret string // required
	IntegratorID string // required
	Audience     string // default BrandAPI

	AuthURL string            // default IntegratorAuthURL
	HTTP    http.RoundTripper // default: a clone of http.DefaultTransport
	Timeout time.Duration     // of the sign-in; default 30 s
	Log     *slog.Logger      // default: silent

	// CacheDir is a private folder that keeps the token until it expires, so
	// that every run of a cron job does not sign in anew: the API asks for
	// that. It is made if absent; "" keeps the token in memory only.
	CacheDir string
}

// Integrator signs in with a client id and secret for a bearer token, which
// opens the networks that have let the integrator in. Use one for all of them.
type Integrator struct {
	cfg  IntegratorConfig
	auth *url.URL

	signing chan struct{} // holds one while a goroutine signs in

	mu    sync.Mutex // of what follows; never held over a request
	held  token
	known []string // every token held so far: an error may quote an older one
}

// token is what the sign-in gave.
type token struct {
	Text    string    `json:"access_token"`
	Expires time.Time `json:"expires"`
}

// usable leaves time for a call that begins now to arrive before the end.
func (t token) usable(now time.Time) bool {
	return t.Text != "" && now.Add(time.Minute).Before(t.Expires)
}

// NewIntegrator checks the configuration; it does no I/O.
func NewIntegrator(cfg IntegratorConfig) (*Integrator, error) {
	if cfg.ClientID == "" || cfg.ClientSecret == "" || cfg.IntegratorID == "" {
		return nil, errors.New("hasoffers: an integrator signs in with a client id, a client secret and an integrator id")
	}
	if cfg.Audience == "" {
		cfg.Audience = "BrandAPI"
	}
	if cfg.AuthURL == "" {
		cfg.AuthURL = IntegratorAuthURL
	}
	defaults(&cfg.Timeout, 30*time.Second)
	if cfg.HTTP == nil {
		cfg.HTTP = transport()
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	u, err := url.Parse(cfg.AuthURL)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("hasoffers: the sign-in's address is not an http(s) URL") // not quoted: it may hold a secret
	}
	return &Integrator{cfg: cfg, auth: u, signing: make(chan struct{}, 1)}, nil
}

// Apply adds the IntegratorId and the bearer token; the first call signs in,
// unless the cache still holds a token.
func (i *Integrator) Apply(ctx context.Context, r *Request) error {
	text, err := i.token(ctx)
	if err != nil {
		return err
	}
	r.Query.Set("IntegratorId", i.cfg.IntegratorID)
	r.Header.Set("Authorization", "Bearer "+text)
	return nil
}

// Renew signs in again if refused carried the token that is still held. A
// request without one was refused by the sign-in itself: there is nothing to
// renew.
func (i *Integrator) Renew(ctx context.Context, refused *Request) (bool, error) {
	sent := refused.Header.Get("Authorization")
	if sent == "" {
		return false, nil
	}
	i.mu.Lock()
	if i.held.Text != "" && "Bearer "+i.held.Text == sent {
		i.held = token{}
		i.forget()
	}
	i.mu.Unlock()
	_, err := i.token(ctx)
	return err == nil, err
}

// Secrets are the client secret and every token held so far.
func (i *Integrator) Secrets() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]string{i.cfg.ClientSecret}, i.known...)
}

// String and GoString keep secrets out of %v and %#v.
func (i *Integrator) String() string { return "Integrator(hidden)" }

// GoString is String.
func (i *Integrator) GoString() string { return i.String() }

// token returns a usable token: the one held, the cached one, or a new one. Many
// goroutines sign in once: the others wait for the one that does, each for as
// long as its own context lets it.
func (i *Integrator) token(ctx context.Context) (string, error) {
	if text := i.usable(); text != "" {
		return text, nil
	}
	select {
	case i.signing <- struct{}{}:
		defer func() { <-i.signing }()
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	if text := i.usable(); text != "" { // by now
		return text, nil
	}
	if t, err := i.recall(); err == nil && t.usable(time.Now()) {
		i.hold(t)
		return t.Text, nil
	}
	t, err := i.authorize(ctx)
	if err != nil {
		return "", err
	}
	i.hold(t)
	if err := i.remember(t); err != nil {
		i.cfg.Log.Warn("the sign-in cannot be kept for the next run", "err", err)
	}
	return t.Text, nil
}

// usable is the token held, or "" where it is none or about to end.
func (i *Integrator) usable() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.held.usable(time.Now()) {
		return ""
	}
	return i.held.Text
}

func (i *Integrator) hold(t token) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.held = t
	i.known = append(i.known, t.Text)
}

// authorize is one sign-in. Trying again is the caller's, who knows by the
// error's kind whether that helps.
func (i *Integrator) authorize(ctx context.Context) (token, error) {
	fail := func(kind Kind, status int, err error, messages ...string) error {
		return &APIError{Target: signInTarget, Method: "authorize", Kind: kind, HTTPStatus: status, Messages: messages, Err: err}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, i.cfg.Timeout, errors.New("the sign-in gave no answer within "+i.cfg.Timeout.String()))
	defer cancel()
	body, err := json.Marshal(map[string]string{
		"client_id": i.cfg.ClientID, "client_secret": i.cfg.ClientSecret, "audience": i.cfg.Audience,
	})
	if err != nil {
		return token{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, i.auth.String(), bytes.NewReader(body))
	if err != nil {
		return token{}, errors.New("the sign-in's address makes no request")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "rawlogs-ingest")
	asked := time.Now()
	res, err := i.cfg.HTTP.RoundTrip(req)
	if err != nil {
		kind := Unavailable
		if trust.Unproven(err) {
			kind = Untrusted
		}
		return token{}, fail(kind, 0, bare(cause(ctx, err), []string{i.cfg.ClientSecret}))
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return token{}, fail(Unavailable, res.StatusCode, bare(cause(ctx, err), []string{i.cfg.ClientSecret}))
	}
	if res.StatusCode != http.StatusOK {
		_, e := decode(res.StatusCode, raw)
		for n := range e.Messages {
			e.Messages[n] = hide(e.Messages[n], []string{i.cfg.ClientSecret})
		}
		if res.StatusCode == http.StatusBadRequest || res.StatusCode == http.StatusForbidden {
			e.Kind = Unauthenticated // whatever it says: this client gets no token
		}
		e.Target, e.Method = signInTarget, "authorize"
		if s, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && s > 0 {
			e.retryAfter = time.Duration(s) * time.Second
		}
		return token{}, e
	}
	var answer struct {
		Token   string `json:"access_token"`
		Type    string `json:"token_type"`
		Seconds Int    `json:"expires_in"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil || answer.Token == "" {
		return token{}, fail(Malformed, res.StatusCode, nil, "the sign-in's answer holds no access_token")
	}
	if answer.Seconds <= 0 {
		answer.Seconds = 3600 // not told: an hour, and a 401 renews it sooner
	}
	return token{Text: answer.Token, Expires: asked.Add(time.Duration(answer.Seconds) * time.Second).UTC()}, nil
}
