// Package hasoffers speaks the HasOffers (TUNE) API: one envelope, one rate
// limit and a few ways to prove who calls. It knows what the API's answers
// mean; what to do with the files it lists is for others.
package hasoffers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"rawlogs/internal/ended"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/trust"
)

// Config is what a Client needs; zero values mean the defaults named here.
type Config struct {
	NetworkID string // e.g. acme; required
	Auth      Auth   // required

	// BaseURL is the endpoint; default https://NETWORKID.api.hasoffers.com/Apiv3/json.
	// The older https://api.hasoffers.com/Apiv3/json works as well: NetworkId is
	// always among the parameters.
	BaseURL string

	Calls int           // calls in a window; default 50, a network's limit
	Per   time.Duration // the window; default 10 s

	Attempts int           // tries at a call that fails for a passing reason; default 6, some 20 s of trouble
	Waits    int           // windows that are waited out when the limit is exceeded; default 30, as others may share it
	Backoff  time.Duration // first pause between tries; default 500 ms, then doubling up to 30 s
	Timeout  time.Duration // one try, body included; default 2 min, as reports are slow
	MaxBody  int64         // bytes of an answer; default 256 MiB

	HTTP http.RoundTripper // default: a clone of http.DefaultTransport
	Log  *slog.Logger      // default: silent
}

// Client calls the API. It is used by any number of goroutines, which share its
// rate limit: make one for a network.
type Client struct {
	Config
	auth   Auth
	base   *url.URL
	window *window
}

// New checks the configuration; it does no I/O.
func New(cfg Config) (*Client, error) {
	if cfg.Auth == nil {
		return nil, errors.New("hasoffers: no credentials: set the network's API token")
	}
	base, err := endpoint(cfg.BaseURL, cfg.NetworkID)
	if err != nil {
		return nil, err
	}
	defaults(&cfg.Calls, 50)
	defaults(&cfg.Per, 10*time.Second)
	defaults(&cfg.Attempts, 6)
	defaults(&cfg.Waits, 30)
	defaults(&cfg.Backoff, 500*time.Millisecond)
	defaults(&cfg.Timeout, 2*time.Minute)
	defaults(&cfg.MaxBody, 256<<20)
	if cfg.HTTP == nil {
		cfg.HTTP = transport()
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Client{Config: cfg, auth: cfg.Auth, base: base, window: newWindow(cfg.Calls, cfg.Per)}, nil
}

// transport is net/http's default one, of the client's own: another user of the
// shared one must not be able to switch verification off.
func transport() http.RoundTripper {
	if t, ok := http.DefaultTransport.(*http.Transport); ok {
		return t.Clone()
	}
	return http.DefaultTransport
}

func defaults[T int | int64 | time.Duration](v *T, otherwise T) {
	if *v <= 0 {
		*v = otherwise
	}
}

func endpoint(base, network string) (*url.URL, error) {
	if network == "" {
		return nil, errors.New("hasoffers: no network id")
	}
	if err := rawlog.CheckNetwork(network); err != nil {
		return nil, fmt.Errorf("hasoffers: network id %w", err)
	}
	if base == "" {
		if strings.Contains(network, ".") {
			return nil, fmt.Errorf("hasoffers: network id %q: with a dot in it, the API's address has to be given", network)
		}
		base = "https://" + network + ".api.hasoffers.com/Apiv3/json"
	}
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("hasoffers: the API's address is not an http(s) URL") // not quoted: it may hold a secret
	}
	if u.User != nil || u.Fragment != "" {
		return nil, errors.New("hasoffers: the API's address must hold neither a user nor a fragment")
	}
	return u, nil
}

// PlainHTTP reports whether the API itself is reached without TLS, as a simulated
// network is; its download links may then be plain as well.
func (c *Client) PlainHTTP() bool { return c.base.Scheme == "http" }

// Host is the API's host.
func (c *Client) Host() string { return c.base.Host }

// Call calls target::method and returns response.data, which may be null or an
// empty array. It waits for the rate limit, tries again while a failure may
// pass, and otherwise fails with an *APIError or the context's error.
func (c *Client) Call(ctx context.Context, target, method string, params url.Values) (json.RawMessage, error) {
	return c.Do(ctx, Op{Target: target, Method: method, Params: params})
}

func (c *Client) do(ctx context.Context, op Op) (json.RawMessage, error) {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.Multiplier, pause.MaxInterval = c.Backoff, 2, 30*time.Second
	tries, waits, renewed := 0, 0, false
	for {
		tries++
		data, sent, err := c.once(ctx, op)
		if err == nil {
			return data, nil
		}
		var e *APIError
		answered := errors.As(err, &e)
		if ctx.Err() != nil && (!answered || e.Kind == RateLimited || retryable(e) && op.repeatable(e)) {
			return nil, ctx.Err() // what would be tried again; a refusal is told, and so is a change that was sent
		}
		if !answered {
			return nil, err
		}
		switch {
		case e.Kind == RateLimited && waits < c.Waits: //guard:rate-limit-waited
			waits++
			tries--
			wait := c.limitWait(e)
			c.Log.Info("rate limit exceeded, waiting", "call", op.String(), "retry_in", wait)
			c.window.pause(wait)
		case renewable(e) && !renewed:
			renewed = true
			ok, rerr := c.auth.Renew(ctx, sent)
			if rerr != nil {
				e.Err = c.bare(rerr)
			}
			if !ok || rerr != nil {
				return nil, e
			}
		case retryable(e) && op.repeatable(e) && tries < c.Attempts:
			wait := max(pause.NextBackOff(), min(e.retryAfter, time.Minute))
			c.Log.Info("trying again", "call", op.String(), "retry_in", wait, "err", e)
			if err := ended.Wait(ctx, wait); err != nil {
				return nil, err
			}
		default:
			e.Attempts = tries
			return nil, e
		}
	}
}

