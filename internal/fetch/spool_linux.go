package fetch

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// newSpool makes a file that never has a name, so that nobody else can open it
// and a process killed at any moment leaves nothing.
func newSpool(dir string) (*os.File, error) {
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_EXCL|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	switch {
	case err == nil:
		return os.NewFile(uintptr(fd), filepath.Join(dir, "ingest-spool")), nil
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EISDIR): // file systems and kernels that cannot
		return namedSpool(dir)
	}
	return nil, &os.PathError{Op: "open", Path: dir, Err: err}
}
