//go:build linux && amd64

package engine

import (
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// machineMemory is what this machine, or a control group that the process is in,
// lets a process have, in bytes; 2 GiB where neither can be read.
func machineMemory() int64 {
	memory := int64(2 << 30)
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) == nil {
		memory = int64(info.Totalram) * int64(info.Unit)
	}
	return min(memory, groupMemory("/"))
}

// groupMemory is the lowest memory limit of the control groups that this process is
// in: its own, and those above it, as each of them ends what exceeds it. A service of
// systemd has its limit (MemoryMax=) in a group below the root; in a container the
// group may be the root of what is mounted. It is the largest int64 where no limit
// is found. root is "/" but in tests.
func groupMemory(root string) int64 {
	lowest := int64(1<<63 - 1)
	raw, err := os.ReadFile(filepath.Join(root, "proc/self/cgroup"))
	if err != nil {
		raw = []byte("0::/\n0:memory:/\n")
	}
	for line := range strings.Lines(string(raw)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3) // number, controllers, group
		if len(fields) != 3 {
			continue
		}
		var mount, file string
		switch fields[1] {
		case "":
			mount, file = "sys/fs/cgroup", "memory.max"
		case "memory":
			mount, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		default:
			continue
		}
		// A group outside of what is mounted here begins with /.., and cannot be read.
		for group := path.Clean("/" + fields[2]); ; group = path.Dir(group) { //guard:group-memory
			text, err := os.ReadFile(filepath.Join(root, mount, group, file))
			if limit, perr := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && perr == nil && limit > 0 {
				lowest = min(lowest, limit)
			}
			if group == "/" {
				break
			}
		}
	}
	return lowest
}
