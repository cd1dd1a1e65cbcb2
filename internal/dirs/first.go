package dirs

import (
	"context"
	"errors"

	"rawlogs/internal/rawlog"
)

// errEnough ends a walk early.
var errEnough = errors.New("enough")

// First returns one of the files that a source lists of any type and time, or nil
// where it lists none. An *Incomplete says what it cannot vouch for beside that.
func First(ctx context.Context, src Source) (*rawlog.File, error) {
	var first *rawlog.File
	err := src.Walk(ctx, rawlog.Types(), nil, func(f rawlog.File) error {
		first = &f
		return errEnough
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return first, err
}
