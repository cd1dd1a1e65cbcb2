package hasoffers

import (
	"errors"
	"net"
	"net/url"
	"regexp"
	"strings"
)

// redactor is compiled where an error is being made, which is rare.
func redactor() func(string) string {
	const names = `NetworkToken|api_key|apikey|AWSAccessKeyId|Signature|X-Amz-Signature|X-Amz-Credential|X-Amz-Security-Token|` +
		`access_token|refresh_token|client_secret|password|salt`
	param := regexp.MustCompile(`(?i)\b(` + names + `)("?\s*[=:]\s*"?)[^&"'\s,}]+`)
	bearer := regexp.MustCompile(`(?i)\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]+`)
	return func(s string) string {
		s = param.ReplaceAllString(s, "${1}${2}hidden")
		return bearer.ReplaceAllString(s, "${1} hidden")
	}
}

// hide is Redact plus the literal secrets of the client's credentials, raw and
// as a query would spell them.
func (c *Client) hide(s string) string { return hide(s, c.auth.Secrets()) }

func hide(s string, secrets []string) string {
	for _, secret := range secrets {
		if secret == "" {
			continue
		}
		s = strings.ReplaceAll(s, secret, "hidden")
		s = strings.ReplaceAll(s, url.QueryEscape(secret), "hidden")
	}
	return Redact(s)
}

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
