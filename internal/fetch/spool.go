package fetch

import (
	"errors"
	"os"
	"syscall"
)

// Unnamed makes a file in a folder that nobody else can open, and of which nothing is left
// when it is closed or the process ends.
func Unnamed(dir string) (*os.File, error) { return newSpool(dir) }

// namedSpool makes a file in a private folder and takes both names away before
// the first byte is written. A process killed in between leaves them, empty.
func namedSpool(dir string) (*os.File, error) {
	private, err := os.MkdirTemp(dir, "ingest-spool-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(private) }()
	file, err := os.CreateTemp(private, "")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(file.Name()); err != nil { //guard:spool-unnamed
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

func diskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG) //guard:disk-full
}
