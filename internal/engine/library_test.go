package engine

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFindLibrary(t *testing.T) {
	dir := t.TempDir()
	project, cache := filepath.Join(dir, "project", "deep"), filepath.Join(dir, "cache")
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("LD_LIBRARY_PATH", "")
	if err := os.MkdirAll(project, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Chdir(project)
	place := func(path string) string {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}

	if path, err := FindLibrary(""); err == nil {
		if !strings.HasPrefix(path, "/usr/") {
			t.Fatalf("found %s where there is none", path)
		}
	} else if !errors.Is(err, ErrNoLibrary) || !strings.Contains(err.Error(), "make engine") {
		t.Fatalf("nowhere: %v", err)
	}
	for _, want := range []string{ // each goes before those above it
		filepath.Join(cache, "rawlogs", "engine", Version, libraryName),
		filepath.Join(dir, "project", libraryPackage, libraryName),
		filepath.Join(project, libraryPackage, libraryName),
	} {
		place(want)
		if got, err := FindLibrary(""); got != want || err != nil {
			t.Errorf("got %s, %v; want %s", got, err, want)
		}
	}

	named := place(filepath.Join(dir, "named", libraryName))
	for _, setting := range []string{named, filepath.Dir(named), "../../named/" + libraryName} {
		if got, err := FindLibrary(setting); got != named || err != nil {
			t.Errorf("%s: got %s, %v; want %s", setting, got, err, named)
		}
	}
	if _, err := FindLibrary(filepath.Join(dir, "absent.so")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
}
