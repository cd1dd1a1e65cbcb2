//go:build linux && amd64

package engine

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go"
)

// noSession is the server's refusal of one session too many.
const noSession = "Code: 700"

// The server's own session is of the user default, which has no password: any
// other user of the machine can ask to be it, and so can a web page, by a POST
// that a browser sends anywhere without asking. Neither may close the listeners
// nor make the server work.
func TestNobodyIsTheDefaultUser(t *testing.T) {
	t.Parallel()
	e := mustOpen(t, Config{Path: t.TempDir()})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for _, statement := range []string{
		"SYSTEM STOP LISTEN TCP", "SYSTEM STOP LISTEN HTTP", "SYSTEM START LISTEN MYSQL", "SELECT 1", "SHOW GRANTS", "SET max_threads = 64",
		"SELECT count() FROM numbers(1000000000000)", "SELECT length(range(500000000))", "SELECT sleepEachRow(1) FROM numbers(3600) SETTINGS max_block_size = 1",
	} {
		for name, ask := range map[string]func() (*http.Request, error){
			"a page": func() (*http.Request, error) {
				req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+e.Endpoint().HTTPAddr, strings.NewReader(statement))
				if err == nil {
					req.Host = "page.example"
					req.Header.Set("Origin", "https://page.example")
					req.Header.Set("Content-Type", "text/plain;charset=UTF-8")
				}
				return req, err
			},
			"a link": func() (*http.Request, error) {
				return http.NewRequestWithContext(ctx, http.MethodGet, "http://"+e.Endpoint().HTTPAddr+"/?query="+url.QueryEscape(statement), nil)
			},
			"settings of its own": func() (*http.Request, error) {
				return http.NewRequestWithContext(ctx, http.MethodPost, "http://"+e.Endpoint().HTTPAddr+"/?user=default&session_id=mine&max_sessions_for_user=9", strings.NewReader(statement))
			},
		} {
			req, err := ask()
			if err != nil {
				t.Fatal(err)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatalf("%s: %s: %v", name, statement, err)
			}
			body, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if !strings.Contains(string(body), noSession) {
				t.Errorf("%s: %s: %d %s", name, statement, resp.StatusCode, body)
			}
		}
	}
	client, err := ch.Dial(ctx, ch.Options{Address: e.Endpoint().Addr, User: "default"})
	if err == nil {
		err = client.Do(ctx, ch.Query{Body: "SYSTEM STOP LISTEN TCP"})
		_ = client.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "overflown session count") {
		t.Errorf("a native client: %v", err)
	}
	mustQuery(t, e, "SELECT 1")
	conn, err := net.Dial("tcp", e.Endpoint().Addr)
	if err != nil {
		t.Fatalf("the native port is closed: %v", err)
	}
	_ = conn.Close()
}

// A query that somebody left running does not keep the server at work once its
// last user is gone, as at the end of `ingest serve`.
func TestQueriesEndWithTheServer(t *testing.T) {
	t.Parallel()
	e := mustOpen(t, Config{Path: t.TempDir()})
	ended := make(chan error, 2)
	for _, statement := range []string{
		"SELECT /* left */ count() FROM numbers(100000000000000) WHERE NOT ignore(sipHash64(number))",
		"SELECT /* left */ sum(sleepEachRow(1)) FROM numbers(3000) SETTINGS max_block_size = 3, function_sleep_max_microseconds_per_block = 0",
	} {
		go func() {
			_, err := e.endpoint.ask(context.Background(), statement)
			ended <- err
		}()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err := poll(ctx, func() (bool, error) {
		n, err := e.query(ctx, "SELECT count() FROM system.processes WHERE query LIKE 'SELECT /* left */%'")
		return n == "2", err
	})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	gone(t, e.PID())
	if took := time.Since(start); took > stopTimeout/2 {
		t.Errorf("the server worked on for %s", took)
	}
	for range 2 {
		if err := <-ended; err == nil {
			t.Error("the query came to its end")
		}
	}
}
