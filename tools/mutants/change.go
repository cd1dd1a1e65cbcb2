package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"slices"
)

// edit puts text in the place of the bytes from … to.
type edit struct {
	from, to int
	text     string
}

// change is how a protection is taken out of the code that its mark names.
type change func(place) ([]edit, error)

// cut removes the statement, the case, or the element of a list.
func cut(p place) ([]edit, error) { return put("")(p) }

// put replaces the statement, the case, or the element of a list.
func put(code string) change {
	return func(p place) ([]edit, error) {
		if p.node == nil {
			return []edit{{p.from, p.to, code + "\n"}}, nil
		}
		e := edit{p.offset(p.node.Pos()), p.offset(p.node.End()), code}
		if code == "" && bytes.HasPrefix(p.text[e.to:], []byte(",")) {
			e.to++
		}
		return []edit{e}, nil
	}
}

// swap replaces what occurs once in the marked lines, on to the statement's end.
func swap(old, code string) change {
	return func(p place) ([]edit, error) {
		marked := p.text[p.from:p.to]
		if n := bytes.Count(marked, []byte(old)); n != 1 {
			return nil, fmt.Errorf("%d places where one is expected: %q", n, old)
		}
		at := p.from + bytes.Index(marked, []byte(old))
		return []edit{{at, at + len(old), code}}, nil
	}
}

// never makes a condition false: that of an if, for or case, or a returned one.
func never(p place) ([]edit, error) { return conditions(p, "false && (") }

// always makes it true.
func always(p place) ([]edit, error) { return conditions(p, "true || (") }

func conditions(p place, prefix string) ([]edit, error) {
	var found []ast.Expr
	switch n := p.node.(type) {
	case *ast.IfStmt:
		found = []ast.Expr{n.Cond}
	case *ast.ForStmt:
		found = []ast.Expr{n.Cond}
	case *ast.CaseClause:
		found = n.List
	case *ast.ReturnStmt:
		found = n.Results
	}
	if len(found) == 0 || found[0] == nil {
		return nil, errors.New("neither if, for, case nor return with a condition")
	}
	var edits []edit
	for _, x := range found {
		from, to := p.offset(x.Pos()), p.offset(x.End())
		edits = append(edits, edit{from, to, prefix + string(p.text[from:to]) + ")"})
	}
	return edits, nil
}

// apply returns the text with the edits, which are in order.
func apply(text []byte, edits []edit) []byte {
	out := slices.Clone(text)
	for _, e := range slices.Backward(edits) {
		out = slices.Replace(out, e.from, e.to, []byte(e.text)...)
	}
	return out
}
