package repo

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestMap keeps CONTRIBUTING.md's map of packages complete: it names each package of
// this module once, and none that there is not.
func TestMap(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	text, err := os.ReadFile(filepath.Join(root, "CONTRIBUTING.md"))
	if err != nil {
		t.Fatal(err)
	}
	real, named := packages(t, root), mapped(string(text))
	for _, p := range real {
		if !slices.Contains(named, p) {
			t.Errorf("the map of CONTRIBUTING.md does not name %s", p)
		}
	}
	for i, p := range named {
		if !slices.Contains(real, p) {
			t.Errorf("the map of CONTRIBUTING.md names %s, and there is no such package", p)
		}
		if slices.Contains(named[:i], p) {
			t.Errorf("the map of CONTRIBUTING.md names %s twice", p)
		}
	}
}

// mapped are the packages in the first column of the map.
func mapped(text string) []string {
	_, text, _ = strings.Cut(text, "\n## Where things are\n")
	text, _, _ = strings.Cut(text, "\n## ")
	var names []string
	for line := range strings.Lines(text) {
		if cells := strings.Split(line, "|"); len(cells) > 2 {
			for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[1], -1) {
				names = append(names, m[1])
			}
		}
	}
	return names
}

// packages are the folders of this module that hold Go files.
func packages(t *testing.T, root string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := e.Name()
		if e.IsDir() {
			_, other := os.Stat(filepath.Join(path, "go.mod"))
			if path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules" || other == nil) {
				return fs.SkipDir
			}
			return nil
		}
		if dir, err := filepath.Rel(root, filepath.Dir(path)); err != nil {
			return err
		} else if dir := filepath.ToSlash(dir); strings.HasSuffix(name, ".go") && !slices.Contains(found, dir) {
			found = append(found, dir)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestMapped(t *testing.T) {
	t.Parallel()
	got := mapped("# x\n| `before` | |\n\n## Where things are\n\n| | |\n|---|---|\n| `a/b`, `c` | of `d` |\n\n## After\n| `e` | |\n")
	if !slices.Equal(got, []string{"a/b", "c"}) {
		t.Errorf("got %q", got)
	}
}
