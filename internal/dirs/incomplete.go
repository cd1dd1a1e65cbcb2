package dirs

import (
	"fmt"
	"strings"

	"rawlogs/internal/plain"
	"rawlogs/internal/rawlog"
)

// Incomplete is what a walk ends with when it has yielded all that it could, and
// that is not all there is. Every other file was yielded.
type Incomplete struct {
	Types []TypeError // their listing was refused; none of their files were yielded
	Files []FileError
}

// TypeError is a log type that the source does not list.
type TypeError struct {
	Type rawlog.Type
	Err  error
}

// FileError is a file that cannot be taken for what its name says, and was
// therefore not yielded. Type is empty where it is not a single file.
type FileError struct {
	File rawlog.File
	Err  error
}

// Error names the first of each.
func (e *Incomplete) Error() string {
	var parts []string
	if n := len(e.Types); n > 0 {
		parts = append(parts, fmt.Sprintf("%s could not be listed: %v", e.Types[0].Type, e.Types[0].Err))
		for _, t := range e.Types[1:] {
			parts = append(parts, fmt.Sprintf("%s: %v", t.Type, t.Err))
		}
	}
	if n := len(e.Files); n > 0 {
		parts = append(parts, fmt.Sprintf("%s: %v", plain.Name(e.Files[0].File.At()), e.Files[0].Err))
		if n > 1 {
			parts = append(parts, fmt.Sprintf("and %d more", n-1))
		}
	}
	return strings.Join(parts, "; ")
}

// OrNil is e, or nil where nothing is missing.
func (e *Incomplete) OrNil() error {
	if len(e.Types) == 0 && len(e.Files) == 0 {
		return nil
	}
	return e
}
