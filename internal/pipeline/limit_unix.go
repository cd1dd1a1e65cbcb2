//go:build unix

package pipeline

import (
	"math"

	"golang.org/x/sys/unix"
)

// fileLimit is how many files this process may have open.
func fileLimit() int {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil || l.Cur > math.MaxInt32 {
		return math.MaxInt32
	}
	return int(l.Cur)
}
