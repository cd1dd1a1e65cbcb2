// Package overhttp asks a ClickHouse as programs of others do, over HTTP and as a user of
// theirs.
package overhttp

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Server is a ClickHouse's HTTP interface, and who asks it.
type Server struct {
	Addr, User, Password string
	Database             string
	Format               string // of answers that name none; "" is tab-separated
}

// Ask returns the answer to a statement as text, or the server's error, which begins with
// "Code: ".
func (s Server) Ask(tb testing.TB, statement string) string {
	tb.Helper()
	params := url.Values{"database": {s.Database}}
	if s.Format != "" {
		params.Set("default_format", s.Format)
	}
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, "http://"+s.Addr+"/?"+params.Encode(), strings.NewReader(statement))
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("X-ClickHouse-User", s.User)
	req.Header.Set("X-ClickHouse-Key", s.Password)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		tb.Fatal(err)
	}
	return string(body)
}
