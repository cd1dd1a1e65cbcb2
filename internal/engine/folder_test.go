//go:build linux && amd64

package engine

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFolderRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	other := filepath.Join(dir, "other")
	owned := filepath.Join(dir, "owned")
	gone := filepath.Join(dir, "gone")
	for _, err := range []error{
		os.WriteFile(file, nil, 0o600),
		os.Mkdir(other, 0o700), os.WriteFile(filepath.Join(other, "thesis.doc"), nil, 0o600),
		os.Mkdir(owned, 0o700), os.Symlink(filepath.Join(dir, "unmounted"), gone),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(owned, 12345, 12345); err != nil {
			t.Fatal(err)
		}
	} else {
		owned = "/usr" // root's everywhere
	}
	for path, want := range map[string]string{
		"":                           "no folder named",
		file:                         "not a directory",
		filepath.Join(file, "below"): "not a directory",
		other:                        `holds other things ("thesis.doc")`,
		owned:                        "belongs to user id",
		gone:                         "is its disk mounted?",
		filepath.Join(gone, "store"): "is its disk mounted?",
		"/proc/1/nothing":            "engine /proc/1/nothing",
	} {
		_, err := Open(t.Context(), Config{Path: path})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %q", path, err, want)
		}
		if _, err = Open(t.Context(), Config{Path: path, Existing: true}); strings.HasPrefix(path, gone) && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q, to look: %v; want %q", path, err, want)
		}
	}
	if entries, err := os.ReadDir(other); err != nil || len(entries) != 1 {
		t.Errorf("files were left in a folder that was refused: %v, %v", entries, err)
	}
}

// An administrator may prepare a store before its first start.
func TestPreparedFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "store")
	users := filepath.Join(dir, "users.d")
	if err := errors.Join(os.MkdirAll(users, 0o700), os.Mkdir(filepath.Join(dir, "config.d"), 0o700),
		os.WriteFile(filepath.Join(users, "x.xml"), []byte("<clickhouse><profiles><default><max_threads>3</max_threads></default></profiles></clickhouse>"), 0o600)); err != nil {
		t.Fatal(err)
	}
	e := mustOpen(t, Config{Path: dir})
	if got := mustQuery(t, e, "SELECT getSetting('max_threads')"); strings.TrimSpace(got) != "3" {
		t.Errorf("max_threads is %q; want what was prepared", got)
	}
}

// TestFailedStart checks that a server which ends by itself is an error that
// quotes why: its own status says nothing.
func TestFailedStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := mustOpen(t, Config{Path: filepath.Join(dir, "a")})
	twin := filepath.Join(dir, "b")
	f, err := openFolder(twin, false)
	if err != nil {
		t.Fatal(err)
	}
	// Two folders with one data folder: only ClickHouse's own lock is left.
	if err := errors.Join(os.Remove(f.file(dataFolder)), os.Symlink(filepath.Join(dir, "a", dataFolder), f.file(dataFolder))); err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), Config{Path: twin})
	if err == nil || !strings.Contains(err.Error(), "Cannot lock file") {
		t.Errorf("two servers on one data folder: %v", err)
	} else {
		t.Log(err)
	}
	mustQuery(t, e, "SELECT 1")

	// This test binary is an ELF file, but no library of ClickHouse.
	_, err = Open(t.Context(), Config{Path: filepath.Join(dir, "c"), Library: os.Args[0]})
	if err == nil || !strings.Contains(err.Error(), "library") {
		t.Errorf("not a library: %v", err)
	} else {
		t.Log(err)
	}
	_, err = Open(t.Context(), Config{Path: filepath.Join(dir, "d"), Host: "/bin/false"})
	if err == nil || !strings.Contains(err.Error(), "ended before it was ready") {
		t.Errorf("no host: %v", err)
	}
}
