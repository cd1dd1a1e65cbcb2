package folder_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/dirs/folder"
)

// What is put is there whole; the same again leaves it as it is, other bytes replace it.
func TestPut(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	src := folder.New(root, nil)
	path := filepath.Join(root, "a/b/c.gz")
	put := func(body string) os.FileInfo {
		t.Helper()
		if err := src.Put(t.Context(), "a/b/c.gz", []byte(body)); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := os.ReadFile(path); string(text) != body || err != nil {
			t.Errorf("%q, %v", text, err)
		}
		return info
	}
	put("one")
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	if info := put("one"); info.ModTime().After(old.Add(time.Minute)) {
		t.Error("the same bytes made another file")
	}
	if info := put("two"); info.ModTime().Before(old.Add(time.Minute)) {
		t.Error("other bytes did not")
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("%v, %v", left, err)
	}
	// A folder that is in the file's way, a name that leads out, a disk that is not there.
	if err := os.Mkdir(filepath.Join(root, "d"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"d": "directory", "../e": "out of the folder", "a/b/c.gz/f": "not a directory"} {
		if err := src.Put(t.Context(), name, []byte("x")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	gone := filepath.Join(root, "gone")
	if err := folder.New(gone, nil).Put(t.Context(), "x", nil); err == nil {
		t.Error("a folder that is not there was made")
	}
	if _, err := os.Stat(gone); err == nil {
		t.Error("it is there")
	}
}
