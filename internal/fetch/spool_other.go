//go:build !linux

package fetch

import "os"

// newSpool makes a file that loses its name at once.
func newSpool(dir string) (*os.File, error) { return namedSpool(dir) }
