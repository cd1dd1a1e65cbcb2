package ended

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
)

func TestByContext(t *testing.T) {
	t.Parallel()
	full := errors.New("no space left on device")
	for _, tc := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{full, false},
		{context.Canceled, true},
		{context.DeadlineExceeded, false},
		{fmt.Errorf("listing: %w", context.Canceled), true},
		{&net.OpError{Op: "read", Err: net.ErrClosed}, true},
		{errors.Join(context.Canceled, fmt.Errorf("x: %w", context.Canceled)), true},
		{errors.Join(context.Canceled, full), false},
		{fmt.Errorf("%w: %w", full, context.Canceled), false},
		{errors.New("canceled: " + context.Canceled.Error()), false},
	} {
		if got := ByContext(tc.err); got != tc.want {
			t.Errorf("%v: %v", tc.err, got)
		}
	}
}
