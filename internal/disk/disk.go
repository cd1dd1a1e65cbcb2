// Package disk looks at the folders that a load writes to beside the store.
package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Space is what a folder's file system offers.
type Space struct {
	Known  bool   // false: this system is not asked, and the rest is zero
	Free   uint64 // bytes that this user may write
	Memory bool   // it lies in memory: what is written there is taken from programs
}

// Of makes a file in the folder, takes it away, and returns the space there.
// The folder must exist.
func Of(folder string) (Space, error) {
	f, err := os.CreateTemp(folder, ".ingest-*")
	if err != nil {
		return Space{}, describe(folder, err)
	}
	if err = errors.Join(f.Close(), os.Remove(f.Name())); err != nil {
		return Space{}, describe(folder, err)
	}
	space, err := of(folder)
	if err != nil {
		return Space{}, describe(folder, err)
	}
	return space, nil
}

// describe drops the random name of the file that was tried.
func describe(folder string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("the folder %s: %w", folder, err)
}
