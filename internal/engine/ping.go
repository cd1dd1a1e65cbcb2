//go:build linux && amd64

package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"rawlogs/schema"
)

// query runs a statement over HTTP and returns its answer, trimmed. The
// engine needs no more than this of a client. Whatever it is asked may be asked
// twice, and is where no answer came: a process that was stopped for a while, or a
// machine that slept, finds its connection closed for having said nothing.
func (e *Engine) query(ctx context.Context, statement string) (answer string, err error) {
	for range 2 {
		answer, err = e.endpoint.askInTime(ctx, statement)
		var unanswered *url.Error
		if !errors.As(err, &unanswered) || ctx.Err() != nil { //guard:engine-asks-again
			break
		}
	}
	return answer, err
}

func (ep endpoint) askInTime(ctx context.Context, statement string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return ep.ask(ctx, statement)
}

func (ep endpoint) ask(ctx context.Context, statement string) (string, error) {
	at := "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(ep.HTTPPort)) + "/"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at, strings.NewReader(statement))
	if err != nil {
		return "", err
	}
	req.Header.Set("X-ClickHouse-User", ep.User)
	req.Header.Set("X-ClickHouse-Key", ep.Password)
	// Neither a proxy from the environment nor a kept connection has a place here.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if cerr := resp.Body.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return "", err
	}
	text := strings.TrimSpace(string(body))
	if resp.StatusCode != http.StatusOK {
		return "", errors.New("the server answers: " + text)
	}
	return text, nil
}

func (e *Engine) createDatabase(ctx context.Context) error {
	name := schema.Identifier(e.cfg.Database)
	if _, err := e.query(ctx, "CREATE DATABASE IF NOT EXISTS "+name+" ENGINE = Atomic"); err != nil {
		return fmt.Errorf("creating database %s: %w", name, err)
	}
	return nil
}

// Listen opens the port for native clients again, if somebody with the
// password closed it (SYSTEM STOP LISTEN TCP).
func (e *Engine) Listen(ctx context.Context) error {
	if _, err := e.query(ctx, "SYSTEM START LISTEN TCP"); err != nil {
		return fmt.Errorf("engine %s: opening its port again: %w", e.cfg.Path, err)
	}
	return nil
}
