package fetch

import (
	"io"
	"os"
	"sync/atomic"

	"rawlogs/internal/rawlog"
)

// Archive is a whole downloaded file. It may be read by several goroutines at
// once, and must be released exactly when nobody reads it any more.
type Archive struct {
	// File is the file as it was downloaded: Size and ETag are those of the
	// bytes at hand, and may be newer than the listing's.
	File rawlog.File

	// Checked says that the bytes are surely the storage's: their MD5 is the
	// ETag, or they never left this machine. Of others only the archive's own
	// checksums can tell whether a bit was flipped on the way.
	Checked bool

	Notes []string // what its source has to say of it, see dirs.Body

	reader   io.ReaderAt
	release  func()
	released atomic.Bool
}

// Size is the archive's length in bytes.
func (a *Archive) Size() int64 { return a.File.Size }

// ReadAt implements io.ReaderAt. After Release it fails with os.ErrClosed.
func (a *Archive) ReadAt(p []byte, off int64) (int, error) {
	if a.released.Load() {
		return 0, os.ErrClosed
	}
	return a.reader.ReadAt(p, off)
}

// Release gives the archive's memory or disk space back. It may be called again.
func (a *Archive) Release() {
	if a.released.CompareAndSwap(false, true) {
		a.release()
	}
}
