package repo

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestImage reads the Dockerfile: each COPY has a source, in the checkout and not kept
// out of the build by .dockerignore, or in a stage above it.
func TestImage(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	admitted := strings.Fields(read(".dockerignore"))
	var stages []string
	copies := 0
	for line := range strings.Lines(read("Dockerfile")) {
		words := strings.Fields(line)
		switch {
		case len(words) == 4 && words[0] == "FROM" && words[2] == "AS":
			stages = append(stages, words[3])
		case len(words) >= 3 && words[0] == "COPY":
			copies++
			if from, ok := strings.CutPrefix(words[1], "--from="); ok {
				if !slices.Contains(stages, from) {
					t.Errorf("%s: there is no stage %s above it", strings.TrimSpace(line), from)
				}
				continue
			}
			for _, source := range words[1 : len(words)-1] {
				if _, err := os.Stat(filepath.Join(root, source)); err != nil {
					t.Errorf("%s: %v", strings.TrimSpace(line), err)
				}
				if !slices.Contains(admitted, "!"+source) {
					t.Errorf("%s: .dockerignore keeps %s out", strings.TrimSpace(line), source)
				}
			}
		}
	}
	if want := []string{"build", "engine", "simnet", "ingest-embedded", "ingest"}; !slices.Equal(stages, want) || copies == 0 {
		t.Errorf("the stages are %v, with %d copies; want %v", stages, copies, want)
	}
}
