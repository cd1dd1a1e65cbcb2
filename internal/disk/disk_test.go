package disk

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestOf(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	space, err := Of(dir)
	if err != nil || space.Known != (runtime.GOOS == "linux") || space.Known && space.Free == 0 {
		t.Errorf("%+v, %v", space, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() && runtime.GOOS == "linux" {
		if space, err := Of("/dev/shm"); err != nil || !space.Memory {
			t.Errorf("a folder in memory: %+v, %v", space, err)
		}
	}
	missing := filepath.Join(dir, "no")
	if _, err := Of(missing); err == nil || !strings.Contains(err.Error(), missing) || strings.Contains(err.Error(), ".ingest-") {
		t.Errorf("an absent folder: %v", err)
	}
	if _, err := Of("/proc/self"); runtime.GOOS == "linux" && err == nil {
		t.Error("a folder that takes no files")
	}
}
