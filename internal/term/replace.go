package term

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"rawlogs/internal/whole"
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
		return errors.Join(fill(f, write), f.Close())
	}
	return whole.Write(path, 0o644, func(f *os.File) error { return fill(f, write) })
}

// fill writes all of a file.
func fill(f *os.File, write func(io.Writer) error) error {
	buffered := bufio.NewWriter(f)
	if err := write(buffered); err != nil {
		return err
	}
	return buffered.Flush()
}
