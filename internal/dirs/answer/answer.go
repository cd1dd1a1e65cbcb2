// Package answer puts what storage answers by HTTP into the words of package dirs:
// statuses, headers, and connections that break.
package answer

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"rawlogs/internal/dirs"
	"rawlogs/internal/trust"
)

// KindOf maps an HTTP status that is not a success.
func KindOf(status int) dirs.Kind {
	switch {
	case status == http.StatusNotFound, status == http.StatusGone: //guard:not-found-final
		return dirs.NotFound
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return dirs.Denied
	case status == http.StatusPreconditionFailed, status == http.StatusRequestedRangeNotSatisfiable:
		return dirs.Changed // 416: it has become shorter than what is here already
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests, status == http.StatusTooEarly, status >= 500: //guard:server-errors-retried
		return dirs.Unavailable
	}
	return dirs.Failed
}

// RetryAfter reads the header of that name; 0 is none, or one that gives no seconds.
func RetryAfter(h http.Header) time.Duration {
	if s, err := strconv.Atoi(h.Get("Retry-After")); err == nil && s > 0 {
		return time.Duration(s) * time.Second
	}
	return 0
}

// Broken is the error of a request that got no answer, or of a body that broke off.
func Broken(err error) *dirs.Error {
	var own *dirs.Error
	switch err = Bare(err); {
	case errors.As(err, &own):
		return own
	case trust.Unproven(err):
		return dirs.Fail(dirs.Untrusted, err)
	}
	return dirs.Fail(dirs.Unavailable, err)
}

// Bare takes *url.Error away, which would print a whole link.
func Bare(err error) error {
	for {
		var u *url.Error
		if !errors.As(err, &u) {
			return err
		}
		err = u.Err
	}
}

// Tag turns an ETag header's "abc" into abc; a weak tag keeps its W/.
func Tag(etag string) string {
	if rest, ok := strings.CutPrefix(etag, "W/"); ok {
		return "W/" + strings.Trim(rest, `"`)
	}
	return strings.Trim(etag, `"`)
}

// Matchable reports whether a tag may stand in If-Match.
func Matchable(etag string) bool { return etag != "" && !strings.HasPrefix(etag, "W/") }

// ErrNoLength is of a body whose end cannot be told from a cut.
var ErrNoLength = errors.New("storage sent no length, so a truncated body would go unnoticed")

// Part reads a Content-Range: where in the file the body begins, and the file's
// size, -1 if it is not told. length is the body's own, or -1.
func Part(contentRange string, offset, length int64) (from, size int64, err error) {
	first, last, total, err := parseContentRange(contentRange)
	switch {
	case err != nil:
	case first != offset:
		err = fmt.Errorf("asked for bytes from %d on, storage sends them from %d on", offset, first)
	case length >= 0 && length != last-first+1:
		err = fmt.Errorf("Content-Length %d contradicts Content-Range", length)
	}
	if err != nil {
		return 0, 0, dirs.Fail(dirs.Unavailable, err)
	}
	return first, total, nil
}

// parseContentRange reads "bytes 5-9/10"; total is -1 for "bytes 5-9/*".
func parseContentRange(s string) (first, last, total int64, err error) {
	bad := fmt.Errorf("Content-Range %.60q was not asked for", s)
	span, size, ok := strings.Cut(strings.TrimPrefix(s, "bytes "), "/")
	from, to, dash := strings.Cut(span, "-")
	if !ok || !dash || !strings.HasPrefix(s, "bytes ") {
		return 0, 0, 0, bad
	}
	first, err1 := strconv.ParseInt(from, 10, 64)
	last, err2 := strconv.ParseInt(to, 10, 64)
	total, err3 := int64(-1), error(nil)
	if size != "*" {
		total, err3 = strconv.ParseInt(size, 10, 64)
	}
	if err1 != nil || err2 != nil || err3 != nil || first < 0 || last < first || total >= 0 && last >= total {
		return 0, 0, 0, bad
	}
	return first, last, total, nil
}
