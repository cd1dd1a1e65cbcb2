package store

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// httpSetting goes with answers that are streamed over HTTP.
var httpSetting = map[string]string{
	// A question whose asker is gone is not answered on and on.
	"cancel_http_readonly_queries_on_client_close": "1",
	// A slow reader, such as a pipe, is not cut off.
	"http_send_timeout": "3600",
	// An error in the middle breaks the answer off, and does not become part of it.
	"http_write_exception_in_output_format": "0",
}

// HTTPError reports that the server could not be asked over HTTP.
type HTTPError struct{ err error }

// Error is what went wrong.
func (e *HTTPError) Error() string { return "over HTTP: " + e.err.Error() }

// Unwrap returns the cause.
func (e *HTTPError) Unwrap() error { return e.err }

// Hint says why HTTP is needed.
func (e *HTTPError) Hint() string {
	return "ClickHouse writes parquet and arrow over HTTP only, so that the server's HTTP port must be reachable, too; the other formats come over the native port"
}

// Stream writes the answer to a query to w as it arrives, in one of ClickHouse's own
// formats. After an error, what was written is incomplete and must be thrown away.
//
// The native protocol has the client write formats, so the query goes over HTTP: to the
// same server as the pool's, as the same user, and with the settings and parameters of
// the context.
func (s *Server) Stream(ctx context.Context, w io.Writer, format, query string) error {
	addr, err := s.httpAddr(ctx)
	if err != nil {
		return err
	}
	return s.streamFrom(ctx, addr, w, format, query)
}

func (s *Server) streamFrom(ctx context.Context, addr string, w io.Writer, format, query string) (err error) {
	s.mu.RLock()
	native, known, own := s.native, s.profile.known, s.conn
	s.mu.RUnlock()
	settings := clickhouse.Settings{}
	for name, value := range own.options.Settings {
		settings[name] = value
	}
	for _, set := range pinned(httpSetting, known) {
		settings[set.Key] = set.Value
	}
	over := newPool(&clickhouse.Options{
		Protocol:      clickhouse.HTTP,
		Addr:          []string{addr},
		TLS:           native.TLS.Clone(),
		Auth:          clickhouse.Auth{Database: native.Database, Username: native.User, Password: native.Password},
		Settings:      settings,
		DialTimeout:   dialTimeout,
		ReadTimeout:   24 * time.Hour, // until the answer begins: the server bounds its own work
		TransportFunc: direct,
	}, s.greeting(addr))
	over.limits, over.undated = own.limits, own.undated
	defer func() { err = errors.Join(err, over.Close()) }()
	err = over.with(ctx, func(ctx context.Context, conn driver.Conn) (bool, error) {
		answer, asked := conn.QueryFormat(ctx, format, query)
		if asked != nil {
			return false, asked
		}
		_, copied := io.Copy(w, answer)
		return false, errors.Join(copied, answer.Close())
	})
	var failed *url.Error
	if errors.As(err, &failed) { // its text has the whole address, parameters included
		return &HTTPError{fmt.Errorf("%s: %w", addr, failed.Err)} //guard:stream-url
	}
	return err
}

// direct keeps a connection from a proxy of the environment's, which the native protocol
// does not pass either: the password is for the server. It follows no redirect, for the
// same reason.
func direct(t *http.Transport) (http.RoundTripper, error) {
	t.Proxy = nil //guard:stream-direct
	return straight{t}, nil
}

type straight struct{ http.RoundTripper }

func (s straight) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := s.RoundTripper.RoundTrip(req)
	if err == nil && resp.StatusCode >= 300 && resp.StatusCode < 400 { //guard:stream-no-redirect
		return nil, errors.Join(fmt.Errorf("answered %s, as ClickHouse does not", resp.Status), resp.Body.Close())
	}
	return resp, err
}

// httpAddr is where the server listens for HTTP, as it says itself.
func (s *Server) httpAddr(ctx context.Context) (string, error) {
	if e, embedded := s.Engine(); embedded {
		return e.HTTPAddr, nil
	}
	s.mu.RLock()
	addr, secure := s.native.Address, s.native.TLS
	s.mu.RUnlock()
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return "", err
	}
	name := portName(secure)
	var port uint16
	err = s.Conn().QueryRow(ctx, "SELECT toUInt16(getServerPort('"+name+"'))").Scan(&port)
	if Refused(err) {
		return "", &HTTPError{fmt.Errorf("the server does not say where it listens (%s): %w", name, err)}
	}
	return net.JoinHostPort(host, strconv.Itoa(int(port))), err
}

func portName(secure *tls.Config) string {
	if secure != nil { //guard:stream-tls
		return "https_port"
	}
	return "http_port"
}
