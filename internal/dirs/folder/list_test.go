package folder_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"rawlogs/internal/dirs"
	"rawlogs/internal/dirs/dirstest"
	"rawlogs/internal/dirs/folder"
	"rawlogs/internal/rawlog"
)

// A folder answers as every source does, also where it is reached by a link.
func TestSource(t *testing.T) {
	t.Parallel()
	dirstest.Run(t, func(t *testing.T, skipped dirs.Skipped) dirstest.World {
		base := t.TempDir()
		root, linked := filepath.Join(base, "root"), filepath.Join(base, "linked")
		if err := errors.Join(os.Mkdir(root, 0o700), os.Symlink("root", linked)); err != nil {
			t.Fatal(err)
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		written := time.Now()
		w := dirstest.World{
			Source: folder.New(linked, skipped),
			Put: func(name string, body []byte) {
				path := filepath.Join(root, filepath.FromSlash(name))
				must(os.MkdirAll(filepath.Dir(path), 0o700))
				must(os.WriteFile(path, body, 0o600))
				written = written.Add(time.Second) // a clock may tick more slowly than a test
				must(os.Chtimes(path, written, written))
			},
			Remove:    func(name string) { must(os.Remove(filepath.Join(root, name))) },
			Named:     true,
			Date:      func(name string, when time.Time) { must(os.Chtimes(filepath.Join(root, name), when, when)) },
			Retention: map[rawlog.Type]int{},
		}
		if os.Geteuid() != 0 { // whom nothing denies
			w.Deny = func(on bool) {
				mode := os.FileMode(0o700)
				if on {
					mode = 0
				}
				must(os.Chmod(root, mode))
			}
		}
		return w
	})
}

func TestOddities(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	root := filepath.Join(base, "root")
	real := "clicks-1473411600-aaaaaa.zip"
	for _, path := range []string{filepath.Join(root, "in"), filepath.Join(base, "out")} {
		if err := os.MkdirAll(path, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(path, real), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for from, to := range map[string]string{
		"clicks-1473411600-linked.zip": filepath.Join("in", real),
		"clicks-1473411600-out.zip":    filepath.Join("..", "out", real),
		"clicks-1473411600-gone.zip":   "nowhere",
		"more":                         "../out",
		"clicks-1473411600-dir.zip":    "in",
	} {
		if err := os.Symlink(to, filepath.Join(root, from)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(root, "clicks-1473411600-pipe.zip"), 0o600); err != nil {
		t.Fatal(err)
	}
	var skipped []string
	files := dirstest.Walk(t, folder.New(root, func(name string, _ error) { skipped = append(skipped, name) }), rawlog.Types())
	if len(files) != 2 || files[0].At() != "in/"+real || files[1].At() != "clicks-1473411600-linked.zip" {
		t.Errorf("got %+v", files)
	}
	if len(skipped) != 0 { // all are named like raw logs
		t.Errorf("skipped %q", skipped)
	}
	dirstest.Refuses(t, folder.New(root, nil), map[string]string{
		"clicks-1473411600-gone.zip": "link to nothing", "clicks-1473411600-out.zip": "leads out of the folder",
		"clicks-1473411600-pipe.zip": "a pipe", "more": "a folder outside the source",
	})
	err := folder.New(filepath.Join(base, "none\x1b"), nil).Walk(t.Context(), rawlog.Types(), nil, nil)
	if err == nil || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("no folder: %v", err)
	}
	if err := folder.New(filepath.Join(root, "in", real), nil).Walk(t.Context(), rawlog.Types(), nil, nil); err == nil {
		t.Error("a file as the folder: no error")
	}
}

// A folder that cannot be read is an error. Permissions do not stop everyone who
// may run this test, so the folder vanishes between its listing and its turn.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	last := filepath.Join(root, "z")
	if err := os.Mkdir(last, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "a.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w := folder.New(root, func(string, error) {
		if err := os.Remove(last); err != nil {
			t.Error(err)
		}
	})
	if err := w.Walk(t.Context(), rawlog.Types(), nil, nil); err == nil || !strings.Contains(err.Error(), last) {
		t.Errorf("got %v", err)
	}
}