// once is one request. Its error is an *APIError, the context's, or Auth.Apply's.
func (c *Client) once(ctx context.Context, op Op) (json.RawMessage, *Request, error) {
	target, method := op.Target, op.Method
	body, contentType, err := op.body()
	if err != nil {
		return nil, &Request{Header: http.Header{}}, fmt.Errorf("%s: %w", op, err)
	}
	r := &Request{Header: http.Header{}, body: body}
	if body != nil {
		r.Header.Set("Content-Type", contentType)
	} else {
		r.Query = maps.Clone(op.Params)
	}
	if r.Query == nil {
		r.Query = url.Values{}
	}
	for name, values := range c.base.Query() {
		r.Query[name] = values
	}
	r.Query.Set("NetworkId", c.NetworkID)
	r.Query.Set("Target", target)
	r.Query.Set("Method", method)
	if err = c.auth.Apply(ctx, r); err != nil {
		return nil, r, fmt.Errorf("%s::%s: credentials: %w", target, method, c.bare(err))
	}
	if err = c.window.acquire(ctx); err != nil {
		return nil, r, err
	}
	begin := time.Now()
	status, header, answer, err := c.send(ctx, r)
	if err != nil {
		e := &APIError{Target: target, Method: method, Kind: Unavailable, HTTPStatus: status, Err: c.bare(err)}
		if ctx.Err() != nil && !neverSent(err) {
			e.Err = errors.New("interrupted before the answer came") // no longer only the end of a context
		}
		if trust.Unproven(err) { //guard:untrusted-not-retried
			e.Kind = Untrusted
		}
		return nil, r, e
	}
	data, e := decode(status, answer)
	c.Log.Debug("call", "call", target+"::"+method, "status", status, "bytes", len(answer), "took", time.Since(begin))
	if e == nil {
		return data, r, nil
	}
	e.Target, e.Method = target, method
	e.Attribute = c.hide(e.Attribute)
	for i := range e.Messages {
		e.Messages[i] = c.hide(e.Messages[i]) //guard:api-words-hidden
	}
	if s, err := strconv.Atoi(header.Get("Retry-After")); err == nil && s > 0 {
		e.retryAfter = time.Duration(s) * time.Second
	}
	return nil, r, e
}

// send does the HTTP part and gives the window's slot back as soon as the
// server has counted the call. It follows no redirect: the query holds the
// token, and the API never redirects.
func (c *Client) send(ctx context.Context, r *Request) (int, http.Header, []byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.Timeout, fmt.Errorf("no whole answer within %v", c.Timeout))
	defer cancel()
	var mu sync.Mutex
	var wrote time.Time
	trace := &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) {
		mu.Lock()
		defer mu.Unlock()
		wrote = time.Now()
	}}
	u := *c.base
	u.RawQuery = r.Query.Encode()
	method := http.MethodGet
	if r.body != nil {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), method, u.String(), r.body)
	if err != nil {
		c.window.release(time.Time{})
		return 0, nil, nil, errors.New("the API's address makes no request")
	}
	req.Header = r.Header
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "rawlogs-ingest")
	res, err := c.HTTP.RoundTrip(req)

	// Headers prove the arrival. An answer that takes long does not hold the
	// slot: a request that was written arrived within a tenth of the window, or
	// the network is so slow that a refusal is the lesser trouble.
	counted := time.Now()
	mu.Lock()
	if late := wrote.Add(c.Per / 10); !wrote.IsZero() && late.Before(counted) {
		counted = late
	}
	mu.Unlock()
	if err != nil && neverSent(err) {
		counted = time.Time{}
	}
	c.window.release(counted)
	if err != nil {
		return 0, nil, nil, cause(ctx, err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := c.read(res)
	return res.StatusCode, res.Header, body, cause(ctx, err)
}

// read holds a body once, in a buffer of its announced size if there is one.
func (c *Client) read(res *http.Response) ([]byte, error) {
	most := c.MaxBody
	if res.StatusCode != http.StatusOK {
		most = min(most, 1<<20)
	}
	if res.ContentLength > most {
		return nil, fmt.Errorf("the answer is larger than %d bytes", most)
	}
	var buf bytes.Buffer
	if res.ContentLength > 0 {
		buf.Grow(int(res.ContentLength) + bytes.MinRead)
	}
	n, err := buf.ReadFrom(io.LimitReader(res.Body, most+1))
	if err != nil {
		return nil, err
	}
	if n > most {
		return nil, fmt.Errorf("the answer is larger than %d bytes", most)
	}
	return buf.Bytes(), nil
}

// cause replaces "context deadline exceeded" by what the deadline was for.
func cause(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil && errors.Is(err, context.DeadlineExceeded) {
		return context.Cause(ctx)
	}
	return err
}
