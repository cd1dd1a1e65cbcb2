//go:build linux && amd64

package engine

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// The server's memory follows the limit of whichever control group would end it.
func TestGroupMemory(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"nothing is mounted":              {nil, math.MaxInt64},
		"no limit":                        {map[string]string{"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "max\n"}, math.MaxInt64},
		"a container's root":              {map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "3000\n"}, 3000},
		"a hidden /proc":                  {map[string]string{"sys/fs/cgroup/memory.max": "3000\n"}, 3000},
		"a service of systemd":            {map[string]string{"proc/self/cgroup": "0::/system.slice/ingest.service\n", "sys/fs/cgroup/system.slice/ingest.service/memory.max": "3000\n"}, 3000},
		"its slice is narrower":           {map[string]string{"proc/self/cgroup": "0::/s/i\n", "sys/fs/cgroup/s/i/memory.max": "3000\n", "sys/fs/cgroup/s/memory.max": "2000"}, 2000},
		"the first version":               {map[string]string{"proc/self/cgroup": "9:name=systemd:/x\n4:memory:/a/b\n0::/\n", "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "4000\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, 4000},
		"a group that is mounted nowhere": {map[string]string{"proc/self/cgroup": "0::/../../other\n", "sys/fs/cgroup/memory.max": "3000\n"}, 3000},
	} {
		root := t.TempDir()
		for file, text := range c.files {
			file = filepath.Join(root, file)
			if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(text), 0o600)); err != nil {
				t.Fatal(err)
			}
		}
		if got := groupMemory(root); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
