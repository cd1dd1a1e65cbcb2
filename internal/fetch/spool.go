package fetch

import (
	"os"
)

// newSpool makes a file that has no name: its private folder and its entry are
// gone before the first byte is written, so a killed process leaves nothing.
func newSpool(dir string) (*os.File, error) {
	private, err := os.MkdirTemp(dir, "ingest-spool-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(private) }()
	file, err := os.CreateTemp(private, "")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(file.Name()); err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}
