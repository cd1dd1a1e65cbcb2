// Package whole writes files so that whoever reads one meanwhile, or after a crash, sees
// the former file or the new one, and never half of it.
package whole

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"

	"rawlogs/internal/plain"
)

// FolderError reports a folder in which no file can be made.
type FolderError struct {
	Dir string
	Err error
}

// Error names the folder.
func (e *FolderError) Error() string {
	return fmt.Sprintf("cannot write into the folder %s: %v", plain.Name(e.Dir), e.Err)
}

// Unwrap returns the cause.
func (e *FolderError) Unwrap() error { return e.Err }

// Write puts a file in the place of whatever stands at the path, a link included, once
// fill has written all of it and it is on disk. The file has the rights perm, less the
// umask. Until then it stands beside the path, hidden and ending in .tmp.
func Write(path string, perm fs.FileMode, fill func(*os.File) error) (err error) {
	dir := filepath.Dir(path)
	aside := filepath.Join(dir, fmt.Sprintf(".%s.%08x.tmp", filepath.Base(path), rand.Uint32()))
	f, err := os.OpenFile(aside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm) //guard:replace-aside
	var failed *fs.PathError
	if errors.As(err, &failed) {
		return &FolderError{dir, failed.Err}
	}
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(aside))
		}
	}()
	if err = fill(f); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(aside, path)
}
