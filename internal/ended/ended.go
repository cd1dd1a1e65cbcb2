// Package ended waits with contexts that may end, and parts errors that only such an
// end made from errors that say something else. After an interrupt nearly everything fails; what went wrong
// beside it must not be hidden behind it.
package ended

import (
	"context"
	"net"
)

// ByContext reports whether every cause of err is a canceled context, or a connection
// that was closed because of one.
func ByContext(err error) bool {
	switch e := err.(type) { //nolint:errorlint // each branch of the tree counts, not the first that fits
	case nil:
		return false
	case interface{ Unwrap() []error }:
		causes := e.Unwrap()
		for _, cause := range causes {
			if !ByContext(cause) {
				return false
			}
		}
		return len(causes) > 0
	case interface{ Unwrap() error }:
		if cause := e.Unwrap(); cause != nil {
			return ByContext(cause)
		}
	}
	return err == context.Canceled || err == net.ErrClosed //nolint:errorlint // the leaf itself
}
