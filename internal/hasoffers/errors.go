package hasoffers

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"rawlogs/internal/plain"
	"rawlogs/internal/sentence"
)

// Kind says what a caller can do about an error.
type Kind int

// The kinds of errors that a call ends with.
const (
	Refused         Kind = iota // the API said no, for a reason of its own
	RateLimited                 // too many calls; the client waited and gave up
	Unauthenticated             // network id or credentials are wrong: nothing else will work either
	Permission                  // the credentials may not do this
	Validation                  // a parameter is missing or wrong
	NotFound                    // no such thing, or no API at this address
	Unavailable                 // network trouble, time-outs, 5xx
	Malformed                   // an answer that is not an envelope: HTML, empty, cut short
	Untrusted                   // TLS: the certificate does not prove the host
)

// String names the kind.
func (k Kind) String() string {
	names := [...]string{"refused", "rate limited", "not authenticated", "not permitted", "invalid request",
		"not found", "unavailable", "malformed answer", "untrusted certificate"}
	if int(k) < len(names) {
		return names[k]
	}
	return "kind " + strconv.Itoa(int(k))
}

// APIError is how a call fails, unless its context ended first. It never holds
// a body, a URL or a credential.
type APIError struct {
	Target, Method string
	Kind           Kind
	Messages       []string // what the API says, redacted
	Code           int      // the API's err_code, 0 if none
	Attribute      string   // the parameter that a validation error is about
	HTTPStatus     int      // 0 when there was no answer
	Attempts       int      // how often the call was tried, when more than once
	Err            error    // what lies below, e.g. a network error

	retryAfter time.Duration
}

// Error reads like RawLog::listLogs: not authenticated: Network id is not valid (check …).
func (e *APIError) Error() string {
	status := e.HTTPStatus
	if status == http.StatusOK {
		status = 0 // errors come with it as a rule
	}
	said := make([]string, len(e.Messages))
	for i, m := range e.Messages {
		said[i] = printable(m)
	}
	return sentence.Sentence{
		What: e.Target + "::" + e.Method + ": " + e.Kind.String(), Status: status, Said: said, About: printable(e.Attribute),
		Cause: e.Err, Attempts: e.Attempts, Hint: e.hint(),
	}.String()
}

// Unwrap gives the cause.
func (e *APIError) Unwrap() error { return e.Err }

func (e *APIError) hint() string {
	switch e.Kind {
	case Unauthenticated:
		if e.Target == signInTarget {
			return "check the client id, the client secret and the audience"
		}
		return "check the network id and its credentials"
	case Permission:
		return "ask the network for API access to this"
	case Untrusted:
		return "check the API's address and this machine's clock and CA certificates"
	case NotFound:
		if len(e.Messages) == 0 {
			return "check the API's address and the network id"
		}
	default:
	}
	return ""
}

// KindOf returns the kind of the APIError in err's chain; false if there is none.
func KindOf(err error) (Kind, bool) {
	var e *APIError
	if errors.As(err, &e) {
		return e.Kind, true
	}
	return 0, false
}

// retryable reports whether the same call may succeed a little later. Refusals by
// the rate limit are waited out elsewhere, and refused credentials are renewed
// or final.
func retryable(err error) bool {
	k, ok := KindOf(err)
	return ok && (k == Unavailable || k == Malformed) //guard:api-retried
}

// classify finds the kind from what the API says. It is the one place that
// matches texts, as the API's codes are texts.
func classify(httpStatus int, messages []string, code int, attribute string) Kind {
	text := strings.ToLower(strings.Join(messages, "\n"))
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(text, w) {
				return true
			}
		}
		return false
	}
	switch {
	case httpStatus == http.StatusTooManyRequests, has("exceeded rate limit", "exceeded api rate limit", "exceeded concurrent rate limit", "exceeded flat rate limit"):
		return RateLimited
	case httpStatus >= 500:
		return Unavailable
	case has("insufficient permission", "permission denied", "not permitted", "not authorized to", "not allowed to", "access denied", "invalid origin"):
		return Permission
	case httpStatus == http.StatusUnauthorized,
		has("network id is not valid", "jwt is not valid", "integratorid", "does not exist within our system", "not authenticated", "authentication"),
		has("token", "api key", "api_key", "apikey") && has("invalid", "not valid", "missing", "expired", "revoked", "incorrect", "not found", "disabled"):
		return Unauthenticated
	case code != 0 || attribute != "":
		return Validation
	case httpStatus == http.StatusForbidden:
		return Permission
	case httpStatus == http.StatusNotFound, has("not found", "does not exist", "no such", "could not be found"):
		return NotFound
	case httpStatus == http.StatusRequestTimeout, has("temporar", "timed out", "timeout", "try again", "maintenance", "unavailable", "internal error"):
		return Unavailable
	case httpStatus >= 400, has("missing", "is required", "invalid", "not valid", "must be"):
		return Validation
	case httpStatus >= 300:
		return NotFound
	}
	return Refused
}

// mostText is how many characters of a text of the API an error shows.
const mostText = 300

// printable makes a text of the API fit an error.
func printable(s string) string { return plain.Line(s, mostText) }
