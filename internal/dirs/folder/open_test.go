package folder_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"rawlogs/internal/dirs"
	"rawlogs/internal/dirs/folder"
	"rawlogs/internal/fetch"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/testkit/pack"
)

func content(t *testing.T, a *fetch.Archive) []byte {
	t.Helper()
	b, err := io.ReadAll(io.NewSectionReader(a, 0, a.Size()))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestOpen(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	outside := filepath.Join(t.TempDir(), "secret.zip")
	body := pack.Random(5000, 1)
	write := func(path string, b []byte) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := func(to, from string) {
		t.Helper()
		if err := os.Symlink(to, filepath.Join(root, from)); err != nil {
			t.Fatal(err)
		}
	}
	write(outside, body)
	write(filepath.Join(root, "a/b/f.zip"), body)
	write(filepath.Join(root, "text.zip"), []byte("plain text, no archive"))
	write(filepath.Join(root, "empty.zip"), nil)
	write(filepath.Join(root, "evil\x1b[2J.zip"), nil)
	link("a/b/f.zip", "relative.zip")
	link(filepath.Join(root, "a/b/f.zip"), "absolute.zip")
	link(outside, "out.zip")
	link(filepath.Dir(outside), "outdir")
	link("nowhere", "dangling.zip")
	if err := syscall.Mkfifo(filepath.Join(root, "pipe.zip"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, over := range map[string]int64{"in memory": 1 << 20, "direct": 1} {
		d := fetch.New(folder.New(root, nil), fetch.Config{Backoff: time.Microsecond, SpoolOver: over})
		for file, want := range map[string]dirs.Kind{
			"a/b/f.zip": -1, "relative.zip": -1, "absolute.zip": -1,
			"text.zip": dirs.NotLog, "empty.zip": dirs.NotLog, "evil\x1b[2J.zip": dirs.NotLog,
			"out.zip": dirs.Refused, "outdir/secret.zip": dirs.Refused, "../x.zip": dirs.Refused, "a/../../x.zip": dirs.Refused, "": dirs.Refused,
			outside: dirs.Refused, "a": dirs.Refused, "pipe.zip": dirs.Refused,
			"none.zip": dirs.NotFound, "dangling.zip": dirs.NotFound,
		} {
			a, err := d.Fetch(t.Context(), rawlog.File{Type: rawlog.Clicks, Name: file, Size: -1})
			if want >= 0 {
				if dirs.KindOf(err) != want || err == nil || strings.Contains(err.Error(), "\x1b") || strings.Contains(err.Error(), root) {
					t.Errorf("%s: %q: got %v, want %v", name, file, err, want)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %q: %v", name, file, err)
				continue
			}
			if !bytes.Equal(content(t, a), body) || a.Size() != 5000 || !strings.HasPrefix(a.File.ETag, "mtime-") {
				t.Errorf("%s: %q: %+v", name, file, a.File)
			}
			a.Release()
		}
	}
}

// A file replaced since it was listed is taken as it is now, and said to be so.
func TestFileReplaced(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	path := filepath.Join(root, "f.zip")
	for i, body := range [][]byte{pack.Random(100, 1), pack.Random(120, 2)} {
		if err := os.WriteFile(path, body, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Time{}, time.Unix(int64(1000+i), 0)); err != nil {
			t.Fatal(err)
		}
	}
	a, err := fetch.New(folder.New(root, nil), fetch.Config{Backoff: time.Microsecond}).Fetch(t.Context(),
		rawlog.File{Name: "f.zip", Size: 100, ETag: "mtime-1000000000000"})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Release()
	if a.File.Size != 120 || a.File.ETag != "mtime-1001000000000" {
		t.Errorf("got %+v", a.File)
	}
}
