package term

import (
	"errors"
	"io"
	"os"
	"path/filepath"
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
