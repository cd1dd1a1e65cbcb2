// Package notify tells others what became of a command: a monitor that expects to hear of
// each run (a ping, in the protocol of healthchecks), and webhooks that hear of changes.
//
// # On failure
//
// Whoever hears of the work is never part of it: an address that is away, slow or wrong
// is an error to warn of, and takes a bounded time. Addresses are secrets. No error of
// this package repeats one, or the host in it.
//
// An answer counts by its status and is otherwise not read. A redirect is not followed:
// it would say where the secret and the text go next, perhaps to this machine or its
// network, where near addresses are trusted.
package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v5"

	"rawlogs/internal/trust"
)

// Target is an address that is POSTed to.
type Target struct {
	Name    string // of the setting, for people
	URL     string
	Headers map[string]string
}

// Sender posts. Its zero value is not ready: see NewSender. It may be used concurrently.
type Sender struct {
	try   time.Duration // for one answer
	tries uint
	pause time.Duration // before the second try; it doubles
	tls   *tls.Config   // nil is the system's authorities
	http  http.RoundTripper
}

// Most is how long the end of a command is held up at most by all that is told then.
const Most = 30 * time.Second

// NewSender returns a Sender that gives each of three tries ten seconds. TLS is verified
// and the environment's proxy used.
func NewSender() *Sender { return newSender(10*time.Second, time.Second, nil) }

func newSender(try, pause time.Duration, authorities *tls.Config) *Sender {
	s := &Sender{try: try, tries: 3, pause: pause, tls: authorities}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}
	if t, ok := http.DefaultTransport.(*http.Transport); ok {
		transport = t.Clone()
	}
	transport.TLSClientConfig = authorities
	transport.MaxResponseHeaderBytes, transport.DisableKeepAlives = 64<<10, true
	s.http = transport
	return s
}

// Post sends a body until it is taken, for at most three tries and as long as ctx is
// alive. The error names neither address nor host.
func (s *Sender) Post(ctx context.Context, to Target, contentType string, body []byte) error {
	var last error
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.Multiplier = s.pause, 2
	tries := 0
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		tries++
		var again bool
		again, last = s.post(ctx, to, contentType, body)
		if last != nil && !again {
			return struct{}{}, backoff.Permanent(last)
		}
		return struct{}{}, last
	}, backoff.WithBackOff(pauses), backoff.WithMaxTries(s.tries), backoff.WithMaxElapsedTime(0))
	switch {
	case err == nil:
		return nil
	case last == nil:
		last = errors.New("no time was left to send it")
	case tries > 1:
		last = fmt.Errorf("%w (%d tries)", last, tries)
	}
	return fmt.Errorf("%s: %w", to.Name, last)
}

// post is one try; again reports whether another may succeed.
func (s *Sender) post(ctx context.Context, to Target, contentType string, body []byte) (again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.try)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.URL, bytes.NewReader(body))
	if err != nil {
		return false, errors.New("not an address that can be asked")
	}
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("User-Agent", "rawlogs-ingest")
	for name, value := range to.Headers {
		req.Header.Set(name, value)
	}
	if u := req.URL.User; u != nil {
		password, _ := u.Password()
		req.SetBasicAuth(u.Username(), password)
	}
	res, err := s.http.RoundTrip(req) // and so no redirect is followed
	if err != nil {
		return !trust.Unproven(err), s.words(err)
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.CopyN(io.Discard, res.Body, 4<<10) // its status has said it all
	switch code := res.StatusCode; {
	case code >= 200 && code < 300:
		return false, nil
	case code >= 300 && code < 400: //guard:notify-no-redirect
		return false, fmt.Errorf("it answered with a redirect (HTTP %d), which is not followed: set the address that it leads to", code)
	default:
		again = code >= 500 || code == http.StatusTooManyRequests || code == http.StatusRequestTimeout
		return again, fmt.Errorf("it answered with HTTP %d", code)
	}
}

// words says what went wrong between here and there. Errors of the network repeat the
// address or the host, so only their kind is told.
func (s *Sender) words(err error) error {
	var dns *net.DNSError
	var errno syscall.Errno
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no answer within %v", s.try)
	case errors.Is(err, context.Canceled):
		return errors.New("no answer before there was no more time for it")
	case trust.Unproven(err):
		return errors.New("the server did not prove by TLS to be the host of the address")
	case errors.As(err, &dns) && dns.IsNotFound:
		return errors.New("its host is not known")
	case errors.As(err, &dns):
		return errors.New("its host could not be looked up")
	case errors.As(err, &errno):
		return errno
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the connection was closed without an answer")
	}
	return errors.New("it could not be reached")
}

// Probe looks whether an address can be reached, and raises no alarm: it resolves the
// host, connects, and lets it prove by TLS who it is. Where a proxy leads there, it looks
// as far as the proxy, and behind is true.
func (s *Sender) Probe(ctx context.Context, address string) (behind bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.try)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, http.NoBody)
	if err != nil {
		return false, errors.New("not an address that can be asked")
	}
	at := req.URL
	if proxy, unusable := http.ProxyFromEnvironment(req); unusable == nil && proxy != nil {
		at, behind = proxy, true
	}
	if at.Scheme == "https" && !behind {
		err = s.probeTLS(ctx, at)
	} else {
		err = dial(ctx, at)
	}
	if err != nil {
		return behind, s.words(err)
	}
	return behind, nil
}

func dial(ctx context.Context, at *url.URL) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", hostPort(at))
	if err != nil {
		return err
	}
	return conn.Close()
}

func (s *Sender) probeTLS(ctx context.Context, at *url.URL) error {
	conn, err := (&tls.Dialer{Config: s.tls}).DialContext(ctx, "tcp", hostPort(at))
	if err != nil {
		return err
	}
	return conn.Close()
}

func hostPort(at *url.URL) string {
	port := at.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80", "socks5": "1080", "socks5h": "1080"}[at.Scheme]
	}
	return net.JoinHostPort(at.Hostname(), port)
}
