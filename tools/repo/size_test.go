package repo

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The most lines that a file and a function may have which is no test.
const (
	mostOfFile     = 400
	mostOfFunction = 60
)

// long are the functions that may be longer. A decoder keeps its state in local
// variables, which the compiler holds in registers: calls would cost a part of its
// speed.
var long = []string{
	"internal/parse/csv/cut.go cut",
	"internal/parse/inflate/huffman.go build",
	"internal/parse/inflate/inflate.go codes",
	"internal/parse/inflate/inflate.go fast",
}

// TestSizes keeps files and functions at a size that is read at once.
func TestSizes(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	var met []string
	for _, dir := range packages(t, root) {
		paths, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			name := dir + "/" + filepath.Base(path)
			lines, functions := sizes(t, path)
			if lines > mostOfFile {
				t.Errorf("%s has %d lines: cut it by subject, %d at most", name, lines, mostOfFile)
			}
			for f, lines := range functions {
				if lines <= mostOfFunction {
					continue
				}
				met = append(met, name+" "+f)
				if !slices.Contains(long, name+" "+f) {
					t.Errorf("%s: %s has %d lines: cut it by what it does, %d at most", name, f, lines, mostOfFunction)
				}
			}
		}
	}
	for _, f := range long {
		if !slices.Contains(met, f) {
			t.Errorf("%s needs no exception any more", f)
		}
	}
}

// sizes are the lines of a file and of its functions.
func sizes(t *testing.T, path string) (lines int, functions map[string]int) {
	t.Helper()
	files := token.NewFileSet()
	f, err := parser.ParseFile(files, path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	functions = map[string]int{}
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok {
			n := files.Position(fn.End()).Line - files.Position(fn.Pos()).Line + 1
			functions[fn.Name.Name] = max(functions[fn.Name.Name], n)
		}
	}
	return files.File(f.Pos()).LineCount(), functions
}
