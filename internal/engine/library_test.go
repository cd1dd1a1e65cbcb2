package engine

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// place puts an empty library somewhere.
func place(t *testing.T, path string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFindLibrary(t *testing.T) {
	dir := t.TempDir()
	cache := filepath.Join(dir, "cache")
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("LD_LIBRARY_PATH", "")
	t.Chdir(dir)

	if path, err := FindLibrary(""); err == nil {
		if !strings.HasPrefix(path, "/usr/") {
			t.Fatalf("found %s where there is none", path)
		}
	} else if !errors.Is(err, ErrNoLibrary) || !strings.Contains(err.Error(), "make engine") {
		t.Fatalf("nowhere: %v", err)
	}
	want := place(t, filepath.Join(cache, "rawlogs", "engine", Version, libraryName))
	if got, err := FindLibrary(""); got != want || err != nil {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
	named := place(t, filepath.Join(dir, "named", libraryName))
	for _, setting := range []string{named, filepath.Dir(named), "named/" + libraryName} {
		if got, err := FindLibrary(setting); got != named || err != nil {
			t.Errorf("%s: got %s, %v; want %s", setting, got, err, named)
		}
	}
	if _, err := FindLibrary(filepath.Join(dir, "absent.so")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
	for _, path := range []string{want, named} {
		if err := os.Chmod(path, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, setting := range []string{"", named} {
		if _, err := FindLibrary(setting); err == nil || !strings.Contains(err.Error(), "chmod go-w") {
			t.Errorf("%q, which everyone can replace: %v", setting, err)
		}
	}
}

// A folder that somebody else filled is stood in, and has a library for us: in
// itself, above, and where the cache would be of a user without a home.
func TestLibraryOfTheWorkingFolder(t *testing.T) {
	dir := t.TempDir()
	deep := filepath.Join(dir, "archive", "2016")
	for _, at := range []string{deep, filepath.Dir(deep)} {
		for _, name := range []string{libraryName, libraryPackage + "/" + libraryName, ".cache/rawlogs/engine/" + Version + "/" + libraryName, "rawlogs/engine/" + Version + "/" + libraryName} {
			place(t, filepath.Join(at, name))
		}
	}
	t.Chdir(deep)
	for _, env := range [][3]string{{"", "", ""}, {".", ".", "."}, {"", "..", "..:."}} {
		t.Setenv("XDG_CACHE_HOME", env[0])
		t.Setenv("HOME", env[1])
		t.Setenv("LD_LIBRARY_PATH", env[2])
		if path, err := FindLibrary(""); err == nil && !strings.HasPrefix(path, "/usr/") {
			t.Errorf("with %q it would run %s", env, path)
		} else if err != nil && !strings.Contains(err.Error(), "neither HOME nor XDG_CACHE_HOME") {
			t.Errorf("with %q: %v", env, err)
		}
	}
	for _, program := range []string{"", "ingest", "./bin/ingest"} {
		for _, path := range libraryPlaces(program) {
			if !filepath.IsAbs(path) {
				t.Errorf("program %q: looks in %s", program, path)
			}
		}
	}
}

// A checkout's program finds what npm put into the checkout.
func TestLibraryOfTheProgram(t *testing.T) {
	t.Parallel()
	places := libraryPlaces("/opt/rawlogs/bin/ingest")
	for _, want := range []string{"/opt/rawlogs/node_modules/@chdb/lib-linux-x64-gnu/libchdb.so", "/opt/rawlogs/bin/node_modules/@chdb/lib-linux-x64-gnu/libchdb.so"} {
		if !slices.Contains(places, want) {
			t.Errorf("does not look for %s", want)
		}
	}
	if slices.Contains(places, "/opt/node_modules/@chdb/lib-linux-x64-gnu/libchdb.so") {
		t.Error("looks above the checkout")
	}
}
