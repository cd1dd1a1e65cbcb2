package privacy

import (
	"slices"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/records"
	"rawlogs/internal/store"
)

// Mask is a policy laid onto the header of a text. It is for one goroutine.
type Mask struct {
	policy  *Policy
	fields  []field // that have a rule
	links   bool    // parameters are looked for in all others
	ruled   []bool  // by field
	out     records.Records
	value   []byte
	scratch linkScratch

	watch     *watch   // nil: nobody was forgotten
	names     []string // by field: as named has it
	kept      records.Records
	forgotten int
}

type field struct {
	at      int
	action  Action
	address bool // its column holds addresses
}

// Lay returns what the policy does to records under a header, nil where that is nothing. at
// is the field that feeds a column, or -1. A name stands for a column in each way in which a
// layout takes it, so that a second header of the same meaning, which goes to _rescued,
// does not escape.
func (p *Policy) Lay(names []string, columns []store.Column, at func(column string) int) *Mask {
	if !p.Hides() {
		return nil
	}
	m := &Mask{policy: p, ruled: make([]bool, len(names))}
	if p.obeys() {
		m.watch = longWatch(p)
		for _, name := range names {
			m.names = append(m.names, named(name))
		}
	}
	for _, r := range p.rules {
		if r.kind == parameter {
			m.links = true
			continue
		}
		i := slices.IndexFunc(columns, func(c store.Column) bool { return c.Name == r.name })
		address := i >= 0 && isAddress(columns[i].Type)
		for f, name := range names {
			if (r.means(name) || i >= 0 && at(r.name) == f) && !m.ruled[f] { //guard:privacy-any-name
				m.ruled[f] = true
				m.fields = append(m.fields, field{f, r.action, address})
			}
		}
	}
	if len(m.fields) == 0 && !m.links && m.watch == nil {
		return nil
	}
	return m
}

// means reports whether a header's name is one of the rule's.
func (r rule) means(name string) bool {
	own := rawlog.Spelling(r.name)
	return rawlog.Spelling(name) == own || rawlog.Alias(name).Column == own || rawlog.Alias(name).Column == rawlog.Alias(r.name).Column
}

// Apply returns the records with other values, which are the Mask's own and hold until its
// next Apply, and without those of people who were forgotten. Those given stay as they are:
// their text may be read again.
func (m *Mask) Apply(in *records.Records) *records.Records {
	if m.forgotten = 0; m.watch != nil {
		in = m.forget(in) //guard:forgotten-obeyed
	}
	if in.Rows == 0 || len(m.fields) == 0 && !m.links {
		return in
	}
	out := &m.out
	low, high := uint32(1<<32-1), uint32(0)
	fields := in.Fields[:in.Rows*in.Width] // behind them there may be those of a line that is not a row
	for _, f := range fields {
		low, high = min(low, f.Off), max(high, f.Off+uint32(f.Bytes()))
	}
	out.Valid, out.Rows, out.Width, out.Lines = in.Valid, in.Rows, in.Width, in.Lines
	out.Text = append(out.Text[:0], in.Text[low:high]...)
	out.Fields = append(out.Fields[:0], fields...)
	for i := range out.Fields {
		out.Fields[i].Off -= low
	}
	for r := range in.Rows {
		row := out.Fields[r*in.Width:][:in.Width]
		for _, f := range m.fields {
			if row[f.at].Len == 0 {
				continue
			}
			v := m.get(in, r, f.at)
			m.value = m.policy.replace(m.value[:0], v, f.action, f.address)
			m.set(&row[f.at], m.value)
		}
		if !m.links {
			continue
		}
		for f := range row {
			if m.ruled[f] || row[f].Len == 0 {
				continue
			}
			if v, changed := m.policy.link(m.get(in, r, f), &m.scratch); changed {
				m.set(&row[f], v)
			}
		}
	}
	// Fields are read eight bytes at a time where there are as many.
	out.Text = append(out.Text, "        "...)
	return out
}

func (m *Mask) get(in *records.Records, r, f int) (v []byte) {
	v, m.scratch.plain = in.Value(r, f, m.scratch.plain)
	return v
}

// set gives a field another value, which is put behind all others.
func (m *Mask) set(f *records.Field, v []byte) {
	*f = records.Field{Off: uint32(len(m.out.Text)), Len: uint32(len(v))}
	m.out.Text = append(m.out.Text, v...)
}

// Text is a single value of a column, or of what feeds it, as the policy leaves it.
func (p *Policy) Text(name, value string) string {
	if !p.On() || value == "" {
		return value
	}
	for _, r := range p.rules {
		if r.kind != parameter && r.means(name) {
			return string(p.replace(nil, []byte(value), r.action, false))
		}
	}
	v, _ := p.link([]byte(value), new(linkScratch))
	return string(v)
}
