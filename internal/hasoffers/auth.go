package hasoffers

import (
	"context"
	"io"
	"net/http"
	"net/url"
)

// Request is the part of a call that credentials may touch.
type Request struct {
	Query  url.Values
	Header http.Header

	body io.Reader // posted; nil: a GET
}

// Auth is one way of proving who calls: a network token, an integrator's
// bearer token, an affiliate's or advertiser's API key. Implementations are
// used by many goroutines at once.
type Auth interface {
	// Apply puts the credentials on a request that is about to be sent. It may
	// do I/O of its own, e.g. to obtain a token that is stored until it expires.
	Apply(ctx context.Context, r *Request) error
	// Renew is told that the API refused the credentials that Apply put on
	// refused. True means that newer ones are at hand and the call is worth one
	// more try; an implementation that finds refused to be older than what it
	// holds answers true without renewing again.
	Renew(ctx context.Context, refused *Request) (bool, error)
	// Secrets lists the values that must never be printed.
	Secrets() []string
}

// NetworkToken is the Brand API's plain way: a fixed token in the query.
type NetworkToken string

// Apply adds the token as the parameter NetworkToken.
func (t NetworkToken) Apply(_ context.Context, r *Request) error {
	r.Query.Set("NetworkToken", string(t))
	return nil
}

// Renew has nothing newer to offer: a refused token stays refused.
func (t NetworkToken) Renew(context.Context, *Request) (bool, error) { return false, nil }

// Secrets is the token itself.
func (t NetworkToken) Secrets() []string { return []string{string(t)} }

// String and GoString keep a token out of %v and %#v.
func (t NetworkToken) String() string { return "NetworkToken(hidden)" }

// GoString is String.
func (t NetworkToken) GoString() string { return t.String() }
