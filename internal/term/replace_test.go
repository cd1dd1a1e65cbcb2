package term

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestReplace(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "status.html")
	for _, text := range []string{"one", "two"} {
		if err := Replace(path, func(w io.Writer) error { _, err := io.WriteString(w, text); return err }); err != nil {
			t.Fatal(err)
		}
	}
	broken := errors.New("broken")
	err := Replace(path, func(w io.Writer) error {
		_, err := io.WriteString(w, "half of ")
		if got, rerr := os.ReadFile(path); rerr != nil || string(got) != "two" {
			t.Errorf("while it is written anew: %q, %v", got, rerr)
		}
		return errors.Join(err, broken)
	})
	if got, rerr := os.ReadFile(path); !errors.Is(err, broken) || rerr != nil || string(got) != "two" {
		t.Errorf("after a failure: %q, %v, %v", got, rerr, err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// What stands at the path already is not always a file.
func TestReplaceOther(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, err := range []error{
		os.Mkdir(in("folder"), 0o700), os.WriteFile(in("file"), []byte("former"), 0o600), os.Symlink("file", in("link")),
		os.Symlink("later", in("dangling")), os.Symlink("folder", in("to-folder")), os.Symlink("round", in("round")), os.Symlink("pipe", in("to-pipe")), syscall.Mkfifo(in("pipe"), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	put := func(name string) error {
		return Replace(in(name), func(w io.Writer) error { _, err := io.WriteString(w, "to "+name); return err })
	}
	for name, want := range map[string]string{"folder": "is a folder", "to-folder": "is a folder", "none/file": "cannot write into the folder", "file/file": "cannot write into the folder"} {
		if err := put(name); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), ".file.") {
			t.Errorf("%s: %v; want %q", name, err, want)
		}
	}
	for _, name := range []string{"link", "dangling", "round"} { // replaced, not followed
		err := put(name)
		got, rerr := os.ReadFile(in(name))
		if info, lerr := os.Lstat(in(name)); err != nil || rerr != nil || lerr != nil || string(got) != "to "+name || !info.Mode().IsRegular() {
			t.Errorf("%s: %v, %v, %v, %q", name, err, rerr, lerr, got)
		}
	}
	if text, err := os.ReadFile(in("file")); err != nil || string(text) != "former" {
		t.Errorf("the file that a link led to: %q, %v", text, err)
	}
	read, err := os.OpenFile(in("pipe"), os.O_RDWR, 0) // so that neither end waits
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	for _, name := range []string{"pipe", "to-pipe"} {
		if err := put(name); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Lstat(in(name)); err != nil || info.Mode().IsRegular() {
			t.Fatalf("%s is %v, %v", name, info.Mode(), err)
		}
		got := make([]byte, len("to "+name))
		if _, err := io.ReadFull(read, got); err != nil || string(got) != "to "+name {
			t.Errorf("%q, %v", got, err)
		}
	}
}
