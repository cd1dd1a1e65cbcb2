package main

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestProtections keeps the table true: each mark has its entry and each entry
// its mark, each change changes something, each test exists, and
// docs/protections.md shows the same table.
func TestProtections(t *testing.T) {
	t.Chdir("../..")
	marks, err := scan(".")
	if err != nil {
		t.Fatal(err)
	}
	if err := check(protections(), marks); err != nil {
		t.Error(err)
	}
	for _, p := range protections() {
		files, err := filepath.Glob(p.Package + "/*_test.go")
		if err != nil {
			t.Fatal(err)
		}
		name, _, _ := strings.Cut(p.Test, "/")
		if !slices.ContainsFunc(files, func(file string) bool {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			return bytes.Contains(text, []byte("\nfunc "+name+"("))
		}) {
			t.Errorf("%s: %s has no %s", p.Name, p.Package, name)
		}
	}
	if doc, err := os.ReadFile(written); err != nil || string(doc) != markdown(protections()) {
		t.Errorf("%s shows another table (%v); write it anew with go run ./tools/mutants -write", written, err)
	}
}

const marked = `package x

// Guards are marked: //guard:NAME
func f(a, b int) bool {
	if a > b { //guard:trailing
		return f(b, a)
	}
	//guard:preceding
	//guard:second
	switch c := a; {
	case c > 1, b > 1: //guard:case
		g() // not so, //guard:said
	}
	g( //guard:lines
		"x")
	_ = []int{
		//guard:element
		1, // one
		2, //guard:last
	}
	//guard:region{
	a++
	b++
	//guard:region}
	return a == b //guard:return
}
`

func TestChange(t *testing.T) {
	t.Parallel()
	marks := make(map[string]place)
	if wrong := scanFile("x.go", []byte(marked), marks); wrong != nil {
		t.Fatal(wrong)
	}
	if wrong := scanFile("x.sql", []byte("CREATE TABLE t (a Int8)\n--guard:sql\nENGINE = x\nORDER BY a --guard:sql-end"), marks); wrong != nil {
		t.Fatal(wrong)
	}
	for _, c := range []struct {
		mark     string
		change   change
		old, now string // now in the place of old; none of them: an error
	}{
		{"trailing", never, "if a > b {", "if false && (a > b) {"},
		{"trailing", always, "if a > b {", "if true || (a > b) {"},
		{"trailing", put("_ = a"), "if a > b { //guard:trailing\n\t\treturn f(b, a)\n\t}", "_ = a"},
		{"trailing", swap("f(b, a)", "true"), "f(b, a)", "true"},
		{"trailing", swap("b", "c"), "", ""},
		{"trailing", swap("none", ""), "", ""},
		{"second", swap("c := a", "c := b"), "c := a", "c := b"},
		{"preceding", never, "", ""},
		{"case", never, "case c > 1, b > 1:", "case false && (c > 1), false && (b > 1):"},
		{"case", cut, "case c > 1, b > 1: //guard:case\n\t\tg()", ""},
		{"lines", cut, "g( //guard:lines\n\t\t\"x\")", ""},
		{"lines", swap(`"x"`, "nil"), `"x"`, "nil"},
		{"element", cut, "1, // one", " // one"},
		{"last", put("3"), "2, //guard:last", "3, //guard:last"},
		{"region", cut, "\ta++\n\tb++\n", "\n"},
		{"region", put("c++"), "\ta++\n\tb++\n", "c++\n"},
		{"region", swap("b++", "b--"), "b++", "b--"},
		{"region", never, "", ""},
		{"return", never, "return a == b", "return false && (a == b)"},
		{"sql", swap("x", "y"), "= x", "= y"},
		{"sql", cut, "ENGINE = x\n", "\n"},
		{"sql-end", swap("BY a", "BY b"), "BY a", "BY b"},
	} {
		p := protection{Name: c.mark, Change: c.change}
		got, err := p.mutate(marks)
		before := string(marks[c.mark].text)
		if c.old == "" {
			if err == nil {
				t.Errorf("%s: changed to %s, want an error", c.mark, got.text)
			}
			continue
		}
		at := strings.LastIndex(before, c.old)
		if want := before[:at] + c.now + before[at+len(c.old):]; err != nil || string(got.text) != want {
			t.Errorf("%s: %v, got\n%s\nwant\n%s", c.mark, err, got.text, want)
		}
	}
}

func TestMarks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ code, want string }{
		{"var a int //guard:a\nvar b int //guard:a\n", "also marked"},
		{"var a int //guard:A\n", "a name looks like"},
		{"var a int //guard:a b\n", "a name looks like"},
		{"var a int // guard:\n", "a name looks like"},
		{"//guard:a{\nvar a int\n", "does not end"},
		{"//guard:a}\nvar a int\n", "a region"},
		{"//guard:a{\nvar a int //guard:a\n//guard:a}\n", "a region"},
	} {
		marks := make(map[string]place)
		wrong := scanFile("x.go", []byte("package x\n"+c.code), marks)
		if len(wrong) == 0 || !strings.Contains(wrong[0].Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.code, wrong, c.want)
		}
	}
	marks := make(map[string]place)
	if wrong := scanFile("x.go", []byte("package x\n\nvar a int //guard:a\nvar b int //guard:b\n"), marks); wrong != nil {
		t.Fatal(wrong)
	}
	err := check([]protection{{Name: "a", Change: swap("int", "int")}, {Name: "c", Change: cut}, {Name: "c", Change: cut}}, marks)
	for _, want := range []string{"guard:a: nothing is taken out", "guard:b is not in the table", "nothing is marked guard:c", "c: twice"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if got := slices.Sorted(maps.Keys(marks)); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("marks %q", got)
	}
}

// TestTrial takes a protection out for which one test fails, and a line that
// its test does not depend on.
func TestTrial(t *testing.T) {
	t.Chdir("../..")
	p := protection{Package: "internal/rawlog", Test: "TestParsePeriod"}
	const file = "internal/rawlog/period.go"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	with := func(code string) mutant { return mutant{file, []byte(string(text) + code)} }
	if _, err := try(t.Context(), dir, p, with("\n// Another comment.\n"), 0); err == nil || !strings.Contains(err.Error(), "passes without") {
		t.Errorf("a test that notices nothing: %v", err)
	}
	if said, err := try(t.Context(), dir, p, with("\nfunc init() { panic(\"taken out\") }\n"), 0); err != nil || !strings.Contains(said, "panic: taken out") {
		t.Errorf("a test that fails: %q, %v", said, err)
	}
	if _, err := try(t.Context(), dir, p, with("\nnonsense\n"), 0); err == nil || !strings.Contains(err.Error(), "does not build") {
		t.Errorf("a mutant that does not build: %v", err)
	}
}
