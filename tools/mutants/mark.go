package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A mark names the code that protects: //guard:NAME in Go, --guard:NAME in SQL,
// at the end of the line or on a line of its own before it. What begins with
// //guard:NAME{ and ends with //guard:NAME} is marked as a whole.
var (
	markIn = map[string]*regexp.Regexp{
		".go":  regexp.MustCompile(`^//\s*guard:(.*)$`),
		".sql": regexp.MustCompile(`^--\s*guard:(.*)$`),
	}
	markName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	aloneIn  = map[string]string{".go": "//", ".sql": "--"}
)

// place is where a mark points.
type place struct {
	file     string
	text     []byte   // of the file
	line     int      // the marked one, or the first of the region
	from, to int      // the marked lines, on to the end of node
	node     ast.Node // the outermost that begins on the line; nil in SQL and for a region
	offset   func(token.Pos) int
}

// at is how an editor finds the place.
func (p place) at() string { return fmt.Sprintf("%s:%d", p.file, p.line) }

// scan finds the marks below a folder. Tests carry none: nothing is built on them.
func scan(root string) (map[string]place, error) {
	marks := make(map[string]place)
	var wrong []error
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := e.Name()
		if e.IsDir() {
			if path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules") {
				return fs.SkipDir
			}
			return nil
		}
		if markIn[filepath.Ext(name)] == nil || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(text, []byte("guard:")) {
			return err
		}
		wrong = append(wrong, scanFile(path, text, marks)...)
		return nil
	})
	return marks, errors.Join(append(wrong, err)...)
}

// scanFile adds the marks of one file.
func scanFile(path string, text []byte, marks map[string]place) (wrong []error) {
	ext := filepath.Ext(path)
	comments, finish, err := commentsOf(path, text)
	if err != nil {
		return []error{err}
	}
	open := make(map[string]int) // the regions' first lines
	for _, c := range comments {
		m := markIn[ext].FindSubmatch(text[c.from:c.to])
		if m == nil {
			continue
		}
		said := string(bytes.TrimSpace(m[1]))
		name := strings.TrimRight(said, "{}")
		at := fmt.Sprintf("%s:%d: guard:%s", path, lineOf(text, c.from), said)
		if !markName.MatchString(name) || len(said) > len(name)+1 {
			wrong = append(wrong, fmt.Errorf("%s: a name looks like late-file", at))
			continue
		}
		if _, twice := marks[name]; twice {
			wrong = append(wrong, fmt.Errorf("%s: also marked at %s", at, marks[name].at()))
			continue
		}
		begin, opened := open[name]
		switch {
		case strings.HasSuffix(said, "{") && !opened:
			open[name] = lineOf(text, c.from) + 1
		case strings.HasSuffix(said, "}") && opened:
			delete(open, name)
			marks[name] = place{
				file: path, text: text, line: begin,
				from: lineStart(text, begin), to: lineStart(text, lineOf(text, c.from)),
			}
		case said == name && !opened:
			marks[name] = finish(markedLine(text, c.from, aloneIn[ext]))
		default:
			wrong = append(wrong, fmt.Errorf("%s: begins or ends a region that does not end or begin", at))
		}
	}
	for name, line := range open {
		wrong = append(wrong, fmt.Errorf("%s:%d: guard:%s{ does not end", path, line-1, name))
	}
	return wrong
}

type span struct{ from, to int }

// commentsOf returns a file's comments, and what makes a place of a line.
func commentsOf(path string, text []byte) (comments []span, finish func(line int) place, err error) {
	whole := func(line int) place {
		return place{file: path, text: text, line: line, from: lineStart(text, line), to: lineStart(text, line+1)}
	}
	if filepath.Ext(path) == ".sql" {
		for _, at := range regexp.MustCompile(`--.*`).FindAllIndex(text, -1) {
			comments = append(comments, span{at[0], at[1]})
		}
		return comments, whole, nil
	}
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, nil, err
	}
	offset := func(pos token.Pos) int { return set.Position(pos).Offset }
	for _, group := range file.Comments {
		for _, c := range group.List {
			comments = append(comments, span{offset(c.Pos()), offset(c.End())})
		}
	}
	return comments, func(line int) place {
		p := whole(line)
		p.node, p.offset = nodeAt(file, func(n ast.Node) bool { return set.Position(n.Pos()).Line == line }), offset
		if p.node != nil {
			p.to = max(p.to, offset(p.node.End()))
		}
		return p
	}, nil
}

// nodeAt returns the first, and of those the outermost, node that begins on the line.
func nodeAt(file *ast.File, begins func(ast.Node) bool) (found ast.Node) {
	ast.Inspect(file, func(n ast.Node) bool {
		switch n.(type) {
		case nil, *ast.Comment, *ast.CommentGroup:
			return false
		case *ast.File:
			return true
		}
		if found == nil && begins(n) {
			found = n
		}
		return found == nil
	})
	return found
}

// markedLine is the line of a mark at its end, or the next one with code.
func markedLine(text []byte, mark int, comment string) int {
	line := lineOf(text, mark)
	for {
		before := bytes.TrimSpace(text[lineStart(text, line):lineStart(text, line+1)])
		if len(before) > 0 && !bytes.HasPrefix(before, []byte(comment)) || lineStart(text, line) == len(text) {
			return line
		}
		line++
	}
}

func lineOf(text []byte, offset int) int { return 1 + bytes.Count(text[:offset], []byte("\n")) }

// lineStart is where a line begins; the end of the text for those after the last.
func lineStart(text []byte, line int) int {
	at := 0
	for ; line > 1; line-- {
		n := bytes.IndexByte(text[at:], '\n')
		if n < 0 {
			return len(text)
		}
		at += n + 1
	}
	return at
}

// check compares the table with the marks.
func check(all []protection, marks map[string]place) error {
	var wrong []error
	entries := make(map[string]bool)
	for _, p := range all {
		if entries[p.Name] {
			wrong = append(wrong, fmt.Errorf("%s: twice in the table", p.Name))
		}
		entries[p.Name] = true
		if _, err := p.mutate(marks); err != nil {
			wrong = append(wrong, err)
		}
	}
	for name, at := range marks {
		if !entries[name] {
			wrong = append(wrong, fmt.Errorf("%s: guard:%s is not in the table of tools/mutants", at.at(), name))
		}
	}
	slices.SortFunc(wrong, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(wrong...)
}
