package fetch

import (
	"context"
	"io"
	"os"
	"strings"

	"rawlogs/internal/rawlog"
)

// Source opens files. Implementations are used by many goroutines at once and
// fail with an *Error.
type Source interface {
	// Open returns f's bytes from offset on. A non-empty etag asks for exactly
	// that version: another one is an error of kind Changed. A source that cannot
	// begin in the middle returns a body with Offset 0. ctx covers the reading of
	// the body, too; the caller closes it.
	Open(ctx context.Context, f rawlog.File, offset int64, etag string) (*Body, error)
}

// Body is an open file.
type Body struct {
	io.ReadCloser
	Size        int64  // of the whole file; -1 if unknown, and then the end of the body is trustworthy
	Offset      int64  // where in the file the body begins
	ETag        string // without quotes, weak ones with their W/; "" if unknown
	ContentType string
	NoMD5       bool // the ETag is known to be no MD5 of the bytes, whatever it looks like

	file *os.File // set for a file on this machine, which needs no copy
}

// weak tells whether an ETag is not meant for If-Match.
func weak(etag string) bool { return strings.HasPrefix(etag, "W/") }

// unquote turns the header's "abc" into abc; a weak tag keeps its W/.
func unquote(etag string) string {
	if rest, ok := strings.CutPrefix(etag, "W/"); ok {
		return "W/" + strings.Trim(rest, `"`)
	}
	return strings.Trim(etag, `"`)
}
