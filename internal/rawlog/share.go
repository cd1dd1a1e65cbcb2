package rawlog

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
)

// Share is the part of a network's files that one of N runs loads, each file by the
// hash of its name. The zero value is all of them.
type Share struct {
	I, N int // 1 <= I <= N; 0 of 0 is all
}

// mostShares is how many runs may load a network together.
const mostShares = 64

// ParseShare reads I/N; "" is all files.
func ParseShare(s string) (Share, error) {
	if s == "" {
		return Share{}, nil
	}
	left, right, ok := strings.Cut(s, "/")
	i, ierr := strconv.Atoi(left)
	n, nerr := strconv.Atoi(right)
	if !ok || ierr != nil || nerr != nil || i < 1 || i > n || n > mostShares {
		return Share{}, fmt.Errorf("want I/N with 1 <= I <= N <= %d, e.g. 1/4", mostShares)
	}
	return Share{i, n}, nil
}

// String prints the share as ParseShare reads it.
func (s Share) String() string {
	if s.All() {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.I, s.N)
}

// All reports whether every file is in the share.
func (s Share) All() bool { return s.N == 0 }

// Has reports whether the file of that name is in the share.
func (s Share) Has(name string) bool {
	if s.All() {
		return true
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	return int(h.Sum32()%uint32(s.N)) == s.I-1 //guard:worker-share
}

// Calls is the share's part of the calls that all of the runs may make together in a span of
// time: any span has no more of them where each keeps to its own. It is 0 where there are fewer
// calls than runs.
func (s Share) Calls(together int) int {
	switch {
	case s.All():
		return together
	case together < s.N:
		return 0
	case s.I <= together%s.N:
		return together/s.N + 1
	}
	return together / s.N
}

// Clashes reports whether some file may be in both shares: only shares of the same
// N with different I never touch the same file.
func (s Share) Clashes(other Share) bool {
	return s.All() || other.All() || s.N != other.N || s.I == other.I //guard:shares-clash
}
