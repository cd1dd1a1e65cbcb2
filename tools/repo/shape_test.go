package repo

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// shapeFiles say how a store lies over its servers, and nothing else does.
const shapeFiles = "internal/store/shape*.go"

// Every statement that a cluster would need in other words, and every name of an engine,
// is in these files: TestShape reads the texts of the product for them. Advice for people
// may quote a statement, but not begin with it.
var (
	engineName = regexp.MustCompile(`MergeTree|ON CLUSTER|^(Replicated|Shared|Distributed)$`)
	changes    = regexp.MustCompile(`^\s*((CREATE|DROP|RENAME|EXCHANGE|DETACH|TRUNCATE|OPTIMIZE) ((OR REPLACE|MATERIALIZED|IF EXISTS) )*(TABLE|VIEW|DICTIONARY|TABLES)|ALTER TABLE|DELETE FROM|SYSTEM (RELOAD|SYNC))\b`)
	into       = regexp.MustCompile("INSERT INTO [\\w`]")
)

// advises are files whose texts that begin with a statement are advice.
var advises = []string{"internal/store/check/tables.go"}

func TestShape(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	for _, dir := range []string{"cmd/ingest", "internal"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(file string, e fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			name, err := filepath.Rel(root, file)
			if err != nil {
				return err
			}
			name = filepath.ToSlash(name)
			shape, err := path.Match(shapeFiles, name)
			if err != nil {
				return err
			}
			switch {
			case e.IsDir() && (name == "internal/sim" || name == "internal/testkit" || e.Name() == "testdata"):
				return fs.SkipDir
			case !e.IsDir() && strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") && !shape:
				text, err := os.ReadFile(file)
				if err != nil {
					return err
				}
				for _, wrong := range pastShape(t, name, text) {
					t.Errorf("%s: it belongs into %s", wrong, shapeFiles)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	tables, err := filepath.Glob(filepath.Join(root, "schema", "*.sql"))
	if err != nil || len(tables) == 0 {
		t.Fatalf("no tables: %v", err)
	}
	for _, file := range tables {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, statement := range regexp.MustCompile(`(?m)^CREATE .*|^ENGINE = .*|.*MergeTree\(.*`).FindAllString(string(text), -1) {
			if strings.HasPrefix(statement, "CREATE") && !strings.Contains(statement, "{database}.") || strings.Contains(statement, "MergeTree") {
				t.Errorf("%s: %q does not leave its engine and place to %s", filepath.Base(file), statement, shapeFiles)
			}
		}
		// On a cluster the server refuses to look up in one table of all shards what stands in
		// another, unless it is told to do so once for all shards.
		for _, line := range regexp.MustCompile(`(?m)^.*?\b((ALL|ANY|ASOF) (LEFT|INNER|FULL)|(LEFT|INNER|FULL)( ALL| ANY)?) JOIN|^.*?\bIN(\n? *\(SELECT|$)`).FindAllString(string(text), -1) {
			if !strings.HasPrefix(strings.TrimSpace(line), "--") && !strings.Contains(line, "{global}") {
				t.Errorf("%s: %q lacks {global}", filepath.Base(file), line)
			}
		}
	}
}

// pastShape returns the texts of a file that belong into shapeFile, with their places.
func pastShape(t *testing.T, name string, text []byte) (wrong []string) {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		literal, ok := n.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			return true
		}
		s, err := strconv.Unquote(literal.Value)
		if err != nil {
			t.Fatal(err)
		}
		begins := changes.MatchString(s)
		for _, a := range advises {
			begins = begins && name != a
		}
		if begins || engineName.MatchString(s) || into.MatchString(s) {
			wrong = append(wrong, files.Position(literal.Pos()).String()+" "+strconv.Quote(s))
		}
		return true
	})
	return wrong
}

func TestPastShape(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`"DELETE FROM " + name`:                                 true,
		"`\n\tALTER TABLE x ADD COLUMN y`":                      true,
		`"CREATE OR REPLACE DICTIONARY " + name`:                true,
		`"ENGINE = ReplacingMergeTree(v)"`:                      true,
		`"INSERT INTO ingest_files (x)"`:                        true,
		"`INSERT INTO ` + st.Holding(name)":                     false,
		`"SELECT count() FROM ingest_files"`:                    false,
		`"make room for it (ALTER TABLE " + t + " REMOVE TTL)"`: false,
	} {
		wrong := pastShape(t, "x.go", []byte("package x\n\nvar x = "+text+"\n"))
		if (len(wrong) > 0) != want {
			t.Errorf("%s: %q, want %v", text, wrong, want)
		}
	}
}
