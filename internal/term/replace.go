package term

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// Replace writes a file whole or not at all: whoever reads the path meanwhile sees the
// former file or the new one. It has the rights of a new file. A pipe or a device cannot be
// replaced and is written to. A link to a file is replaced itself: in a folder where
// others write it may be a trap.
func Replace(path string, write func(io.Writer) error) error {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return fmt.Errorf("%s is a folder: name a file in it", path)
	case err == nil && !info.Mode().IsRegular(): //guard:replace-no-device
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(fill(f, write, false), f.Close())
	}
	return aside(path, write)
}

// aside writes beside the file and renames.
func aside(path string, write func(io.Writer) error) (err error) {
	dir := filepath.Dir(path)
	aside := filepath.Join(dir, fmt.Sprintf(".%s.%08x", filepath.Base(path), rand.Uint32()))
	f, err := os.OpenFile(aside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //guard:replace-aside
	var failed *fs.PathError
	if errors.As(err, &failed) {
		return fmt.Errorf("cannot write into the folder %s: %w", dir, failed.Err)
	}
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(aside))
		}
	}()
	if err = errors.Join(fill(f, write, true), f.Close()); err != nil {
		return err
	}
	return os.Rename(aside, path)
}

// fill writes all of a file.
func fill(f *os.File, write func(io.Writer) error, sync bool) error {
	buffered := bufio.NewWriter(f)
	if err := write(buffered); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil || !sync {
		return err
	}
	return f.Sync()
}
