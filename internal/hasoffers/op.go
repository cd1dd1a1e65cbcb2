package hasoffers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Op is one operation of the API.
type Op struct {
	Target, Method string
	Params         url.Values
	Files          []Upload // sent as multipart/form-data
	// Changes means that the operation alters something. It is sent as a POST,
	// and is not tried again when its answer was lost, since it may have been
	// carried out.
	Changes bool
}

// Upload is a file that goes along with an operation. Content is read whole
// before it is sent, as a refused sign-in sends it a second time.
type Upload struct {
	Param    string // parameter name
	FileName string // as the API shall see it, without folders
	Content  []byte
}

// String names the operation for messages.
func (o Op) String() string { return o.Target + "::" + o.Method }

// body is what is posted, and its content type; nil for a GET.
func (o Op) body() (io.Reader, string, error) {
	if !o.Changes && len(o.Files) == 0 {
		return nil, "", nil
	}
	if len(o.Files) == 0 {
		return strings.NewReader(o.Params.Encode()), "application/x-www-form-urlencoded", nil
	}
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	names := make([]string, 0, len(o.Params))
	for name := range o.Params {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range o.Params[name] {
			if err := w.WriteField(name, value); err != nil {
				return nil, "", err
			}
		}
	}
	for _, f := range o.Files {
		part, err := w.CreateFormFile(f.Param, f.FileName)
		if err != nil {
			return nil, "", err
		}
		if _, err := part.Write(f.Content); err != nil {
			return nil, "", err
		}
	}
	if err := w.Close(); err != nil {
		return nil, "", err
	}
	return &buf, w.FormDataContentType(), nil
}

// ReadOnly tells from a method's name that it changes nothing. A name that is
// not known to be harmless is taken to change something.
func ReadOnly(method string) bool {
	for _, prefix := range []string{"find", "get", "list", "count"} {
		if rest, ok := strings.CutPrefix(method, prefix); ok && (rest == "" || rest[0] >= 'A' && rest[0] <= 'Z') {
			return true
		}
	}
	return false
}

// OutcomeError means that a change was sent and its answer was lost.
type OutcomeError struct {
	Op  string
	Err error
}

// Error says what to do about it.
func (e *OutcomeError) Error() string {
	return fmt.Sprintf("%v; whether it was carried out is not known: look before trying again", e.Err)
}

// Unwrap gives the failure.
func (e *OutcomeError) Unwrap() error { return e.Err }

// repeatable reports whether op may be sent again after e.
func (o Op) repeatable(e *APIError) bool {
	return !o.Changes || e.Err != nil && neverSent(e.Err) || e.Target != o.Target // the sign-in's, before the call
}

// renewable reports whether refused credentials may be stale ones. The
// integrator's gateway says 400 and 404 of an IntegratorId, which no new token
// mends.
func renewable(e *APIError) bool {
	return e.Kind == Unauthenticated && e.HTTPStatus != http.StatusBadRequest && e.HTTPStatus != http.StatusNotFound
}

// limitWait is how long a refusal by the rate limit asks to wait: a limit on
// calls at once empties as soon as one ends, a limit on a span when the span
// is over. The span is in the text.
func (c *Client) limitWait(e *APIError) time.Duration {
	wait := c.Per + c.window.margin
	for _, m := range e.Messages {
		if strings.Contains(strings.ToLower(m), "concurrent rate limit") {
			wait = c.Backoff
		}
		if s := limitSpan(m); s > 0 {
			wait = s + s/100
		}
	}
	return max(wait, min(e.retryAfter, 5*time.Minute))
}

// limitSpan finds the span in "Configured: 50/10s window" and "in 60 second
// window"; 0 where there is none. It is compiled where a call was refused,
// which is rare.
func limitSpan(message string) time.Duration {
	m := regexp.MustCompile(`(?i)(?:/\s*|\bin\s+)(\d{1,4}(?:\.\d+)?)\s*s(?:ec(?:ond)?s?)?\s+window`).FindStringSubmatch(message)
	if m == nil {
		return 0
	}
	s, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		return 0
	}
	return time.Duration(s * float64(time.Second))
}

// Do carries out an operation as Call does; a change whose answer is lost fails
// with an *OutcomeError.
func (c *Client) Do(ctx context.Context, op Op) (json.RawMessage, error) {
	data, err := c.do(ctx, op)
	var e *APIError
	if op.Changes && errors.As(err, &e) && (e.Kind == Unavailable || e.Kind == Malformed) && !op.repeatable(e) {
		return nil, &OutcomeError{Op: op.String(), Err: err}
	}
	return data, err
}
