package hasoffers

import (
	"errors"
	"net"
	"net/url"

	"rawlogs/internal/secret"
)

// hide hides the secrets of the client's credentials, and what has the form of one.
func (c *Client) hide(s string) string { return hide(s, c.auth.Secrets()) }

func hide(s string, secrets []string) string { return secret.Hider(secrets)(s) }

// bare takes a transport's error apart: *url.Error would print the whole URL
// with its query, so what lies below is returned, and even that only as it is
// when it repeats no secret.
func (c *Client) bare(err error) error { return bare(err, c.auth.Secrets()) }

func bare(err error, secrets []string) error {
	for {
		var u *url.Error
		if !errors.As(err, &u) {
			break
		}
		err = u.Err
	}
	if s := err.Error(); hide(s, secrets) != s { //guard:api-url-hidden
		return errors.New(hide(s, secrets))
	}
	return err
}

// neverSent reports whether a transport's error came before any byte of the
// request was on its way, so that the server cannot have counted it.
func neverSent(err error) bool {
	var dns *net.DNSError
	var op *net.OpError
	return errors.As(err, &dns) || errors.As(err, &op) && op.Op == "dial"
}
