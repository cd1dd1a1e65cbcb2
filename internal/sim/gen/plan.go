package gen

import "slices"

// plan is a header made ready: how each of its fields is written.
type plan struct {
	fields []field
	steps  []step // fields, with runs of constants folded into one copy
	agent  int    // index of the field that stray quotes go into
}

type field struct {
	cell     cell // nil: constant
	constant string
}

type step struct {
	before []byte
	cell   cell // nil: only before
}

func (n *Network) plan(s Spec, header []string, clk *clock) *plan {
	p := &plan{agent: len(header) / 2}
	unknown := make(map[string][]string, len(s.Unknown))
	for _, u := range s.Unknown {
		unknown[u.Name] = u.Values
	}
	for i, name := range header {
		if values := unknown[name]; len(values) > 0 {
			p.fields = append(p.fields, field{cell: valueCell(name, values)})
			continue
		}
		if name == "user_agent" {
			p.agent = i
		}
		c, constant := n.cellOf(s.Type, name, clk)
		p.fields = append(p.fields, field{cell: c, constant: constant})
	}
	var before []byte
	for i, f := range p.fields {
		if i > 0 {
			before = append(before, ',')
		}
		if f.cell == nil {
			before = append(before, f.constant...)
			continue
		}
		p.steps = append(p.steps, step{before: before, cell: f.cell})
		before = nil
	}
	p.steps = append(p.steps, step{before: append(before, '\n')})
	return p
}

func valueCell(name string, values []string) cell {
	cells := make([][]byte, len(values))
	for i, v := range values {
		cells[i] = quoted(v)
	}
	salt := mixString(name)
	return func(b []byte, r *row) []byte {
		return append(b, cells[scramble(r.dice^salt)%uint64(len(cells))]...)
	}
}

// append writes the row as one record with its line end.
func (p *plan) append(b []byte, r *row) []byte {
	for i := range p.steps {
		b = append(b, p.steps[i].before...)
		if c := p.steps[i].cell; c != nil {
			b = c(b, r)
		}
	}
	return b
}

// broken writes the row as a line, without its end, that does not split into
// the header's fields. Under no header seen in the wild can any kind of it be
// read as a good record together with the lines that follow.
func (p *plan) broken(r *row, k int) ([]byte, BreakKind) {
	cells := make([][]byte, len(p.fields))
	for i, f := range p.fields {
		cells[i] = []byte(f.constant)
		if f.cell != nil {
			cells[i] = f.cell(nil, r)
		}
	}
	kind := [...]BreakKind{Short, Long, OpenQuote, InnerQuote, TrailingOpen}[k%5]
	switch kind {
	case Short:
		cells = cells[:max(1, len(cells)-1-k%4)]
		if len(p.fields) == 1 {
			cells = slices.Concat(cells, cells) // nothing is shorter than one field
		}
	case Long:
		cells = slices.Insert(cells, len(cells)/2, []byte(`"stray"`))
	case OpenQuote:
		cells[p.agent] = []byte(`"Mozilla/5.0 (unclosed, broken)`)
		if p.agent == len(cells)-1 {
			cells[p.agent] = []byte(`"a"b`)
		}
	case InnerQuote:
		cells[p.agent] = []byte(`"Mozilla/5.0 "stray" quote"`)
	case TrailingOpen:
		cells[len(cells)-1] = []byte(`"`)
	}
	var b []byte
	for i, c := range cells {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, c...)
	}
	return b, kind
}
