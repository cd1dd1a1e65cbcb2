package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestProtections keeps the table true: each snippet is found once, each test
// exists, and docs/reliability.md shows the same table.
func TestProtections(t *testing.T) {
	t.Chdir("../..")
	seen := make(map[string]bool)
	for _, p := range protections() {
		text, err := p.mutate()
		if err != nil {
			t.Error(err)
			continue
		}
		if before, _ := os.ReadFile(p.File); bytes.Equal(before, text) {
			t.Errorf("%s: %s: nothing is taken out", p.Area, p.What)
		}
		if seen[p.What] {
			t.Errorf("%s: twice", p.What)
		}
		seen[p.What] = true
		files, err := filepath.Glob(p.Package + "/*_test.go")
		if err != nil {
			t.Fatal(err)
		}
		name, _, _ := strings.Cut(p.Test, "/")
		found := false
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			found = found || bytes.Contains(text, []byte("\nfunc "+name+"("))
		}
		if !found {
			t.Errorf("%s has no %s", p.Package, name)
		}
	}
	doc, err := os.ReadFile("docs/reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(doc), markdown(protections())) {
		t.Error("docs/reliability.md shows another table; print it with go run ./cmd/mutants -list")
	}
}

// TestTrial takes a protection out for which one test fails, and a line that
// its test does not depend on.
func TestTrial(t *testing.T) {
	t.Chdir("../..")
	p := protection{
		File: "internal/rawlog/period.go", Package: "internal/rawlog", Test: "TestParsePeriod",
	}
	text, err := os.ReadFile(p.File)
	if err != nil {
		t.Fatal(err)
	}
	p.Old = string(text)
	dir := t.TempDir()
	p.New = p.Old + "\n// Another comment.\n"
	if _, err := try(t.Context(), dir, p, 0); err == nil || !strings.Contains(err.Error(), "passes without") {
		t.Errorf("a test that notices nothing: %v", err)
	}
	p.New = p.Old + "\nfunc init() { panic(\"taken out\") }\n"
	if said, err := try(t.Context(), dir, p, 0); err != nil || !strings.Contains(said, "panic: taken out") {
		t.Errorf("a test that fails: %q, %v", said, err)
	}
	p.New = p.Old + "\nnonsense\n"
	if _, err := try(t.Context(), dir, p, 0); err == nil || !strings.Contains(err.Error(), "does not build") {
		t.Errorf("a mutant that is none: %v", err)
	}
}
