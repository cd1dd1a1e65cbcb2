package load

import (
	"slices"
	"strconv"
	"strings"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
)

// Shape says which columns with a DEFAULT expression an INSERT leaves out,
// because the file's header lacks them and the expression shall speak. Files
// of different shape cannot share an INSERT. Shapes of one table compare with ==.
type Shape string

// shapeSep cannot stand in an identifier.
const shapeSep = "\x00"

func (s Shape) omits(column string) bool {
	return s != "" && slices.Contains(strings.Split(string(s), shapeSep), column)
}

// Layout is one header laid onto a table: which field feeds which column. It
// is read only, and may be shared by any number of blocks and goroutines.
type Layout struct {
	shape   Shape
	width   int
	fields  []int    // by column that can be fed: its field, or -1
	scales  []int    // by column that can be fed: the power of ten that its texts are multiplied by
	unknown []int    // fields that feed no column, in order
	keys    []string // by field: its key in _rescued
	columns []string // that can be fed
	kinds   []kind   // of them
}

// NewLayout lays a header onto the table. A name feeds the column of that name, or
// else the one that it spells otherwise, or else the one that the network's other
// vocabulary means by it (see rawlog.Spelling and rawlog.Alias). Of several names
// that mean one column the first of the best kind feeds it, the others are kept in
// _rescued, a repeated one as name#2, name#3….
func NewLayout(t *Table, header []string) *Layout {
	fed := t.fed()
	l := &Layout{width: len(header), fields: make([]int, len(fed)), scales: make([]int, len(fed)), keys: make([]string, len(header))}
	exact := make(map[string]int, len(fed))
	loose := make(map[string]int, len(fed))
	for i, c := range fed {
		l.fields[i] = -1
		l.columns = append(l.columns, c.Name)
		spec, _ := parseType(c.Type)
		l.kinds = append(l.kinds, spec.kind)
		exact[c.Name] = i
		if _, taken := loose[rawlog.Spelling(c.Name)]; !taken {
			loose[rawlog.Spelling(c.Name)] = i
		}
	}
	used := make([]bool, len(header))
	claim := func(names map[string]int, meaning func(string) rawlog.Meaning) {
		for f, name := range header {
			m := meaning(name)
			i, ok := names[m.Column]
			if ok && !used[f] && l.fields[i] < 0 && !reserved(name) {
				l.fields[i], l.scales[i], used[f] = f, m.Scale, true
			}
		}
	}
	// The real name wins over an alias, wherever the two stand.
	claim(exact, func(name string) rawlog.Meaning { return rawlog.Meaning{Column: name} })
	claim(loose, func(name string) rawlog.Meaning { return rawlog.Meaning{Column: rawlog.Spelling(name)} }) //guard:header-spelling
	claim(loose, rawlog.Alias)                                                                              //guard:header-alias
	seen := make(map[string]int, len(header))
	for f, name := range header {
		seen[name]++
		l.keys[f] = name
		if n := seen[name]; n > 1 {
			l.keys[f] = name + "#" + strconv.Itoa(n)
		}
		if !used[f] {
			l.unknown = append(l.unknown, f)
		}
	}
	l.shape = shapeOf(fed, l.fields)
	return l
}

// Shape returns the shape that the header asks for.
func (l *Layout) Shape() Shape { return l.shape }

// Unknown lists the header names that feed no column, as they stand in _rescued.
func (l *Layout) Unknown() []string {
	var names []string
	for _, f := range l.unknown {
		names = append(names, l.keys[f])
	}
	return names
}

// Names are the header names that feed a column of a table.
type Names map[string]bool

// NamesOf lists those of a table, in one spelling.
func NamesOf(t *Table) Names {
	names := Names{}
	for _, c := range t.fed() {
		names[rawlog.Spelling(c.Name)] = true
	}
	return names
}

// Has reports whether a header name feeds a column.
func (n Names) Has(name string) bool {
	return n[rawlog.Spelling(name)] || n[rawlog.Alias(name).Column]
}

// Columns returns how many columns can be fed: the length of Batch.Filled.
func (l *Layout) Columns() int { return len(l.columns) }

// Names lists the columns that a Batch.Filled marks.
func (l *Layout) Names(filled []bool) []string {
	var names []string
	for i, is := range filled {
		if is {
			names = append(names, l.columns[i])
		}
	}
	return names
}

// Has reports whether the table has a column that can be fed.
func (l *Layout) Has(column string) bool { return slices.Contains(l.columns, column) }

// Field is the field of a record that feeds a column, or -1.
func (l *Layout) Field(column string) int {
	i := slices.Index(l.columns, column)
	if i < 0 {
		return -1
	}
	return l.fields[i]
}

// Feeds reports whether the header feeds a column.
func (l *Layout) Feeds(column string) bool { return l.Field(column) >= 0 }

func shapeOf(fed []store.Column, fields []int) Shape {
	var names []string
	for i, c := range fed {
		if fields[i] < 0 && c.DefaultKind == "DEFAULT" {
			names = append(names, c.Name)
		}
	}
	return Shape(strings.Join(names, shapeSep))
}
