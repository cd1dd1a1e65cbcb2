package folder

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"rawlogs/internal/plain"
	"rawlogs/internal/whole"
)

// Put makes a file of the folder, whole or not at all, and returns once it would survive
// the machine's end. One that is there with these very bytes stays as it is, so that a
// listing has nothing new to tell of it.
func (s *Source) Put(_ context.Context, name string, body []byte) error {
	if err := s.put(name, body); err != nil {
		return fmt.Errorf("writing %s in %s: %w", plain.Name(name), plain.Name(s.root), escaped(err))
	}
	return nil
}

func (s *Source) put(name string, body []byte) error {
	local := filepath.FromSlash(name)
	if !filepath.IsLocal(local) {
		return errors.New("the name leads out of the folder")
	}
	if _, err := os.Stat(s.root); err != nil { // a disk that is not there is not made up for
		return err
	}
	path := filepath.Join(s.root, local)
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	there, err := os.ReadFile(path)
	switch {
	case err == nil && bytes.Equal(there, body):
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	default:
		err := whole.Write(path, 0o600, func(f *os.File) error { // no listing takes up what it is written as
			_, err := f.Write(body)
			return err
		})
		if err != nil {
			return err
		}
	}
	return syncUp(path, filepath.Clean(s.root))
}

// syncUp makes a file's name last, and those of the folders above it that may be new.
func syncUp(path, root string) error {
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		d, err := os.Open(dir)
		if err != nil {
			return err
		}
		err = d.Sync()
		if cerr := d.Close(); err == nil {
			err = cerr
		}
		if err != nil || dir == root || dir == filepath.Dir(dir) {
			return err
		}
	}
}
